//! The state of offers and answers (RFC 3264) in a session.

use offhook_wire::sdp::Direction;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::agreement::Agreement;
use crate::sdp::{
    AudioLine, Credentials, DescriptionWriter, LocalLine, Payload, RemoteDescription, RemoteLine,
};
use crate::transport::LocalParameters;

pub(super) struct Negotiation {
    pub(super) writer: DescriptionWriter,
    pub(super) cname: String,
    /// The `m=` lines of the call, in order.
    pub(super) lines: Vec<LocalLine>,
    pub(super) local: Option<LocalParameters>,
    pub(super) remote: Option<Credentials>,
    /// This end starts the DTLS handshake.
    pub(super) active: bool,
    pub(super) agreement: Option<Agreement>,
    /// The agreement before our last answer, while a rollback to it is possible.
    pub(super) previous: Option<Agreement>,
    /// All payload types of the transport: they may be offered again after an agreement on fewer.
    pub(super) payloads: Vec<Payload>,
    pub(super) pending: Option<LocalOffer>,
    /// Our last offer that was answered: the answer may be retransmitted, or another fork may answer too.
    pub(super) answered: Option<LocalOffer>,
    /// Our first offer, if the session began with one: forks repeat it.
    pub(super) first: Option<FirstOffer>,
}

/// An offer of ours.
#[derive(Clone)]
pub(super) struct LocalOffer {
    pub(super) payloads: Vec<Payload>,
    pub(super) direction: Direction,
    pub(super) parameters: LocalParameters,
    /// The transport waits for the answer too: the first offer, or an ICE restart.
    pub(super) starts_transport: bool,
}

/// Our first offer, with what was current when it was made.
#[derive(Clone)]
pub(super) struct FirstOffer {
    pub(super) offer: LocalOffer,
    pub(super) lines: Vec<LocalLine>,
    pub(super) writer: DescriptionWriter,
}

impl Negotiation {
    pub(super) fn new(random: &mut ChaCha8Rng) -> Self {
        Self {
            writer: DescriptionWriter::new(random.next_u64()),
            cname: format!("{:016x}", random.next_u64()),
            lines: Vec::new(),
            local: None,
            remote: None,
            active: false,
            agreement: None,
            previous: None,
            payloads: Vec::new(),
            pending: None,
            answered: None,
            first: None,
        }
    }

    /// The state after the same first offer, without an answer. None if the first description was the peer's, or the offer was rolled
    /// back.
    pub(super) fn fork(&self) -> Option<Self> {
        let first = self.first.clone()?;
        Some(Self {
            writer: first.writer.clone(),
            cname: self.cname.clone(),
            lines: first.lines.clone(),
            local: None,
            remote: None,
            active: false,
            agreement: None,
            previous: None,
            payloads: first.offer.payloads.clone(),
            pending: Some(first.offer.clone()),
            answered: None,
            first: Some(first),
        })
    }

    pub(super) fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }
}

/// The lines of an answer: all lines of the offer, in its order (RFC 3264 §6).
pub(super) fn answer_lines(remote: &RemoteDescription) -> Vec<LocalLine> {
    let line = |(n, line): (usize, &RemoteLine)| {
        if n == remote.audio {
            LocalLine::Audio(AudioLine {
                proto: line.proto.clone(),
                mid: line.mid.clone(),
                bundled: remote.bundled,
                rtcp_mux: remote.rtcp_mux,
            })
        } else {
            LocalLine::Rejected(line.clone())
        }
    };
    remote.lines.iter().enumerate().map(line).collect()
}
