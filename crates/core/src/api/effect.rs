use crate::{AccountId, Credentials, Direction, SessionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Work that the host does, by its owner. A result is reported with [`Input::Done`](crate::Input::Done).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Work for the media session of a call.
    Call {
        /// The call.
        session: SessionId,
        /// The work.
        effect: CallEffect,
    },
    /// Work for an account.
    Account {
        /// The account.
        account: AccountId,
        /// The work.
        effect: AccountEffect,
    },
}

/// Work for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountEffect {
    /// Find credentials for a challenge ([`Account::ask_credentials`](crate::Account::ask_credentials)). Result:
    /// [`EffectResult::Credentials`], at any time: until then a REGISTER waits without limit, an INVITE, MESSAGE or OPTIONS for at most
    /// [`Config::no_answer`](crate::Config::no_answer). At most one is pending per account;
    /// [`AccountCommand::SetCredentials`](crate::AccountCommand::SetCredentials) completes it too, and a replacement of the
    /// account with other servers abandons it: a later result is ignored.
    Credentials {
        /// The realm, to show to the user. Untrusted.
        realm: String,
    },
}

/// Work for the media session of a call. Its `Debug` shows the length of a description, not its content, which has keys and ICE
/// passwords.
#[derive(Clone)]
#[non_exhaustive]
pub enum CallEffect {
    /// Create an offer. Result: [`EffectResult::Description`] or `Failed`. Create the media session at the first `Offer` or
    /// `Answer` of a call.
    Offer {
        /// The direction to offer.
        direction: Direction,
    },
    /// Apply the peer's offer and create the answer. Result: [`EffectResult::Description`] or `Failed`.
    Answer {
        /// The peer's description (SDP).
        offer: Bytes,
        /// Our intended direction; the answer's direction is what the offer allows of it (RFC 3264 §6.1).
        direction: Direction,
    },
    /// Apply the peer's answer to our offer. Result: [`EffectResult::Applied`] or `Failed`.
    Apply {
        /// The peer's description (SDP).
        answer: Bytes,
    },
    /// Roll back: an offer, local or remote, was not completed; return to the session that was agreed before.
    /// No result.
    Rollback,
    /// Send one digit as RTP telephone-event (RFC 4733). Result: [`EffectResult::Sent`] or `Failed`.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// The duration of the tone.
        duration: Duration,
    },
    /// The call has ended: release its media session. No result.
    Release,
}

/// The result of an effect. Its `Debug` shows neither a description nor a password.
#[derive(Clone)]
pub enum EffectResult {
    /// The local description (SDP).
    Description(Bytes),
    /// The peer's answer was applied.
    Applied,
    /// The digit was sent.
    Sent,
    /// The credentials of [`AccountEffect::Credentials`]; `None`: there are none, and what waits for them fails.
    Credentials(Option<Credentials>),
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

impl fmt::Debug for CallEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallEffect::Offer { direction } => f.debug_struct("Offer").field("direction", direction).finish(),
            CallEffect::Answer { offer, direction } => {
                f.debug_struct("Answer").field("bytes", &offer.len()).field("direction", direction).finish()
            }
            CallEffect::Apply { answer } => f.debug_struct("Apply").field("bytes", &answer.len()).finish(),
            CallEffect::Rollback => f.write_str("Rollback"),
            CallEffect::Digit { digit, duration } => {
                f.debug_struct("Digit").field("digit", digit).field("duration", duration).finish()
            }
            CallEffect::Release => f.write_str("Release"),
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
            EffectResult::Credentials(credentials) => {
                f.debug_tuple("Credentials").field(credentials).finish()
            }
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
        let texts = [
            format!("{:?}", CallEffect::Answer { offer: sdp.clone(), direction: Direction::SendRecv }),
            format!("{:?}", CallEffect::Apply { answer: sdp.clone() }),
            format!("{:?}", EffectResult::Description(sdp)),
        ];
        for text in texts {
            assert!(text.contains("bytes: 32") && !text.contains("asd88"), "{text}");
        }
    }
}
