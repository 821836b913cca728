use crate::{Direction, SessionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Something slow, or outside the core, that the host does for a call. Its `Debug` shows how long a description is, not
/// what stands in it: keys and ICE passwords do.
#[derive(Clone)]
pub enum Effect {
    /// Create a description to offer. Answer: [`EffectResult::Description`] or `Failed`.
    Offer {
        /// The call; its first `Offer` or `Answer` is the time to create its media.
        session: SessionId,
        /// What shall flow.
        direction: Direction,
    },
    /// Take the peer's offer and create the answer. Answer: [`EffectResult::Description`] or `Failed`.
    Answer {
        /// The call.
        session: SessionId,
        /// The peer's description (SDP).
        offer: Bytes,
        /// What we would like to flow; the answer is its meet with the offer (RFC 3264 §6.1).
        direction: Direction,
    },
    /// Take the peer's answer to our offer. Answer: [`EffectResult::Applied`] or `Failed`.
    Apply {
        /// The call.
        session: SessionId,
        /// The peer's description (SDP).
        answer: Bytes,
    },
    /// An offer came to nothing, ours or one of the peer that was being answered: go back to what was agreed before.
    /// No answer.
    Rollback {
        /// The call.
        session: SessionId,
    },
    /// Send one digit as RTP telephone-event (RFC 4733). Answer: [`EffectResult::Sent`] or `Failed`.
    Digit {
        /// The call.
        session: SessionId,
        /// `0-9 * # A-D`.
        digit: char,
        /// How long the tone lasts.
        duration: Duration,
    },
    /// The call is over: free its media. No answer.
    Release {
        /// The call.
        session: SessionId,
    },
}

/// How an effect ended. Its `Debug` shows no description either.
#[derive(Clone)]
pub enum EffectResult {
    /// The local description (SDP).
    Description(Bytes),
    /// The peer's answer is in force.
    Applied,
    /// The digit is out.
    Sent,
    /// It could not be done.
    Failed(MediaFault),
}

/// Why media could not do what it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaFault {
    /// The descriptions share no codec, or no transport that both ends speak (answered with 488).
    NoCommonCodec,
    /// The peer's description cannot be read (answered with 488).
    BadDescription,
    /// A device, a permission or the engine failed.
    Engine,
}

/// News of a call's media.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// The path is up: ICE and DTLS are done.
    Up,
    /// The path is interrupted; it may come back.
    Down,
    /// The path failed for good: the call ends.
    Failed,
    /// A digit came in by RTP.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// How long it was.
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
