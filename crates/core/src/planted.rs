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
        let _ = &$config;
        false
    }};
}

/// A value, or another one where the bug is planted: `patched!(config, Name, good, bad)`. So a bug is one expression, and the code
/// around it stays as it is.
#[cfg(feature = "planted")]
macro_rules! patched {
    ($config:expr, $bug:ident, $good:expr, $bad:expr) => {
        if $config.planted == Some($crate::planted::Bug::$bug) { $bad } else { $good }
    };
}

/// The value.
#[cfg(not(feature = "planted"))]
macro_rules! patched {
    ($config:expr, $bug:ident, $good:expr, $bad:expr) => {{
        let _ = &$config;
        $good
    }};
}

pub(crate) use {patched, planted};

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
    /// Transactions: a request is repeated at equal intervals, not at doubled ones (RFC 3261 §17.1.1.2, §17.1.2.2).
    RepeatedInStep,
    /// Transactions: a request without a response never times out (RFC 3261 §17.1.1.2, §17.1.2.2: timers B and F).
    NoTimeout,
    /// Transactions: a branch is used for one request after another (RFC 3261 §8.1.1.7).
    BranchReused,
    /// Transactions: a refusal of our INVITE is not acknowledged (RFC 3261 §17.1.1.3).
    RefusalNotAcknowledged,
    /// Transactions: a repeated request is taken for a new one (RFC 3261 §17.2.3).
    RepetitionIsNew,
    /// Transactions: a cancelled INVITE whose final response does not come is waited for without end (RFC 3261 §9.1).
    CancelNeverEnds,
    /// Transactions: a CANCEL is answered, and its INVITE is not (RFC 3261 §9.2).
    CancelUnheeded,
    /// Transactions: a refusal is sent with another code when it is repeated (RFC 3261 §17.2.1).
    FinalDoubled,
    /// Transactions: a refusal is not repeated until its ACK comes (RFC 3261 §17.2.1: timer G).
    RefusalNotRepeated,
    /// Transactions: a refusal whose ACK does not come is repeated without end (RFC 3261 §17.2.1: timer H).
    RefusalForEver,
    /// Transactions: one that is over is kept.
    TransactionLeaked,
    /// Authentication: a wrong password is tried again for each challenge (RFC 3261 §22.1).
    ChallengeLoop,
    /// Authentication: a stale nonce is answered as often as it comes (RFC 7616 §3.3).
    StaleNonceLoop,
    /// Authentication: a stale nonce is taken for a wrong password (RFC 7616 §3.3).
    StaleNonceRefused,
    /// Authentication: further requests with a nonce have one count (RFC 7616 §3.4).
    NonceNotCounted,
    /// Flow: when a server cannot be reached, the same is tried again.
    OneServerOnly,
    /// Flow: after a failure, no further connection is tried.
    ReconnectForgotten,
    /// Flow: there is one keep-alive, and no further one (RFC 5626 §4.4).
    KeepAliveOnce,
    /// Flow: the answer to a keep-alive may be missing (RFC 5626 §4.4.1).
    PongNotAwaited,
    /// Registration: a success does not reset the count of failures.
    FailuresNotReset,
    /// Registration: the limit on attempts is not obeyed.
    AttemptsUnlimited,
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
    /// Registration: unregistering refreshes the binding (RFC 3261 §10.2.2).
    BindingKept,
    /// Dialog: the ACK has the CSeq of a later request (RFC 3261 §13.2.2.4).
    AckMiscounted,
    /// Dialog: all requests within it have one CSeq (RFC 3261 §12.2.1.1).
    RequestsNotCounted,
    /// Dialog: a request with a lower CSeq than one before it is obeyed (RFC 3261 §12.2.2).
    LateRequestTaken,
    /// Dialog: a 2xx that comes again is not acknowledged again (RFC 3261 §13.2.2.4).
    RepeatedAckForgotten,
    /// Dialog: the 2xx of another fork is taken for the first one again (RFC 3261 §13.2.2.4).
    ForkNotToldApart,
    /// Dialog: the caller's route set is in the order of the Record-Route (RFC 3261 §12.1.2).
    RouteSetReversed,
    /// Dialog: tags that begin alike are taken for the same (RFC 3261 §12.2.2).
    TagByPrefix,
    /// Dialog: the peer's new Contact is not taken over (RFC 3261 §12.2.2).
    TargetNotRefreshed,
    /// Dialog: a request follows our BYE (RFC 3261 §15.1.1).
    RequestAfterBye,
    /// Negotiation: an offer that met the peer's is not withdrawn (RFC 3264 §4).
    OfferNotWithdrawn,
    /// Negotiation: the media is not told that its offer was refused.
    NoRollback,
    /// Negotiation: the peer's hold in a re-INVITE is not seen (RFC 3264 §8.4).
    PeersHoldIgnored,
    /// Change: our hold is not in the offer (RFC 3264 §8.4).
    HoldNotSaid,
    /// Change: after a glare the owner of the Call-ID does not wait (RFC 3261 §14.1).
    GlareWithoutWait,
    /// Change: the owner of the Call-ID waits as the other one should (RFC 3261 §14.1).
    GlareTimersSwapped,
    /// Change: after a glare nothing is tried again (RFC 3261 §14.1).
    GlareForgotten,
    /// Change: a re-INVITE that meets ours is not answered (RFC 3261 §14.2).
    GlareNotAnswered,
    /// Change: what the user wanted is forgotten after a glare.
    WishLostOnGlare,
    /// Change: one that the media engine or the peer does not bring to an end goes on for ever.
    ChangeNeverEnds,
    /// Call: it does not say that it rings (RFC 3261 §13.3.1.1).
    RingingNotSaid,
    /// Call: it rings without end.
    RingsForEver,
    /// Call: a caller who hangs up while it rings sends no CANCEL (RFC 3261 §9.1).
    CancelForgotten,
    /// Call: an answer that crossed our CANCEL is ignored (RFC 3261 §9.1).
    LateAnswerIgnored,
    /// Call: the 2xx is not repeated until its ACK comes (RFC 3261 §13.3.1.4).
    AnswerNotRepeated,
    /// Call: the 2xx is repeated although its ACK came (RFC 3261 §13.3.1.4).
    AckNotHeard,
    /// Call: a callee hangs up before the ACK is there (RFC 3261 §15).
    ByeBeforeAck,
    /// Call: a callee who hangs up before the ACK is there stays in it.
    HangUpForgotten,
    /// Call: a BYE is not answered (RFC 3261 §15.1.2).
    ByeNotAnswered,
    /// Call: the user is told to have hung up when the peer did.
    PeersByeIsOurs,
    /// Call: a BYE that cannot be sent is waited for without end.
    ClosingNeverEnds,
    /// Call: its end is told twice.
    EndedTwice,
    /// Call: its end does not free its place.
    CallLeaked,
    /// Call: its end does not free its media.
    MediaLeaked,
    /// Call: its end does not stop its alarms.
    AlarmLeaked,
    /// Digits: each is sent twice.
    DigitDoubled,
    /// Digits: an INFO that comes again over another connection is heard again.
    DigitHeardTwice,
    /// Digits: what waits when the call ends is not reported.
    DigitsForgotten,
    /// Digits: an INFO that fails is not reported.
    LostDigitNotReported,
    /// Digits: an INFO that is refused is reported as sent.
    LostDigitReportedSent,
    /// Transfer: when it fails, the call is hung up.
    TransferLosesCall,
    /// Transfer: the last NOTIFY is not sent (RFC 3515 §2.4.5).
    TransferUnreported,
    /// Transfer: that the target refused is not told.
    TransferFailureUntold,
    /// Transfer: the call goes on when its transfer is done (RFC 5589 §6.1).
    TransferredCallKept,
    /// Transfer: it is accepted, and nobody is called (RFC 3515 §2.4.2).
    ReferIgnored,
    /// Bounds: one call more than the limit is taken.
    CallLimitIgnored,
    /// Bounds: digits wait without number.
    DigitsUnbounded,
    /// Bounds: REGISTERs are sent without number.
    FloodBudgetIgnored,
    /// Bounds: with a call, the phone wants to be woken at once, again and again.
    WakesWithoutEnd,
    /// Clock: time that runs backwards is believed.
    TimeRunsBack,
    /// Clock: timers that are a minute late are lost, as after a sleep.
    TimersLostInSleep,
}
