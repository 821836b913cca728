//! The table of breaches: each has a keyword in scenarios, a trigger, and a function that changes the correct plan.

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;
use super::{acks, busy, cancels, finals, identity, invites, reliable, ringing, within};

/// When a breach applies.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// A phone calls it.
    Invited,
    /// A phone cancels its INVITE.
    Cancelled,
    /// A phone sends a re-INVITE.
    Reinvited,
    /// A phone sends a BYE.
    ByeReceived,
    /// A phone sends a REFER.
    ReferReceived,
    /// A phone sends another in-dialog request.
    Requested,
    /// A phone sends another request outside of a dialog.
    AskedOutside,
    /// It calls a phone.
    Calling,
    /// A phone rings.
    Ringing,
    /// A phone answered its call: an ACK is due.
    Accepted,
    /// The call is established.
    Established,
    /// It sends a BYE.
    HangingUp,
    /// It sends any response.
    Responding,
}

macro_rules! breaches {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal, $trigger:ident, $how:path;)*) => {
        /// A rule that a rogue breaks.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Breach { $($(#[doc = $doc])+ $variant,)* }

        impl Breach {
            /// All breaches.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its keyword in scenarios.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub(super) fn trigger(self) -> Trigger {
                match self { $(Self::$variant => Trigger::$trigger,)* }
            }

            /// Changes the correct plan so that it breaks the rule.
            pub(super) fn apply(self, plan: &mut Plan<'_>) {
                match self { $(Self::$variant => $how(plan),)* }
            }
        }
    };
}

