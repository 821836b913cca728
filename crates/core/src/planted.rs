//! Planted bugs: each switch breaks one rule, to prove that the simulator detects it.
//!
//! They exist only with the feature `planted`, which no published crate enables. Without it, whether a bug is planted is the
//! constant `false`.

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

/// A value, or another one if the bug is planted: `patched!(config, Name, good, bad)`. A bug is one expression, and the code
/// around it is not changed for it.
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
        /// The planted bugs. See [`Config::planted`](crate::Config::planted).
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
    /// Calls: an offer that cannot be used alerts the user (RFC 3261 §13.3.1.3).
    OfferNotChecked,
    /// Calls: an incoming call is reported without the types of media of its offer.
    IncomingTypesForgotten,
    /// Calls: a 488 has no Warning (RFC 3261 §20.43).
    WarningMissing,
    /// Reliable responses: no PRACK is sent (RFC 3262 §4).
    PrackForgotten,
    /// Reliable responses: one that was received before is processed again (RFC 3262 §4).
    ProvisionalTakenTwice,
    /// Reliable responses: ours is not retransmitted (RFC 3262 §3).
    ProvisionalNotRepeated,
    /// Reliable responses: a 2xx does not wait for the PRACK of early media (RFC 3262 §3).
    AnswerBeforePrack,
    /// Early dialogs: the BYE after a CANCEL has the CSeq number of a PRACK (RFC 3261 §12.2.1.1).
    EarlySequenceForgotten,
    /// Renegotiation: an UPDATE is accepted while another offer is open (RFC 3311 §5.2).
    UpdateAcceptedInGlare,
    /// Renegotiation: the outcome of a restart of ICE is not reported.
    RestartNotReported,
    /// Renegotiation: a refusal of an offer is one of all that the user wants, also of what was not offered.
    RefusalOfAll,
    /// Renegotiation: other types of media are never offered.
    MediaTypesNotOffered,
    /// Media: a media session that is created while the call is muted sends.
    MuteForgotten,
    /// Renegotiation: the ACK of a re-INVITE goes to the old remote target (RFC 3261 §12.2.1.2).
    AckToOldTarget,
    /// Media: the session of a branch that was not accepted is not released.
    LegLeaked,
    /// Transactions: a request is not retransmitted over UDP (RFC 3261 §17.1.1.2, §17.1.2.2).
    NotRepeated,
    /// Transactions: a request is retransmitted at constant intervals, not at doubled ones (RFC 3261 §17.1.1.2, §17.1.2.2).
    RepeatedInStep,
    /// Transactions: a request without a response never times out (RFC 3261 §17.1.1.2, §17.1.2.2: timers B and F).
    NoTimeout,
    /// Transactions: a branch is used for one request after another (RFC 3261 §8.1.1.7).
    BranchReused,
    /// Transactions: a refusal of our INVITE is not acknowledged (RFC 3261 §17.1.1.3).
    RefusalNotAcknowledged,
    /// Transactions: a retransmitted request is treated as a new one (RFC 3261 §17.2.3).
    RepetitionIsNew,
    /// Transactions: a cancelled INVITE without a final response never times out (RFC 3261 §9.1).
    CancelNeverEnds,
    /// Transactions: a CANCEL is answered, and its INVITE is not (RFC 3261 §9.2).
    CancelUnheeded,
    /// Transactions: the retransmission of a refusal has another code (RFC 3261 §17.2.1).
    FinalDoubled,
    /// Transactions: a refusal is not retransmitted until its ACK (RFC 3261 §17.2.1: timer G).
    RefusalNotRepeated,
    /// Transactions: a refusal without an ACK is retransmitted without end (RFC 3261 §17.2.1: timer H).
    RefusalForEver,
    /// Transactions: a terminated one is not removed.
    TransactionLeaked,
    /// Authentication: a wrong password is sent again for each challenge (RFC 3261 §22.1).
    ChallengeLoop,
    /// Authentication: a request is retried for stale nonces without end (RFC 7616 §3.3).
    StaleNonceLoop,
    /// Authentication: a stale nonce is treated as a wrong password (RFC 7616 §3.3).
    StaleNonceRefused,
    /// Authentication: the nonce count is not incremented (RFC 7616 §3.4).
    NonceNotCounted,
    /// Authentication: a challenge of a realm that is not the account's gets credentials.
    ForeignRealmAnswered,
    /// Authentication: a challenge with a weaker algorithm than the server's gets credentials (RFC 8760 §3).
    WeakerAlgorithmAnswered,
    /// Authentication: of several realms that challenge a request, only the last one gets credentials (RFC 3261 §22.3).
    SecondRealmForgotten,
    /// Authentication: requests within a dialog have no credentials until they are challenged (RFC 3261 §22.2).
    CredentialsForgottenInDialog,
    /// Requests: the outcome of one that timed out is not reported.
    RequestOutcomeLost,
    /// Requests: the outcome is reported twice.
    RequestOutcomeTwice,
    /// Requests: a MESSAGE that is retransmitted over another connection is reported again.
    MessageReportedTwice,
    /// Redirection: a target is tried again (RFC 3261 §8.1.3.4).
    RedirectLoop,
    /// Redirection: the number of targets has no limit.
    RedirectLimitIgnored,
    /// Connection: after a failed connection the same server is tried again.
    OneServerOnly,
    /// Connection: after a failure there is no further connection attempt.
    ReconnectForgotten,
    /// Connection: only one keep-alive is sent (RFC 5626 §4.4).
    KeepAliveOnce,
    /// Connection: a missing answer to a keep-alive is ignored (RFC 5626 §4.4.1).
    PongNotAwaited,
    /// Registration: a success does not reset the count of failures.
    FailuresNotReset,
    /// Registration: the limit on attempts is not obeyed.
    AttemptsUnlimited,
    /// Registration: the refresh is sent after the binding has expired (RFC 3261 §10.2.4).
    RefreshTooLate,
    /// Registration: there is no wait after a failure (RFC 5626 §4.5).
    NoBackOff,
    /// Registration: all REGISTERs have one CSeq (RFC 3261 §10.2).
    RegisterNotCounted,
    /// Registration: the timer of the next attempt is lost.
    AttemptForgotten,
    /// Registration: a lost connection is ignored.
    DisconnectionIgnored,
    /// Registration: unregistering refreshes the binding (RFC 3261 §10.2.2).
    BindingKept,
    /// Account: its removal never ends.
    RemovalNeverEnds,
    /// Account: its removal keeps the connection open.
    RemovedConnectionKept,
    /// Account: late credentials are stored, but the requests that wait for them are not sent.
    LateCredentialsIgnored,
    /// Dialog: the ACK has the CSeq of a later request (RFC 3261 §13.2.2.4).
    AckMiscounted,
    /// Dialog: all requests within it have one CSeq (RFC 3261 §12.2.1.1).
    RequestsNotCounted,
    /// Dialog: a request with a lower CSeq than an earlier one is accepted (RFC 3261 §12.2.2).
    LateRequestTaken,
    /// Dialog: a retransmitted 2xx gets no ACK (RFC 3261 §13.2.2.4).
    RepeatedAckForgotten,
    /// Dialog: the 2xx of another fork is treated as a retransmission of the first one (RFC 3261 §13.2.2.4).
    ForkNotToldApart,
    /// Dialog: the caller's route set is in the order of the Record-Route (RFC 3261 §12.1.2).
    RouteSetReversed,
    /// Dialog: tags with the same prefix are treated as equal (RFC 3261 §12.2.2).
    TagByPrefix,
    /// Dialog: the remote target is not updated from the peer's Contact (RFC 3261 §12.2.2).
    TargetNotRefreshed,
    /// Dialog: a request follows our BYE (RFC 3261 §15.1.1).
    RequestAfterBye,
    /// Negotiation: an offer that got 491 is not withdrawn (RFC 3264 §4).
    OfferNotWithdrawn,
    /// Negotiation: the media engine gets no rollback after a refused offer.
    NoRollback,
    /// Negotiation: the peer's hold in a re-INVITE is ignored (RFC 3264 §8.4).
    PeersHoldIgnored,
    /// Renegotiation: our hold is not in the offer (RFC 3264 §8.4).
    HoldNotSaid,
    /// Renegotiation: after a glare the owner of the Call-ID does not wait (RFC 3261 §14.1).
    GlareWithoutWait,
    /// Renegotiation: the owner of the Call-ID waits as the other side should (RFC 3261 §14.1).
    GlareTimersSwapped,
    /// Renegotiation: after a glare the re-INVITE is not retried (RFC 3261 §14.1).
    GlareForgotten,
    /// Renegotiation: a re-INVITE that crosses ours is not answered (RFC 3261 §14.2).
    GlareNotAnswered,
    /// Renegotiation: the user's intent is lost after a glare.
    WishLostOnGlare,
    /// Renegotiation: one that the media engine or the peer does not complete never times out.
    ChangeNeverEnds,
    /// Call: there is no 180 (RFC 3261 §13.3.1.1).
    RingingNotSaid,
    /// Call: it rings without a time limit.
    RingsForEver,
    /// Call: a caller that hangs up during ringing sends no CANCEL (RFC 3261 §9.1).
    CancelForgotten,
    /// Call: a 2xx that crossed our CANCEL is ignored (RFC 3261 §9.1).
    LateAnswerIgnored,
    /// Call: the 2xx is not retransmitted until its ACK (RFC 3261 §13.3.1.4).
    AnswerNotRepeated,
    /// Call: the 2xx is retransmitted after its ACK (RFC 3261 §13.3.1.4).
    AckNotHeard,
    /// Call: a callee sends BYE before the ACK (RFC 3261 §15).
    ByeBeforeAck,
    /// Call: a hang-up by the callee before the ACK is forgotten.
    HangUpForgotten,
    /// Call: a BYE is not answered (RFC 3261 §15.1.2).
    ByeNotAnswered,
    /// Call: the peer's BYE is reported as our hang-up.
    PeersByeIsOurs,
    /// Call: a BYE that cannot be sent never times out.
    ClosingNeverEnds,
    /// Call: it is terminating without a reason.
    EndReasonMissing,
    /// Call: its end is reported twice.
    EndedTwice,
    /// Call: its end does not free its slot.
    CallLeaked,
    /// Call: its end does not release its media.
    MediaLeaked,
    /// Call: its end does not cancel its timers.
    AlarmLeaked,
    /// Digits: each is sent twice.
    DigitDoubled,
    /// Digits: an INFO that is retransmitted over another connection is reported again.
    DigitHeardTwice,
    /// Digits: those that are queued at the end of the call are not reported.
    DigitsForgotten,
    /// Digits: a failed INFO is not reported.
    LostDigitNotReported,
    /// Digits: an INFO that is refused is reported as sent.
    LostDigitReportedSent,
    /// INFO: an Info Package is sent that the peer did not list (RFC 6086 §4.2.1).
    PackageNotChecked,
    /// INFO: one of an unknown Info Package is accepted (RFC 6086 §4.2.2).
    BadInfoPackageAccepted,
    /// INFO: those that are pending at the end of the call are not reported.
    InfoOutcomeForgotten,
    /// Transfer: when it fails, the call is hung up.
    TransferLosesCall,
    /// Transfer: the last NOTIFY is not sent (RFC 3515 §2.4.5).
    TransferUnreported,
    /// Transfer: a refusal by the target is not reported.
    TransferFailureUntold,
    /// Transfer: the call continues after a successful transfer (RFC 5589 §6.1).
    TransferredCallKept,
    /// Transfer: it is accepted, and no call is made (RFC 3515 §2.4.2).
    ReferIgnored,
    /// Transfer: a REFER is followed without the user's consent (RFC 3515 §5.2).
    ConsentNotAsked,
    /// Bounds: one call more than the limit is accepted.
    CallLimitIgnored,
    /// Bounds: the queue of digits has no limit.
    DigitsUnbounded,
    /// Bounds: REGISTERs have no flood budget.
    FloodBudgetIgnored,
    /// Bounds: during a call, the deadline is always now.
    WakesWithoutEnd,
    /// Clock: an earlier time than before is accepted.
    TimeRunsBack,
    /// Clock: timers that are a minute late, as after a suspension, are lost.
    TimersLostInSleep,
}
