use crate::{Direction, SessionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Work that the host does for a call. Its `Debug` shows the length of a description, not its content, which has keys and ICE
/// passwords.
#[derive(Clone)]
pub enum Effect {
    /// Create an offer. Result: [`EffectResult::Description`] or `Failed`.
    Offer {
        /// The call. Create its media session at its first `Offer` or `Answer`.
        session: SessionId,
        /// The direction to offer.
        direction: Direction,
    },
    /// Apply the peer's offer and create the answer. Result: [`EffectResult::Description`] or `Failed`.
    Answer {
        /// The call.
        session: SessionId,
        /// The peer's description (SDP).
        offer: Bytes,
        /// Our intended direction; the answer's direction is what the offer allows of it (RFC 3264 §6.1).
        direction: Direction,
    },
    /// Apply the peer's answer to our offer. Result: [`EffectResult::Applied`] or `Failed`.
    Apply {
        /// The call.
        session: SessionId,
        /// The peer's description (SDP).
        answer: Bytes,
    },
    /// Roll back: an offer, local or remote, was not completed; return to the session that was agreed before.
    /// No result.
    Rollback {
        /// The call.
        session: SessionId,
    },
    /// Send one digit as RTP telephone-event (RFC 4733). Result: [`EffectResult::Sent`] or `Failed`.
    Digit {
        /// The call.
        session: SessionId,
        /// `0-9 * # A-D`.
        digit: char,
        /// The duration of the tone.
        duration: Duration,
    },
    /// The call has ended: release its media session. No result.
    Release {
        /// The call.
        session: SessionId,
    },
}

/// The result of an effect. Its `Debug` shows no description either.
#[derive(Clone)]
pub enum EffectResult {
    /// The local description (SDP).
    Description(Bytes),
    /// The peer's answer was applied.
    Applied,
    /// The digit was sent.
    Sent,
    /// The effect failed.
    Failed(MediaFault),
}

/// Why the media engine could not carry out an effect.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaFault {
    /// The descriptions have no codec or no transport in common (answered with 488).
    NoCommonCodec,
    /// The peer's description is malformed (answered with 488).
    BadDescription,
    /// A device, a permission or the engine failed.
    Engine,
}

/// An event of a call's media session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// The path is up: ICE and DTLS are done.
    Up,
    /// The path is interrupted; it may come back.
    Down,
    /// The path failed permanently: the phone ends the call.
    Failed,
    /// A digit was received by RTP.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// Its duration.
        duration: Duration,
    },
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Offer { session, direction } => {
                f.debug_struct("Offer").field("session", session).field("direction", direction).finish()
            }
            Effect::Answer { session, offer, direction } => f
                .debug_struct("Answer")
                .field("session", session)
                .field("bytes", &offer.len())
                .field("direction", direction)
                .finish(),
            Effect::Apply { session, answer } => {
                f.debug_struct("Apply").field("session", session).field("bytes", &answer.len()).finish()
            }
            Effect::Rollback { session } => f.debug_struct("Rollback").field("session", session).finish(),
            Effect::Digit { session, digit, duration } => f
                .debug_struct("Digit")
                .field("session", session)
                .field("digit", digit)
                .field("duration", duration)
                .finish(),
            Effect::Release { session } => f.debug_struct("Release").field("session", session).finish(),
        }
    }
}

impl fmt::Debug for EffectResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EffectResult::Description(sdp) => {
                f.debug_struct("Description").field("bytes", &sdp.len()).finish()
            }
            EffectResult::Applied => f.write_str("Applied"),
            EffectResult::Sent => f.write_str("Sent"),
            EffectResult::Failed(fault) => f.debug_tuple("Failed").field(fault).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_description() {
        let sdp = Bytes::from_static(b"a=ice-pwd:asd88fgpdd777uzjYhagZg");
        let session = SessionId::new(0, 1);
        let texts = [
            format!("{:?}", Effect::Answer { session, offer: sdp.clone(), direction: Direction::SendRecv }),
            format!("{:?}", Effect::Apply { session, answer: sdp.clone() }),
            format!("{:?}", EffectResult::Description(sdp)),
        ];
        for text in texts {
            assert!(text.contains("bytes: 32") && !text.contains("asd88"), "{text}");
        }
    }
}
