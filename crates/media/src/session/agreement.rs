//! The result of an offer and its answer (RFC 3264).

use offhook_wire::sdp::Direction;

use crate::codec::Codec;
use crate::sdp::{Format, Payload};

/// What both ends agreed on.
#[derive(Clone, Debug)]
pub(super) struct Agreement {
    pub(super) payloads: Vec<Payload>,
    /// The audio that this end sends.
    pub(super) audio: Payload,
    pub(super) telephone_event: Option<Payload>,
    pub(super) direction: Direction,
    /// This end holds the peer: our description excluded receiving, whatever the peer's said (RFC 3264 §8.4).
    pub(super) holds_peer: bool,
}

impl Agreement {
    /// `payloads` in order of preference, `ours` the direction of our own description. None without an audio codec.
    pub(super) fn new(payloads: Vec<Payload>, direction: Direction, ours: Direction) -> Option<Self> {
        let audio = *payloads.iter().find(|p| matches!(p.format, Format::Audio(_)))?;
        let event = |same_clock: bool| {
            payloads.iter().find(
                |p| matches!(p.format, Format::Event(clock) if !same_clock || clock == audio.format.clock()),
            )
        };
        // RFC 4733 §2.1 requires the clock of the audio; some peers offer only the other one.
        let telephone_event = event(true).or_else(|| event(false)).copied();
        Some(Self { audio, telephone_event, payloads, direction, holds_peer: !ours.receives() })
    }

    pub(super) fn codec(&self) -> Codec {
        match self.audio.format {
            Format::Audio(codec) => codec,
            Format::Event(_) => unreachable!("`new` selects an audio payload"),
        }
    }
}