breaches! {
    /// Two final responses that differ (RFC 3261 §17.2.1).
    FinalTwice = "final-twice", Invited, finals::twice;
    /// 2xx from three devices (§13.2.2.4), which no proxy will hang up.
    Forks = "forks", Invited, finals::forks;
    /// A 2xx without a Contact (§12.1.1).
    NoContact = "no-contact", Invited, finals::no_contact;
    /// A 2xx without the required answer (§13.3.1.4).
    NoSdp = "no-sdp", Invited, finals::no_sdp;
    /// A 2xx with an invalid answer.
    GarbageSdp = "garbage-sdp", Invited, finals::garbage_sdp;
    /// Retransmissions of the 2xx have different descriptions (RFC 3264 §8).
    SdpChanges = "sdp-changes", Invited, finals::sdp_changes;
    /// Another To tag in the 2xx than in the 180 before it (§12.1).
    TagChanges = "tag-changes", Invited, finals::tag_changes;
    /// No To tag at all (§8.2.6.2).
    NoTag = "no-tag", Invited, finals::no_tag;
    /// Unusual codes: 199, 202, 299, 399, 599, 699.
    OddStatus = "odd-status", Invited, finals::odd_status;
    /// Invalid Record-Route values (§12.1.2).
    BadRoutes = "bad-routes", Invited, finals::bad_routes;
    /// An answer in the 183, another one in the 2xx (RFC 3261 §13.2.1).
    AnswerTwice = "answer-twice", Invited, finals::answer_twice;
    /// An invalid answer in a 183, and then a right one in the 2xx.
    GarbageEarly = "garbage-early", Invited, reliable::garbage_early;
    /// The direction of the answer in a 183 is not that of the 2xx (RFC 3261 §13.2.1).
    DirectionChanges = "direction-changes", Invited, reliable::direction_changes;
    /// A reliable 180 (RFC 3262 §3), which breaks no rule.
    RingsReliably = "rings-reliably", Invited, reliable::rings_reliably;
    /// Reliable responses out of order (RFC 3262 §4).
    ReliableDisorder = "reliable-disorder", Invited, reliable::disorder;
    /// A reliable response is repeated after its PRACK (RFC 3262 §3).
    ReliableRepeats = "reliable-repeats", Invited, reliable::repeats;
    /// UPDATEs in the early dialog, while offers are open (RFC 3311 §5.1).
    UpdatesEarly = "updates-early", Invited, reliable::updates_early;
    /// 100 and no other response.
    TryingOnly = "trying-only", Invited, ringing::trying_only;
    /// It rings without end.
    RingsForEver = "rings-for-ever", Invited, ringing::for_ever;
    /// Forty provisional responses of all kinds.
    RingFlood = "ring-flood", Invited, ringing::flood;
    /// No response at all.
    Silent = "silent", Invited, ringing::silent;
    /// 180 after the 2xx.
    RingsAfterAnswer = "rings-after-answer", Invited, ringing::after_answer;
    /// 3xx to others, to itself or to the caller, with valid and invalid Contacts.
    Redirects = "redirects", Invited, busy::redirects;
    /// 302 to a user of the domain (§8.1.3.4), which breaks no rule.
    Moved = "moved", Invited, busy::moved;
    /// It demands credentials for a realm of its own (§22.2), and then accepts the call. That breaks no rule either.
    Demands = "demands", Invited, busy::demands;
    /// 401 or 407 to all credentials, of any realm, with new and old nonces, stale or not (RFC 7616 §3.3).
    Challenges = "challenges", Invited, busy::challenges;
    /// 5xx with a Retry-After of years.
    RetryAfter = "retry-after", Invited, busy::retry_after;
    /// 491 to the first INVITE.
    Pending = "pending", Invited, busy::pending;
    /// A 2xx although the INVITE is cancelled, and 487 was sent (§9.2).
    AnswerAfterCancel = "answer-after-cancel", Cancelled, cancels::answer_after;
    /// 487, then another refusal.
    RefusedAfterCancel = "refused-after-cancel", Cancelled, cancels::refused_after;
    /// The CANCEL has a response, the INVITE has none.
    CancelForgets = "cancel-forgets", Cancelled, cancels::forgets;
    /// Neither has a response.
    CancelIgnored = "cancel-ignored", Cancelled, cancels::ignored;
    /// The CANCEL is refused, and the INVITE answered.
    CancelRefused = "cancel-refused", Cancelled, cancels::refused;
    /// 491 to each re-INVITE (§14.1).
    AlwaysPending = "always-pending", Reinvited, within::always_pending;
    /// A re-INVITE gets 100 and no other response.
    ReinviteIgnored = "reinvite-ignored", Reinvited, within::reinvite_ignored;
    /// The answer does not match the offer of a hold (RFC 3264 §6.1).
    AnswersOddly = "answers-oddly", Reinvited, within::answers_oddly;
    /// The 2xx to a re-INVITE has no answer.
    ReinviteNoSdp = "reinvite-no-sdp", Reinvited, within::reinvite_no_sdp;
    /// A re-INVITE at the same time (§14.1).
    Glares = "glares", Reinvited, within::glares;
    /// Two finals to a re-INVITE.
    ReinviteTwice = "reinvite-twice", Reinvited, within::reinvite_twice;
    /// No response to a BYE.
    ByeIgnored = "bye-ignored", ByeReceived, within::silent;
    /// A BYE is refused (§15.1.2 allows 481 only).
    ByeRefused = "bye-refused", ByeReceived, within::bye_refused;
    /// A BYE is always challenged.
    ByeChallenged = "bye-challenged", ByeReceived, busy::challenges;
    /// A re-INVITE is always challenged.
    ReinviteChallenged = "reinvite-challenged", Reinvited, busy::challenges;
    /// A REFER is always challenged.
    ReferChallenged = "refer-challenged", ReferReceived, busy::challenges;
    /// A request outside of a dialog is always challenged.
    OutsideChallenged = "outside-challenged", AskedOutside, busy::challenges;
    /// 3xx to a request outside of a dialog.
    OutsideRedirected = "outside-redirected", AskedOutside, busy::redirects;
    /// 302 to a user of the domain, to a request outside of a dialog, which breaks no rule.
    OutsideMoved = "outside-moved", AskedOutside, busy::moved;
    /// It demands credentials for a realm of its own, and then accepts the request. That breaks no rule either.
    OutsideDemands = "outside-demands", AskedOutside, busy::demands;
    /// No response to a request outside of a dialog.
    OutsideIgnored = "outside-ignored", AskedOutside, within::silent;
    /// An unusual response to a request outside of a dialog.
    OutsideOdd = "outside-odd", AskedOutside, busy::replies_oddly;
    /// Requests after a received BYE.
    GoesOnAfterBye = "goes-on-after-bye", ByeReceived, within::goes_on;
    /// A REFER is accepted without a NOTIFY (RFC 3515 §2.4.4).
    ReferSilent = "refer-silent", ReferReceived, within::refer_silent;
    /// The NOTIFYs of a REFER are invalid.
    ReferGarbage = "refer-garbage", ReferReceived, within::refer_garbage;
    /// The NOTIFYs come before the response to the REFER, in the wrong order, and too often.
    ReferDisorder = "refer-disorder", ReferReceived, within::refer_disorder;
    /// 481 to a request in a live dialog.
    ForgetsDialog = "forgets-dialog", Requested, within::forgets;
    /// It lists UPDATE in Allow, and refuses it (RFC 3311 §5.1).
    UpdateRefused = "update-refused", Requested, reliable::update_refused;
    /// No response to an in-dialog request.
    AskedIgnored = "asked-ignored", Requested, within::silent;
    /// An in-dialog request is always challenged.
    AskedChallenged = "asked-challenged", Requested, busy::challenges;
    /// An INVITE without an offer (§13.2.1).
    LateOffer = "late-offer", Calling, invites::late_offer;
    /// An INVITE that supports reliable responses (RFC 3262 §4), which breaks no rule.
    SupportsReliable = "supports-reliable", Calling, reliable::supports;
    /// An INVITE that requires them, which breaks no rule either.
    RequiresReliable = "requires-reliable", Calling, reliable::requires;
    /// An INVITE without an offer that supports or requires reliable responses, which breaks no rule: a reliable response has the offer, and
    /// its PRACK the answer (RFC 3262 §5).
    LateOfferReliably = "late-offer-reliably", Calling, reliable::late_offer;
    /// A merged INVITE: the same one over two paths (§8.2.2.2).
    Merged = "merged", Calling, invites::merged;
    /// Max-Forwards 0 (§16.3).
    NoHops = "no-hops", Calling, invites::no_hops;
    /// Require with an unknown option tag (§8.2.2.3).
    UnknownRequire = "unknown-require", Calling, invites::unknown_require;
    /// Replaces with a guessed dialog (RFC 3891 §3).
    ReplacesGuess = "replaces-guess", Calling, invites::replaces_guess;
    /// 20,000 bytes of valid headers.
    HugeHeaders = "huge-headers", Calling, invites::huge_headers;
    /// Invalid URIs.
    BadUris = "bad-uris", Calling, invites::bad_uris;
    /// The description is a part of a multipart body (RFC 5621).
    Multipart = "multipart", Calling, invites::multipart;
    /// An invalid offer.
    GarbageOffer = "garbage-offer", Calling, invites::garbage_offer;
    /// An INVITE without a Contact (§8.1.1.8).
    NoReturn = "no-return", Calling, invites::no_return;
    /// A branch of RFC 2543 (§17.2.3).
    OldBranch = "old-branch", Calling, invites::old_branch;
    /// Folded and compact headers, in capitals, with spaces (RFC 4475 §3.1.1.1).
    OddlyWritten = "oddly-written", Calling, invites::oddly_written;
    /// A CANCEL of another branch right after the INVITE (RFC 3261 §9.1).
    CancelOtherBranch = "cancel-other-branch", Calling, invites::cancel_other_branch;
    /// A CANCEL immediately, before any response.
    CancelAtOnce = "cancel-at-once", Calling, invites::cancel_at_once;
    /// It asserts the identity of another user (RFC 3325 §5). The exchange removes it.
    AssertsIdentity = "asserts-identity", Calling, identity::asserts;
    /// The first CSeq is 2³¹ − 1 (§8.1.1.5).
    HighCSeq = "high-cseq", Calling, invites::high_cseq;
    /// A BYE in an early dialog. Rare, but allowed (§15).
    ByeWhileRinging = "bye-while-ringing", Ringing, invites::bye_while_ringing;
    /// Other requests in an early dialog (§12.1).
    AsksWhileRinging = "asks-while-ringing", Ringing, invites::asks_while_ringing;
    /// No PRACK (RFC 3262 §4).
    NeverPracks = "never-pracks", Ringing, reliable::never_pracks;
    /// PRACKs with a wrong RAck, and twice (RFC 3262 §7.2).
    PracksWrongly = "pracks-wrongly", Ringing, reliable::pracks_wrongly;
    /// A PRACK with an offer (RFC 3262 §5), perhaps while another is open.
    PrackOffers = "prack-offers", Ringing, reliable::prack_offers;
    /// The answer in a PRACK is invalid.
    PrackGarbage = "prack-garbage", Ringing, reliable::prack_garbage;
    /// No ACK (§13.2.2.4).
    NoAck = "no-ack", Accepted, acks::none;
    /// The ACK has another CSeq number.
    AckWrongCSeq = "ack-wrong-cseq", Accepted, acks::wrong_cseq;
    /// The ACK has a wrong tag.
    AckWrongTag = "ack-wrong-tag", Accepted, acks::wrong_tag;
    /// The ACK of a 2xx has the branch of the INVITE (§17.1.1.3 is for non-2xx responses).
    AckSameBranch = "ack-same-branch", Accepted, acks::same_branch;
    /// Two ACKs.
    AckTwice = "ack-twice", Accepted, acks::twice;
    /// The ACK is late by seconds.
    AckLate = "ack-late", Accepted, acks::late;
    /// The ACK has another offer.
    AckOffers = "ack-offers", Accepted, acks::offers;
    /// The ACK lacks the required answer.
    AckNoAnswer = "ack-no-answer", Accepted, acks::no_answer;
    /// A BYE before the ACK.
    ByeBeforeAck = "bye-before-ack", Accepted, acks::bye_before;
    /// A BYE in place of the ACK.
    ByeForAck = "bye-for-ack", Accepted, acks::bye_instead;
    /// A CANCEL after the 2xx (§9.1).
    CancelAfterAnswer = "cancel-after-answer", Accepted, acks::cancel_after;
    /// A re-INVITE before the ACK (§14.1).
    ReinviteBeforeAck = "reinvite-before-ack", Accepted, acks::reinvite_before;
    /// Many re-INVITEs without pauses.
    ReinviteStorm = "reinvite-storm", Established, within::reinvite_storm;
    /// UPDATEs and re-INVITEs with offers that cross each other (RFC 3311 §5.2).
    UpdatesCross = "updates-cross", Established, reliable::updates_cross;
    /// CSeq numbers decrease (§12.2.2).
    CSeqBack = "cseq-back", Established, within::cseq_back;
    /// A CSeq number at the end of its range.
    CSeqJump = "cseq-jump", Established, within::cseq_jump;
    /// A re-INVITE with an invalid Contact (§12.2.2).
    TargetLost = "target-lost", Established, within::target_lost;
    /// A re-INVITE with a new Contact, as after a change of networks. That breaks no rule (§12.2.2).
    Moves = "moves", Established, within::moves;
    /// A 2xx to a re-INVITE with a new Contact, which breaks no rule either (§12.2.1.2).
    AnswersElsewhere = "answers-elsewhere", Reinvited, within::answers_elsewhere;
    /// Two BYEs, in two transactions.
    ByeTwice = "bye-twice", HangingUp, within::bye_twice;
    /// Requests after its own BYE.
    AsksAfterBye = "asks-after-bye", HangingUp, within::goes_on;
    /// Another CSeq number in the response (§8.2.6.2).
    WrongCSeq = "wrong-cseq", Responding, identity::wrong_cseq;
    /// Another Call-ID.
    WrongCallId = "wrong-call-id", Responding, identity::wrong_call_id;
    /// Another branch.
    WrongBranch = "wrong-branch", Responding, identity::wrong_branch;
    /// Another From tag.
    WrongFromTag = "wrong-from-tag", Responding, identity::wrong_from_tag;
    /// 183 to a non-INVITE request before the final response (RFC 4320 §4.1).
    PromisesFirst = "promises-first", Responding, identity::promises_first;
    /// Its responses assert the identity of another user (RFC 3325 §5). The exchange removes it.
    AnswersAsserting = "answers-asserting", Responding, identity::answers_asserting;
    /// Each response twice.
    Twice = "twice", Responding, identity::twice;
    /// Responses go directly to the phone, as if from its proxy.
    PastTheProxies = "past-the-proxies", Responding, identity::past_the_proxies;
}

