//! The result of an offer and its answer (RFC 3264).

use offhook_wire::sdp::Direction;

use super::formats::preferred_formats;
use crate::codec::Codec;
use crate::config::MediaConfig;
use crate::error::MediaError;
use crate::sdp::{Format, Payload, RemoteDescription};

/// What an offer and its answer agree on, for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// The direction of the audio, as this end sees it (RFC 3264 §6.1).
    pub direction: Direction,
    /// Whether the peer holds this end (RFC 3264 §8.4): its description excludes that it receives, or has the address 0.0.0.0 with a
    /// port other than 9. With port 9 that address is not a hold, but stands for candidates that follow (RFC 8840 §4.1.1). An answer to
    /// an offer that excluded sending excludes receiving in any case.
    pub held: bool,
    /// Whether the peer accepts telephone-event by RTP (RFC 4733).
    pub telephone_event: bool,
}

/// What a new session would agree on if it answered this offer with `sendrecv`. It makes no session, transport or key, and draws no
/// randomness: suitable before the user is alerted.
///
/// # Errors
///
/// [`MediaError::Malformed`], [`MediaError::NoCommonMedia`], [`MediaError::NoCommonTransport`] and [`MediaError::NoCommonCodec`], as
/// [`MediaSession::answer`](crate::MediaSession::answer) of a new session. [`MediaError::status`] is the SIP status that refuses the
/// offer.
pub fn check(config: &MediaConfig, offer: impl AsRef<[u8]>) -> Result<Agreed, MediaError> {
    let remote = RemoteDescription::parse(offer.as_ref())?;
    Agreement::of_answer(config, &remote, Direction::SendRecv, None).map(|agreement| agreement.agreed())
}

/// What both ends agreed on.
#[derive(Clone, Debug)]
pub(super) struct Agreement {
    /// In order of preference.
    pub(super) payloads: Vec<Payload>,
    /// The audio that this end sends.
    pub(super) audio: Payload,
    pub(super) telephone_event: Option<Payload>,
    pub(super) direction: Direction,
    /// This end holds the peer: our description excluded receiving, whatever the peer's said (RFC 3264 §8.4).
    pub(super) holds_peer: bool,
    /// The peer holds this end.
    held: bool,
}

impl Agreement {
    /// `payloads` in order of preference, `ours` the direction of our own description.
    pub(super) fn new(
        payloads: Vec<Payload>,
        remote: &RemoteDescription,
        ours: Direction,
    ) -> Result<Self, MediaError> {
        let audio = payloads.iter().find(|p| matches!(p.format, Format::Audio(_)));
        let audio = *audio.ok_or(MediaError::NoCommonCodec)?;
        let event = |same_clock: bool| {
            payloads.iter().find(
                |p| matches!(p.format, Format::Event(clock) if !same_clock || clock == audio.format.clock()),
            )
        };
        // RFC 4733 §2.1 requires the clock of the audio; some peers offer only the other one.
        let telephone_event = event(true).or_else(|| event(false)).copied();
        let direction = Direction::answer(remote.direction, ours);
        let (holds_peer, held) = (!ours.receives(), remote.holds);
        Ok(Self { audio, telephone_event, payloads, direction, holds_peer, held })
    }

    /// Of our answer to an offer, with the direction `ours` as far as the offer allows it. `known` are the payload types of the
    /// association that it continues: a payload type keeps its format (RFC 3264 §8.3.2).
    pub(super) fn of_answer(
        config: &MediaConfig,
        offer: &RemoteDescription,
        ours: Direction,
        known: Option<&[Payload]>,
    ) -> Result<Self, MediaError> {
        let mut payloads = offer.common_payloads(&preferred_formats(config));
        if let Some(known) = known {
            payloads.retain(|payload| known.contains(payload));
        }
        Self::new(payloads, offer, ours)
    }

    pub(super) fn codec(&self) -> Codec {
        match self.audio.format {
            Format::Audio(codec) => codec,
            Format::Event(_) => unreachable!("`new` selects an audio payload"),
        }
    }

    pub(super) fn agreed(&self) -> Agreed {
        let telephone_event = self.telephone_event.is_some();
        Agreed { direction: self.direction, held: self.held, telephone_event }
    }
}
