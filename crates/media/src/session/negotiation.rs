//! The state of offers and answers (RFC 3264) in a session.

use offhook_wire::sdp::Direction;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::agreement::Agreement;
use crate::codec::Codec;
use crate::config::MediaConfig;
use crate::sdp::{
    AudioLine, Credentials, DescriptionWriter, Format, LocalLine, Payload, RemoteDescription, RemoteLine,
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
}

/// An offer of ours.
pub(super) struct LocalOffer {
    pub(super) payloads: Vec<Payload>,
    pub(super) direction: Direction,
    pub(super) parameters: LocalParameters,
    /// The transport waits for the answer too: the first offer, or an ICE restart.
    pub(super) starts_transport: bool,
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
        }
    }

    pub(super) fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }
}

/// The configured formats, in order of preference.
pub(super) fn preferred_formats(config: &MediaConfig) -> Vec<Format> {
    let mut formats: Vec<Format> = Vec::new();
    for codec in &config.codecs {
        if !formats.contains(&Format::Audio(*codec)) {
            formats.push(Format::Audio(*codec));
        }
    }
    if config.telephone_event {
        formats.extend([Format::Event(48_000), Format::Event(8_000)]);
    }
    formats
}

/// The payload types of a first offer, with the numbers that browsers use.
pub(super) fn first_payloads(config: &MediaConfig) -> Vec<Payload> {
    let clocks: Vec<u32> = config.codecs.iter().map(|codec| codec.clock()).collect();
    let number = |format| match format {
        Format::Audio(Codec::Opus) => Some(111),
        Format::Audio(Codec::Pcmu) => Some(0),
        Format::Audio(Codec::Pcma) => Some(8),
        Format::Event(clock) if !clocks.contains(&clock) => None,
        Format::Event(48_000) => Some(110),
        Format::Event(_) => Some(126),
    };
    let payload = |format| number(format).map(|number| Payload { number, format });
    preferred_formats(config).into_iter().filter_map(payload).collect()
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
