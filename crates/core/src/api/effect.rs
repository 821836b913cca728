use crate::{AccountId, Credentials, Direction, LegId, MediaTypes, SessionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// Work that the host does, by its owner. A result is reported with [`Input::Done`](crate::Input::Done).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Work for a media session of a call.
    Call {
        /// The call.
        session: SessionId,
        /// The leg: the media session.
        leg: LegId,
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
    /// Judge the offer of an INVITE before the user is alerted, without a media session. Result: [`EffectResult::Checked`] or `Failed`.
    /// A result that is later than 200 ms is ignored: the user is alerted, and the offer is judged when the call is answered. So it is after
    /// [`MediaFault::Engine`]; any other fault is refused with 488. Until `Incoming` the call has no events: if it ends before, neither
    /// `Ended` nor `Release` follows.
    Check {
        /// The peer's description (SDP).
        offer: Bytes,
    },
    /// Create an offer. Result: [`EffectResult::Description`] or `Failed`. Create the media session at the first `Offer` or
    /// `Answer` of a leg.
    Offer {
        /// The types of media to offer.
        types: MediaTypes,
        /// The direction to offer, of each type.
        direction: Direction,
        /// Whether to restart ICE (RFC 8445 §9).
        restart: bool,
    },
    /// Create this leg's media session with the offer of another leg: another branch of the INVITE answers the same offer, and an
    /// `Apply` follows. No result. Only with [`Config::media_legs`](crate::Config::media_legs) above 1.
    Fork {
        /// The leg whose offer it is.
        of: LegId,
    },
    /// Apply the peer's offer and create the answer. Result: [`EffectResult::Answered`] or `Failed`.
    Answer {
        /// The peer's description (SDP).
        offer: Bytes,
        /// The types of media to accept, of those that are offered; the others are rejected (RFC 3264 §6). If none of these types is
        /// offered, the result is [`MediaFault::NoCommonMedia`].
        types: MediaTypes,
        /// Our intended direction; the answer's direction is what the offer allows of it (RFC 3264 §6.1).
        direction: Direction,
    },
    /// Apply the peer's answer to our offer. Result: [`EffectResult::Applied`] or `Failed`, which ends the call: the peer has changed its
    /// media already. An answer that rejects all streams is [`MediaFault::NoCommonMedia`]. If the INVITE is sent again after early media
    /// (a challenge, a redirection), another answer to the same offer may follow on this leg.
    Apply {
        /// The peer's description (SDP).
        answer: Bytes,
    },
    /// Send nothing of these types of media, and send the others; descriptions do not change. No result. It applies until the next
    /// `Mute` of the session. A session that is created while media is muted gets one directly after the effect that creates it, maybe
    /// before that effect is done.
    Mute {
        /// The types that are muted.
        types: MediaTypes,
    },
    /// Roll back: an offer, local or remote, was not completed; return to the session that was agreed before. No result. An effect that
    /// fails leaves the session as it was. `Rollback` follows it only if the phone stopped waiting before it got the result, and then
    /// changes nothing: an answer that was created before the effect is final.
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
    /// The offer of [`CallEffect::Check`] can be answered: what could be agreed. Its types are those of the offer that the engine
    /// supports, for [`Incoming::types`](crate::Incoming::types).
    Checked(Agreed),
    /// The offer (SDP).
    Description(Bytes),
    /// The answer to the peer's offer.
    Answered {
        /// The answer (SDP).
        answer: Bytes,
        /// What it agrees on.
        agreed: Agreed,
    },
    /// The peer's answer was applied: what was agreed.
    Applied(Agreed),
    /// The digit was sent.
    Sent,
    /// The credentials of [`AccountEffect::Credentials`]; `None`: there are none, and what waits for them fails.
    Credentials(Option<Credentials>),
    /// The effect failed.
    Failed(MediaFault),
}

/// What an offer and its answer agree on, as the media engine read them. The phone itself reads no description.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// The direction of the media, as this end sees it (RFC 3264 §6.1).
    pub direction: Direction,
    /// Whether the peer holds this end: its description excludes that it receives, or has the address 0.0.0.0 (RFC 3264 §8.4).
    pub held: bool,
    /// Whether the peer accepts telephone-event by RTP (RFC 4733).
    pub telephone_event: bool,
    /// The types of media that are not rejected (RFC 3264 §6).
    pub types: MediaTypes,
}

