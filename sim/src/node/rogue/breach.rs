//! The table of breaches: each has a word in scenarios, an occasion, and what it makes of an honest plan there.

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;
use super::{acks, busy, cancels, finals, identity, invites, ringing, within};

/// When a rogue may break a rule.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A phone calls it.
    Invited,
    /// A phone gives up its INVITE.
    Cancelled,
    /// A phone sends a re-INVITE.
    Reinvited,
    /// A phone sends a BYE.
    ByeReceived,
    /// A phone sends a REFER.
    ReferReceived,
    /// A phone asks anything else in a call.
    Requested,
    /// It calls a phone.
    Calling,
    /// A phone rings.
    Ringing,
    /// A phone took its call: an ACK is due.
    Accepted,
    /// Both ends talk.
    Established,
    /// It sends a BYE.
    HangingUp,
    /// It sends a response, whichever.
    Responding,
}

macro_rules! breaches {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $trigger:ident, $how:path;)*) => {
        /// A rule that a rogue breaks.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Breach { $($(#[doc = $doc])+ $variant,)* }

        impl Breach {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word in scenarios.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(super) fn trigger(self) -> Trigger {
                match self { $(Self::$variant => Trigger::$trigger,)* }
            }

            /// Makes of the honest plan what breaks the rule.
            pub(super) fn apply(self, plan: &mut Plan<'_>) {
                match self { $(Self::$variant => $how(plan),)* }
            }
        }
    };
}

