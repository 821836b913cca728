//! Bugs on purpose: each switch breaks one rule, so that the simulator can prove that it would see it broken.
//!
//! They exist with the feature `planted` only, which no published crate enables. Without it every question whether a bug
//! is planted is `false` when the core is compiled.

/// Whether a bug is planted: `planted!(config, Name)`.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($config:expr, $bug:ident) => {
        $config.planted == Some($crate::planted::Bug::$bug)
    };
}

/// Nothing is planted.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($config:expr, $bug:ident) => {{
        let _: &$crate::Config = $config;
        false
    }};
}

pub(crate) use planted;

/// Declares the switches, and the list of them.
#[cfg(feature = "planted")]
macro_rules! bugs {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        /// What can be broken. See [`Config::planted`](crate::Config::planted).
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub enum Bug { $($(#[$meta])* $name),+ }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$name),+];
        }
    };
}

#[cfg(feature = "planted")]
bugs! {
    /// Transactions: a request is not repeated over UDP (RFC 3261 §17.1.1.2, §17.1.2.2).
    NotRepeated,
    /// Transactions: a refusal of our INVITE is not acknowledged (RFC 3261 §17.1.1.3).
    RefusalNotAcknowledged,
    /// Transactions: a repeated request is taken for a new one (RFC 3261 §17.2.3).
    RepetitionIsNew,
    /// Transactions: a cancelled INVITE whose final response does not come is waited for without end (RFC 3261 §9.1).
    CancelNeverEnds,
    /// Transactions: a refusal is sent with another code when it is repeated (RFC 3261 §17.2.1).
    FinalDoubled,
    /// Registration: a wrong password is tried again for each challenge (RFC 3261 §22.1).
    ChallengeLoop,
    /// Registration: a success does not reset the count of failures.
    FailuresNotReset,
    /// Registration: the refresh comes when the binding is over (RFC 3261 §10.2.4).
    RefreshTooLate,
    /// Registration: there is no wait after a failure (RFC 5626 §4.5).
    NoBackOff,
    /// Registration: all REGISTERs have one CSeq (RFC 3261 §10.2).
    RegisterNotCounted,
    /// Registration: the timer of the next attempt is lost.
    AttemptForgotten,
    /// Registration: a lost connection is taken for nothing.
    DisconnectionIgnored,
    /// Dialog: the ACK has the CSeq of a later request (RFC 3261 §13.2.2.4).
    AckMiscounted,
    /// Dialog: all requests within it have one CSeq (RFC 3261 §12.2.1.1).
    RequestsNotCounted,
    /// Dialog: a 2xx that comes again is not acknowledged again (RFC 3261 §13.2.2.4).
    RepeatedAckForgotten,
    /// Negotiation: an offer that met the peer's is not withdrawn (RFC 3264 §4).
    OfferNotWithdrawn,
    /// Negotiation: the media is not told that its offer was refused.
    NoRollback,
    /// Negotiation: the peer's hold in a re-INVITE is not seen (RFC 3264 §8.4).
    PeersHoldIgnored,
    /// Negotiation: after a glare the owner of the Call-ID does not wait (RFC 3261 §14.1).
    GlareWithoutWait,
    /// Negotiation: a re-INVITE that meets ours is not answered (RFC 3261 §14.2).
    GlareNotAnswered,
    /// Negotiation: what the user wanted is forgotten after a glare.
    WishLostOnGlare,
    /// Call: its end does not free its place.
    CallLeaked,
    /// Call: its end does not free its media.
    MediaLeaked,
    /// Call: its end is told twice.
    EndedTwice,
    /// Call: an answer that crossed our CANCEL is ignored (RFC 3261 §9.1).
    LateAnswerIgnored,
    /// Call: a callee hangs up before the ACK is there (RFC 3261 §15).
    ByeBeforeAck,
    /// Call: a BYE that cannot be sent is waited for without end.
    ClosingNeverEnds,
    /// Call: the 2xx is not repeated until its ACK comes (RFC 3261 §13.3.1.4).
    AnswerNotRepeated,
    /// Digits: what waits when the call ends is not reported.
    DigitsForgotten,
    /// Digits: an INFO that fails is not reported.
    LostDigitNotReported,
    /// Transfer: when it fails, the call is hung up.
    TransferLosesCall,
}