impl Breach {
    /// Responses that make a request of a phone be sent again.
    pub const RESTARTING: &[Self] = &[
        Self::Moved,
        Self::Redirects,
        Self::Demands,
        Self::Challenges,
        Self::OutsideMoved,
        Self::OutsideRedirected,
        Self::OutsideDemands,
        Self::OutsideChallenged,
        Self::OutsideOdd,
        Self::OutsideIgnored,
        Self::ReinviteChallenged,
        Self::ReferChallenged,
        Self::AskedChallenged,
        Self::ByeChallenged,
    ];

    /// Breaches of no rule of a phone's peer: the RFCs allow them, or the exchange removes them. Oracles that assume correct peers still run
    /// with rogues that have no others.
    pub const CONFORMING: &[Self] = &[
        Self::LateOffer,
        Self::RingsReliably,
        Self::SupportsReliable,
        Self::RequiresReliable,
        Self::LateOfferReliably,
        Self::Multipart,
        Self::OddlyWritten,
        Self::Moves,
        Self::AnswersElsewhere,
        Self::Moved,
        Self::Demands,
        Self::OutsideMoved,
        Self::OutsideDemands,
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
        known.copied().ok_or_else(|| format!("unknown breach `{word}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_round_trip() {
        for breach in Breach::ALL {
            assert_eq!(breach.as_str().parse(), Ok(*breach));
        }
        assert!("politeness".parse::<Breach>().is_err());
    }
}