breaches! {
    /// Two final responses that differ (RFC 3261 §17.2.1).
    FinalTwice = "final-twice", Invited, finals::twice;
    /// 2xx from three devices (§13.2.2.4), none of which will be hung up by a proxy.
    Forks = "forks", Invited, finals::forks;
    /// A 2xx without a Contact (§12.1.1).
    NoContact = "no-contact", Invited, finals::no_contact;
    /// A 2xx without the answer that is due (§13.3.1.4).
    NoSdp = "no-sdp", Invited, finals::no_sdp;
    /// A 2xx whose answer nobody can read.
    GarbageSdp = "garbage-sdp", Invited, finals::garbage_sdp;
    /// The 2xx comes again and again, each time with another description (RFC 3264 §8).
    SdpChanges = "sdp-changes", Invited, finals::sdp_changes;
    /// Another To tag in the 2xx than in the 180 before it (§12.1).
    TagChanges = "tag-changes", Invited, finals::tag_changes;
    /// No To tag at all (§8.2.6.2).
    NoTag = "no-tag", Invited, finals::no_tag;
    /// Codes that nobody uses: 199, 202, 299, 399, 599, 699.
    OddStatus = "odd-status", Invited, finals::odd_status;
    /// Record-Route values that nobody can follow (§12.1.2).
    BadRoutes = "bad-routes", Invited, finals::bad_routes;
    /// An answer in the 183, another one in the 2xx (RFC 3261 §13.2.1).
    AnswerTwice = "answer-twice", Invited, finals::answer_twice;
    /// Nothing but 100 for ever.
    TryingOnly = "trying-only", Invited, ringing::trying_only;
    /// It rings for ever.
    RingsForEver = "rings-for-ever", Invited, ringing::for_ever;
    /// It rings forty times, in all the ways there are.
    RingFlood = "ring-flood", Invited, ringing::flood;
    /// No response at all.
    Silent = "silent", Invited, ringing::silent;
    /// Ringing goes on after the answer.
    RingsAfterAnswer = "rings-after-answer", Invited, ringing::after_answer;
    /// 3xx to where it is itself, or to the caller.
    Redirects = "redirects", Invited, busy::redirects;
    /// 401 or 407 to whatever credentials, each time with another nonce, stale or not (RFC 7616 §3.3).
    Challenges = "challenges", Invited, busy::challenges;
    /// 5xx with a Retry-After of years.
    RetryAfter = "retry-after", Invited, busy::retry_after;
    /// 491 to the first INVITE.
    Pending = "pending", Invited, busy::pending;
    /// A 2xx although the INVITE is cancelled, and 487 was sent (§9.2).
    AnswerAfterCancel = "answer-after-cancel", Cancelled, cancels::answer_after;
    /// 487 and then another refusal.
    RefusedAfterCancel = "refused-after-cancel", Cancelled, cancels::refused_after;
    /// The CANCEL is answered, the INVITE is not.
    CancelForgets = "cancel-forgets", Cancelled, cancels::forgets;
    /// Neither is answered.
    CancelIgnored = "cancel-ignored", Cancelled, cancels::ignored;
    /// The CANCEL is refused and the call taken.
    CancelRefused = "cancel-refused", Cancelled, cancels::refused;
    /// 491 to each re-INVITE, for ever (§14.1).
    AlwaysPending = "always-pending", Reinvited, within::always_pending;
    /// A re-INVITE gets 100 and nothing else.
    ReinviteIgnored = "reinvite-ignored", Reinvited, within::reinvite_ignored;
    /// The answer to a hold is not an answer to it (RFC 3264 §6.1).
    AnswersOddly = "answers-oddly", Reinvited, within::answers_oddly;
    /// The 2xx to a re-INVITE has no answer.
    ReinviteNoSdp = "reinvite-no-sdp", Reinvited, within::reinvite_no_sdp;
    /// A re-INVITE is met by one of its own (§14.1).
    Glares = "glares", Reinvited, within::glares;
    /// Two finals to a re-INVITE.
    ReinviteTwice = "reinvite-twice", Reinvited, within::reinvite_twice;
    /// A BYE is never answered.
    ByeIgnored = "bye-ignored", ByeReceived, within::silent;
    /// A BYE is refused (§15.1.2 knows no refusal but 481).
    ByeRefused = "bye-refused", ByeReceived, within::bye_refused;
    /// A BYE is challenged for ever.
    ByeChallenged = "bye-challenged", ByeReceived, busy::challenges;
    /// After the BYE it goes on as if nothing had been.
    GoesOnAfterBye = "goes-on-after-bye", ByeReceived, within::goes_on;
    /// A REFER is accepted, and nothing is ever reported (RFC 3515 §2.4.4).
    ReferSilent = "refer-silent", ReferReceived, within::refer_silent;
    /// The reports on a REFER are garbage.
    ReferGarbage = "refer-garbage", ReferReceived, within::refer_garbage;
    /// The reports come before the REFER is answered, in the wrong order, and too often.
    ReferDisorder = "refer-disorder", ReferReceived, within::refer_disorder;
    /// 481 to a request in a live dialog.
    ForgetsDialog = "forgets-dialog", Requested, within::forgets;
    /// No answer to a request in a dialog.
    AskedIgnored = "asked-ignored", Requested, within::silent;
    /// A challenge to a request in a dialog, for ever.
    AskedChallenged = "asked-challenged", Requested, busy::challenges;
    /// The INVITE makes no offer (§13.2.1).
    LateOffer = "late-offer", Calling, invites::late_offer;
    /// The same INVITE by two ways (§8.2.2.2).
    Merged = "merged", Calling, invites::merged;
    /// Max-Forwards 0 (§16.3).
    NoHops = "no-hops", Calling, invites::no_hops;
    /// Require of what nobody knows (§8.2.2.3).
    UnknownRequire = "unknown-require", Calling, invites::unknown_require;
    /// Replaces of a dialog that it does not know (RFC 3891 §3).
    ReplacesGuess = "replaces-guess", Calling, invites::replaces_guess;
    /// Twenty thousand bytes of legal headers.
    HugeHeaders = "huge-headers", Calling, invites::huge_headers;
    /// URIs that are none, where a URI belongs.
    BadUris = "bad-uris", Calling, invites::bad_uris;
    /// The description is one part of several (RFC 5621).
    Multipart = "multipart", Calling, invites::multipart;
    /// An offer that nobody can read.
    GarbageOffer = "garbage-offer", Calling, invites::garbage_offer;
    /// An INVITE without a Contact (§8.1.1.8).
    NoReturn = "no-return", Calling, invites::no_return;
    /// A branch as RFC 2543 had it (§17.2.3).
    OldBranch = "old-branch", Calling, invites::old_branch;
    /// Folded and compact headers, in capitals, with spaces (RFC 4475 §3.1.1.1).
    OddlyWritten = "oddly-written", Calling, invites::oddly_written;
    /// A CANCEL of another branch right after the INVITE (RFC 3261 §9.1).
    CancelOtherBranch = "cancel-other-branch", Calling, invites::cancel_other_branch;
    /// A CANCEL at once, before anybody could answer.
    CancelAtOnce = "cancel-at-once", Calling, invites::cancel_at_once;
    /// It says that it is another user (RFC 3325 §5). The exchange takes that out.
    AssertsIdentity = "asserts-identity", Calling, identity::asserts;
    /// The first CSeq is 2³¹ − 1 (§8.1.1.5).
    HighCSeq = "high-cseq", Calling, invites::high_cseq;
    /// A BYE while it rings: few callers do, and §15 lets them.
    ByeWhileRinging = "bye-while-ringing", Ringing, invites::bye_while_ringing;
    /// A request in a dialog that is not one yet, and that is no BYE (§12.1).
    AsksWhileRinging = "asks-while-ringing", Ringing, invites::asks_while_ringing;
    /// No ACK (§13.2.2.4).
    NoAck = "no-ack", Accepted, acks::none;
    /// The ACK is for another CSeq.
    AckWrongCSeq = "ack-wrong-cseq", Accepted, acks::wrong_cseq;
    /// The ACK names another dialog.
    AckWrongTag = "ack-wrong-tag", Accepted, acks::wrong_tag;
    /// The ACK has the branch of the INVITE (§17.1.1.3 is for refusals only).
    AckSameBranch = "ack-same-branch", Accepted, acks::same_branch;
    /// Two ACKs.
    AckTwice = "ack-twice", Accepted, acks::twice;
    /// The ACK comes after seconds.
    AckLate = "ack-late", Accepted, acks::late;
    /// The ACK has one more offer in it.
    AckOffers = "ack-offers", Accepted, acks::offers;
    /// The ACK owes an answer and has none.
    AckNoAnswer = "ack-no-answer", Accepted, acks::no_answer;
    /// A BYE before the ACK.
    ByeBeforeAck = "bye-before-ack", Accepted, acks::bye_before;
    /// A BYE in place of the ACK.
    ByeForAck = "bye-for-ack", Accepted, acks::bye_instead;
    /// A CANCEL after the 2xx (§9.1).
    CancelAfterAnswer = "cancel-after-answer", Accepted, acks::cancel_after;
    /// A re-INVITE before the ACK (§14.1).
    ReinviteBeforeAck = "reinvite-before-ack", Accepted, acks::reinvite_before;
    /// Re-INVITEs without a pause.
    ReinviteStorm = "reinvite-storm", Established, within::reinvite_storm;
    /// CSeq goes backwards (§12.2.2).
    CSeqBack = "cseq-back", Established, within::cseq_back;
    /// CSeq jumps to the end of its range.
    CSeqJump = "cseq-jump", Established, within::cseq_jump;
    /// The Contact becomes nonsense in a re-INVITE (§12.2.2).
    TargetLost = "target-lost", Established, within::target_lost;
    /// It is somewhere else from a re-INVITE of its on, as after a change of networks. That breaks no rule (§12.2.2).
    Moves = "moves", Established, within::moves;
    /// It is somewhere else from its answer to a re-INVITE on, which breaks no rule either (§12.2.1.2).
    AnswersElsewhere = "answers-elsewhere", Reinvited, within::answers_elsewhere;
    /// Its BYE comes twice, in two transactions.
    ByeTwice = "bye-twice", HangingUp, within::bye_twice;
    /// After its BYE it goes on as if nothing had been.
    AsksAfterBye = "asks-after-bye", HangingUp, within::goes_on;
    /// Another CSeq number in the response (§8.2.6.2).
    WrongCSeq = "wrong-cseq", Responding, identity::wrong_cseq;
    /// Another Call-ID.
    WrongCallId = "wrong-call-id", Responding, identity::wrong_call_id;
    /// Another branch.
    WrongBranch = "wrong-branch", Responding, identity::wrong_branch;
    /// Another From tag.
    WrongFromTag = "wrong-from-tag", Responding, identity::wrong_from_tag;
    /// 183 to what is no INVITE, before what is the answer (RFC 4320 §4.1).
    PromisesFirst = "promises-first", Responding, identity::promises_first;
    /// Its responses say that it is another user (RFC 3325 §5). The exchange takes that out.
    AnswersAsserting = "answers-asserting", Responding, identity::answers_asserting;
    /// Each response twice.
    Twice = "twice", Responding, identity::twice;
    /// Responses reach the phone as if the proxies had sent them, who know nothing of it.
    PastTheProxies = "past-the-proxies", Responding, identity::past_the_proxies;
}

impl Breach {
    /// The ones that break no rule of a phone's peer: the RFCs allow them, though they are rare, or the exchange removes them before a phone
    /// sees them. The oracles that assume correct peers keep watching a rogue that does no more.
    pub const CONFORMING: &[Self] = &[
        Self::LateOffer,
        Self::Multipart,
        Self::OddlyWritten,
        Self::Moves,
        Self::AnswersElsewhere,
        Self::AssertsIdentity,
        Self::AnswersAsserting,
    ];
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Breach {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|breach| breach.as_str() == word);
        known.copied().ok_or_else(|| format!("no rule is broken by `{word}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_word_of_its_own() {
        for breach in Breach::ALL {
            assert_eq!(breach.as_str().parse(), Ok(*breach));
        }
        assert!("politeness".parse::<Breach>().is_err());
    }
}
