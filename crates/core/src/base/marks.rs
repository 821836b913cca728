//! Marks: rare decisions of the machines, as lines of the trace.
//!
//! A mark says why a phone did what it did, in a ladder or a replay. It also says what a test reached: a rule that no run ever
//! came to was never tested, however many seeds were clean. So the simulator counts the marks, and the edges of all machines,
//! with the feature `marks`, which no published crate enables.

/// Declares the marks and their words.
macro_rules! marks {
    ($($mark:ident = $words:literal),+ $(,)?) => {
        /// The rare decisions, for [`Cx::mark`](super::cx::Cx::mark).
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Mark { $($mark),+ }

        impl Mark {
            /// The words of all of them, by their place.
            pub(crate) const ALL: &[&str] = &[$($words),+];
        }
    };
}

marks! {
    Malformed = "message: unreadable, and answered where an answer is possible",
    ExtensionRefused = "message: 420, an extension that we lack",
    MethodRefused = "message: 405 or 501, a method that we do not take",
    OutOfDialog = "message: 481, a request of a dialog that is not",
    ForeignDialog = "message: 481, our tag but not the peer's or not the Call-ID",
    StrayResponse = "response: to nothing that we asked",
    StrayAck = "ACK: for nothing",
    ManyVias = "response: with more than one Via",
    MergedRequest = "request: 482, the same one over another path",
    ServersFull = "request: 503, too many at once",
    AnsweredInviteAgain = "INVITE: again after its 2xx",
    CancelForNothing = "CANCEL: 481, for nothing",
    CancelAfterAnswer = "CANCEL: 200, and too late",
    CancelWaits = "CANCEL: ours waits for the first 1xx",
    ClientsFull = "request: not sent, too many at once",
    ServerChanged = "flow: the next server is another one",
    PongLearnt = "flow: the server answers keep-alives",
    PongMissed = "flow: the answer to a keep-alive is missing",
    BackOffCapped = "flow: the longest wait",
    StaleFlow = "registration: no answer, and nothing else came in: the connection is dead",
    BudgetSpent = "registration: too many REGISTERs in a minute",
    RetryAfter = "registration: the registrar said when to come back",
    BindingRemoved = "registration: a 2xx without our binding",
    StaleNonce = "challenge: a stale nonce, answered again",
    ChallengeRefused = "challenge: the same credentials would be refused again",
    ProxyChallenge = "challenge: of a proxy, 407",
    Forked = "INVITE: a 2xx of another fork, hung up",
    AnswerAgain = "INVITE: a 2xx that came again, acknowledged again",
    AnswerCrossedCancel = "INVITE: a 2xx that crossed our CANCEL, hung up",
    NoDialog = "INVITE: no dialog can be made of it",
    NoAnswerInside = "INVITE: a 2xx without an answer",
    EarlyMedia = "early media: an answer in a 1xx",
    EarlyMediaKept = "early media: the 2xx is of the same fork",
    EarlyMediaOfAnother = "early media: the 2xx is of another fork",
    NobodyAnswers = "call: nobody answers in time",
    RingingBye = "call: a BYE while it rings",
    RingingRequest = "call: another request while it rings",
    MediaRefused = "call: the media engine refuses to answer",
    MediaLate = "call: no media path in time",
    NoRoom = "call: 486, as many as there may be",
    LateOffer = "call: an INVITE without an offer",
    AnswerInAck = "call: the answer to our offer in the ACK",
    NoAnswerInAck = "call: an ACK without the answer that it owes",
    AckMissing = "call: no ACK within 64·T1",
    AnswerRepeated = "call: our 2xx goes again",
    ByesCross = "call: both hang up at once",
    ByeWaits = "call: a BYE that waits for a connection",
    LateSequence = "dialog: 500, a lower CSeq than before",
    SameSequence = "dialog: the same CSeq in a new transaction",
    LostByPeer = "dialog: the peer does not know the call any more",
    Glare = "change: our re-INVITE met the peer's, 491",
    GlareAnswered = "change: the peer's re-INVITE met ours",
    GlareGivenUp = "change: a peer that never has time",
    RetryLater = "change: 500, the one before is not finished",
    ChangeRefused = "change: the peer refuses our re-INVITE",
    ChangeOverdue = "change: not answered in time",
    ChangeWithoutAnswer = "change: a 2xx without an answer",
    ChangeCancelled = "change: the peer takes his re-INVITE back",
    ChangeRepeated = "change: the peer's re-INVITE again over a new connection",
    ChangeInterrupted = "change: the connection went with our re-INVITE",
    AnswerUnusable = "change: an answer that cannot be used",
    WishTakenBack = "hold: a wish that was taken back while it waited",
    HoldRefused = "hold: a wish that could not be had",
    DigitByRtp = "digits: by RTP",
    DigitByInfo = "digits: by INFO",
    DigitNotSupported = "digits: the peer has no telephone-event",
    DigitRefused = "digits: lost",
    DigitsLeft = "digits: some wait when the call ends",
    TransferDone = "transfer: done",
    TransferFailed = "transfer: failed, the call goes on",
    TransferSilent = "transfer: the peer never reports",
    TransferHungUp = "transfer: the peer hangs up before the report",
    NotifyOvertakes = "transfer: a NOTIFY before the 2xx to the REFER",
    NotifyOfAnother = "transfer: 481, a NOTIFY of another subscription",
    PackageUnknown = "transfer: 489, another package",
    ReferTwice = "transfer: 491, asked while another runs",
    ReferAttended = "transfer: 501, a target with headers",
    ReferRefused = "transfer: 603, not wanted",
    ReferMalformed = "transfer: a Refer-To that cannot be called",
    ReferNoRoom = "transfer: 486, no room for the new call",
    ClockBackwards = "clock: an input from before the last one",
}
