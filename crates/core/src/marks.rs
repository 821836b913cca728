//! Sometimes-marks: places in the machines that a good test must have been at, now and then.
//!
//! A rule that no run ever reached was never tested, however many seeds were clean. So each place where a machine decides
//! something rare carries a mark, and each legal edge of a machine is one; the simulator counts which were reached. They
//! are counted with the feature `marks` only, which no published crate enables: without it a mark is no code at all.

#[cfg(any(test, feature = "marks"))]
use crate::machine::{Edges, all_tables};

/// Declares the marks and their words.
macro_rules! marks {
    ($($mark:ident = $words:literal),+ $(,)?) => {
        /// The places with a name of their own, for [`Trace::mark`](crate::trace::Trace::mark).
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Mark { $($mark),+ }

        #[cfg(any(test, feature = "marks"))]
        const NAMED: &[&str] = &[$($words),+];
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

/// Which places were reached.
#[cfg(any(test, feature = "marks"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks(Vec<u64>);

#[cfg(any(test, feature = "marks"))]
impl Default for Marks {
    fn default() -> Self {
        let edges: usize = all_tables().iter().map(|(_, table)| table.len()).sum();
        Self(vec![0; (NAMED.len() + edges).div_ceil(64)])
    }
}

#[cfg(any(test, feature = "marks"))]
impl Marks {
    /// All places, in words: what stands at a place of this list, [`Marks::has`] tells of.
    pub fn catalogue() -> Vec<String> {
        let named = NAMED.iter().map(|&words| words.to_owned());
        let edges = all_tables().into_iter().flat_map(|(title, table)| {
            (0..table.len()).map(move |edge| {
                let [from, cause, to] = table.words(edge);
                format!("{title}: {from} --{cause}--> {to}")
            })
        });
        named.chain(edges).collect()
    }

    /// Whether this place of the catalogue was reached.
    pub fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0)
    }

    /// Takes in what another one reached.
    pub fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Notes that this place of the catalogue was reached.
    pub fn set(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    pub(crate) fn reach(&mut self, mark: Mark) {
        self.set(mark as usize);
    }

    pub(crate) fn reach_edge(&mut self, table: &'static dyn Edges, edge: usize) {
        let mut place = NAMED.len() + edge;
        for (_, known) in all_tables() {
            if std::ptr::addr_eq(known, table) {
                return self.set(place);
            }
            place += known.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook_wire::Instant;

    #[test]
    fn a_place_is_reached_or_not() {
        let mut marks = Marks::default();
        let place = Mark::Glare as usize;
        assert!(!marks.has(place));
        marks.reach(Mark::Glare);
        let mut all = Marks::default();
        all.add(&marks);
        let reached: Vec<usize> = (0..Marks::catalogue().len()).filter(|&place| all.has(place)).collect();
        assert_eq!(reached, [place]);
    }

    #[test]
    fn an_edge_is_a_place() {
        use crate::session::{EDGES, Phase, Step};
        let mut trace = crate::trace::Trace::new(0);
        let session = crate::trace::Machine::Registration(crate::AccountId(0));
        trace.step(Instant::ZERO, session, &EDGES, Phase::New, Step::Dial, Phase::Offering);
        let catalogue = Marks::catalogue();
        let reached = catalogue.iter().enumerate().filter(|(place, _)| trace.marks().has(*place));
        let reached: Vec<&str> = reached.map(|(_, words)| &words[..]).collect();
        assert_eq!(reached, ["Call: new --dial--> offering"]);
    }

    #[test]
    fn no_two_places_have_one_name() {
        let mut catalogue = Marks::catalogue();
        let all = catalogue.len();
        catalogue.sort();
        catalogue.dedup();
        assert_eq!(catalogue.len(), all);
    }
}
