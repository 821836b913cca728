//! Marks: rare decisions of the machines, as lines of the trace.
//!
//! In a ladder or a replay, a mark explains a decision of a phone. In the simulator it measures coverage: a rule that no run
//! reached was not tested, however many seeds passed. With the feature `marks`, which no published crate enables, the simulator
//! counts the marks and the edges of all machines.

/// Declares the marks and their texts.
macro_rules! marks {
    ($($mark:ident = $words:literal),+ $(,)?) => {
        /// The rare decisions, for [`Cx::mark`](super::cx::Cx::mark).
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Mark { $($mark),+ }

        impl Mark {
            /// The texts of all marks, by index.
            pub(crate) const ALL: &[&str] = &[$($words),+];
        }
    };
}

marks! {
    Malformed = "message: malformed, answered if possible",
    ExtensionRefused = "message: 420, an unsupported extension",
    MethodRefused = "message: 405 or 501, an unsupported method",
    OutOfDialog = "message: 481, a request of an unknown dialog",
    ForeignDialog = "message: 481, our tag with another tag of the peer or another Call-ID",
    StrayResponse = "response: without a transaction",
    StrayAck = "ACK: without a call",
    ManyVias = "response: with more than one Via",
    MergedRequest = "request: 482, merged",
    ServersFull = "request: 503, too many server transactions",
    AnsweredInviteAgain = "INVITE: retransmitted after its 2xx",
    CancelForNothing = "CANCEL: 481, without an INVITE",
    CancelAfterAnswer = "CANCEL: 200, after the final response",
    CancelWaits = "CANCEL: ours waits for a provisional response",
    ClientsFull = "request: not sent, too many client transactions",
    ServerChanged = "connection: moves to another server",
    PongLearnt = "connection: the server answers keep-alives",
    PongMissed = "connection: the answer to a keep-alive is missing",
    BackOffCapped = "connection: back-off at its maximum",
    StaleConnection = "registration: a time-out without other traffic, the connection is dead",
    BudgetSpent = "registration: flood budget spent",
    RetryAfter = "registration: Retry-After",
    NextServer = "registration: 503, moves to the next server",
    BindingRemoved = "registration: a 2xx without our binding",
    StaleNonce = "challenge: stale nonce, retried",
    ChallengeRefused = "challenge: credentials refused",
    ProxyChallenge = "challenge: 407, by a proxy",
    CredentialsAwaited = "challenge: no credentials, the host is asked",
    ForeignRealm = "challenge: of a realm that is not the account's",
    WeakerAlgorithm = "challenge: with a weaker algorithm than the server's, not answered",
    TooManyRealms = "challenge: of too many realms, not answered",
    IntervalTooSmall = "INVITE: 422, sent again with the Min-SE",
    MessageTooLarge = "MESSAGE: too large for UDP, not sent",
    RedirectFollowed = "redirection: the next target is tried",
    RedirectRefused = "redirection: a target that is not followed",
    Forked = "INVITE: 2xx of another fork, ended with BYE",
    AnswerAgain = "INVITE: retransmitted 2xx, acknowledged again",
    AnswerCrossedCancel = "INVITE: 2xx that crossed our CANCEL, ended with BYE",
    NoDialog = "INVITE: cannot create a dialog",
    NoAnswerInside = "INVITE: 2xx without an answer",
    EarlyMedia = "early media: answer in a provisional response",
    EarlyMediaKept = "early media: 2xx of the same fork",
    EarlyMediaOfAnother = "early media: 2xx of another fork",
    NobodyAnswers = "call: not answered in time",
    RingingBye = "call: BYE while ringing",
    RingingRequest = "call: another request while ringing",
    MediaRefused = "call: the media engine cannot create the answer",
    MediaLate = "call: no media path in time",
    NoRoom = "call: 486, the call limit is reached",
    LateOffer = "call: INVITE without an offer",
    AnswerInAck = "call: answer in the ACK",
    NoAnswerInAck = "call: ACK without the expected answer",
    AckMissing = "call: no ACK within 64·T1",
    AnswerRepeated = "call: our 2xx is retransmitted",
    ByesCross = "call: both sides send BYE",
    ByeWaits = "call: BYE waits for a connection",
    LateSequence = "dialog: 500, CSeq lower than before",
    SameSequence = "dialog: same CSeq in a new transaction",
    LostByPeer = "dialog: lost by the peer",
    Glare = "renegotiation: our re-INVITE got 491",
    GlareAnswered = "renegotiation: 491 to the peer's re-INVITE",
    GlareGivenUp = "renegotiation: given up after repeated 491",
    RetryLater = "renegotiation: 500, an earlier re-INVITE is pending",
    ChangeRefused = "renegotiation: refused by the peer",
    ChangeOverdue = "renegotiation: timed out",
    ChangeWithoutAnswer = "renegotiation: 2xx without an answer",
    ChangeCancelled = "renegotiation: the peer cancels its re-INVITE",
    ChangeRepeated = "renegotiation: the peer's re-INVITE retransmitted over a new connection",
    ChangeInterrupted = "renegotiation: connection lost while our re-INVITE was pending",
    AnswerUnusable = "renegotiation: unusable answer",
    WishTakenBack = "hold: intent withdrawn while it waited",
    HoldRefused = "hold: failed",
    DigitByRtp = "digits: by RTP",
    DigitByInfo = "digits: by INFO",
    DigitNotSupported = "digits: telephone-event was not negotiated",
    DigitRefused = "digits: failed",
    DigitsLeft = "digits: queued at the end of the call",
    TransferDone = "transfer: succeeded",
    TransferFailed = "transfer: failed, the call continues",
    TransferSilent = "transfer: no NOTIFY in time",
    TransferHungUp = "transfer: the peer hangs up before the last NOTIFY",
    NotifyOvertakes = "transfer: NOTIFY before the 2xx to the REFER",
    NotifyOfAnother = "transfer: 481, NOTIFY of another subscription",
    PackageUnknown = "transfer: 489, unknown event package",
    ReferTwice = "transfer: 491, another REFER is pending",
    ReferUnsupported = "transfer: 501, Refer-To with headers or a method",
    ReferRefused = "transfer: 603, not accepted",
    ReferUndecided = "transfer: REFER without a decision in time",
    ReferRejected = "transfer: REFER rejected by the user",
    ReferMalformed = "transfer: unusable Refer-To",
    ReferNoRoom = "transfer: 486, the call limit is reached",
    ClockBackwards = "clock: earlier than the last input",
}