impl Agreed {
    /// Audio in this direction, without a hold of the peer, and without telephone-event. If the description has video, or no audio, the
    /// engine says so: [`with_types`](Self::with_types).
    pub fn new(direction: Direction) -> Self {
        Self { direction, held: false, telephone_event: false, types: MediaTypes::AUDIO }
    }

    /// With these types of media.
    #[must_use]
    pub fn with_types(mut self, types: MediaTypes) -> Self {
        self.types = types;
        self
    }

    /// Whether the peer holds this end.
    #[must_use]
    pub fn with_held(mut self, held: bool) -> Self {
        self.held = held;
        self
    }

    /// Whether the peer accepts telephone-event.
    #[must_use]
    pub fn with_telephone_event(mut self, telephone_event: bool) -> Self {
        self.telephone_event = telephone_event;
        self
    }
}

/// Why the media engine could not carry out an effect. A fault of an offer is answered with 488 and a `Warning` (RFC 3261 §20.43), except
/// `Engine`, which is none of the offer: 500.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MediaFault {
    /// The descriptions have no codec in common (warn-code 305).
    NoCommonCodec,
    /// The descriptions have no transport in common, for example plain RTP, keys by SDES, or no ICE (warn-code 302).
    NoCommonTransport,
    /// There is no stream of a type that is supported (warn-code 304).
    NoCommonMedia,
    /// The peer's description is malformed (warn-code 399).
    BadDescription,
    /// A device, a permission or the engine failed.
    Engine,
}

/// An event of a call's media session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// The path is up: ICE and DTLS are done. Without it the call ends after [`Config::media_timeout`](crate::Config::media_timeout). After a
    /// restart of ICE it is not needed.
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

impl CallEffect {
    /// Whether it needs the media session of its leg: each does but [`Check`](Self::Check).
    pub fn needs_session(&self) -> bool {
        !matches!(self, CallEffect::Check { .. })
    }
}

impl fmt::Debug for CallEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallEffect::Check { offer } => f.debug_struct("Check").field("bytes", &offer.len()).finish(),
            CallEffect::Offer { types, direction, restart } => f
                .debug_struct("Offer")
                .field("types", types)
                .field("direction", direction)
                .field("restart", restart)
                .finish(),
            CallEffect::Answer { offer, types, direction } => f
                .debug_struct("Answer")
                .field("bytes", &offer.len())
                .field("types", types)
                .field("direction", direction)
                .finish(),
            CallEffect::Mute { types } => f.debug_struct("Mute").field("types", types).finish(),
            CallEffect::Apply { answer } => f.debug_struct("Apply").field("bytes", &answer.len()).finish(),
            CallEffect::Fork { of } => f.debug_struct("Fork").field("of", of).finish(),
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
            EffectResult::Checked(agreed) => f.debug_tuple("Checked").field(agreed).finish(),
            EffectResult::Answered { answer, agreed } => {
                f.debug_struct("Answered").field("bytes", &answer.len()).field("agreed", agreed).finish()
            }
            EffectResult::Applied(agreed) => f.debug_tuple("Applied").field(agreed).finish(),
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
            format!(
                "{:?}",
                CallEffect::Answer {
                    offer: sdp.clone(),
                    types: MediaTypes::AUDIO,
                    direction: Direction::SendRecv
                }
            ),
            format!("{:?}", CallEffect::Apply { answer: sdp.clone() }),
            format!("{:?}", EffectResult::Description(sdp.clone())),
            format!("{:?}", CallEffect::Check { offer: sdp.clone() }),
            format!("{:?}", EffectResult::Answered { answer: sdp, agreed: Agreed::new(Direction::SendRecv) }),
        ];
        for text in texts {
            assert!(text.contains("bytes: 32") && !text.contains("asd88"), "{text}");
        }
    }
}
