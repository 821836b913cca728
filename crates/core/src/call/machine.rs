//! The legal ways of a call. [`EDGES`] is what `advance` checks and what the documentation draws.

use crate::Status;
use crate::base::machine::{Table, words};

words! {
    /// Where a call is.
    pub(crate) enum Phase {
        New = "new",
        Offering = "offering",
        Calling = "calling",
        Cancelling = "cancelling",
        Ringing = "ringing",
        Answering = "answering",
        Confirming = "confirming",
        Leaving = "leaving",
        Established = "established",
        Closing = "closing",
        Ended = "ended",
    }
}

impl Phase {
    pub(crate) fn status(self) -> Status {
        match self {
            Phase::New | Phase::Offering => Status::Initial,
            Phase::Calling | Phase::Ringing | Phase::Answering | Phase::Confirming => Status::Establishing,
            Phase::Established => Status::Established,
            Phase::Cancelling | Phase::Leaving | Phase::Closing => Status::Terminating,
            Phase::Ended => Status::Idle,
        }
    }
}

words! {
    /// Why a call moves.
    pub(crate) enum Step {
        /// The user dials.
        Dial = "dial",
        /// An INVITE came in.
        Invite = "invite",
        /// The user answers.
        Answer = "answer",
        /// The media engine made the description.
        Described = "described",
        /// The media engine could not.
        NoMedia = "no media",
        /// There is no connection, or it went down.
        NoFlow = "no flow",
        /// A 2xx.
        Accepted = "accepted",
        /// A final response that is none, or a refusal by us.
        Refused = "refused",
        /// An ACK.
        Acked = "acked",
        /// The user hangs up, or a rule does.
        HangUp = "hang up",
        /// A CANCEL.
        Cancelled = "cancelled",
        /// A BYE.
        Bye = "bye",
        /// A time-out.
        Timeout = "timeout",
        /// The request that closes the call is done.
        Closed = "closed",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Step> = {
    use Phase::{
        Answering, Calling, Cancelling, Closing, Confirming, Ended, Established, Leaving, New, Offering,
        Ringing,
    };
    Table(&[
        (New, Step::Dial, Offering),
        (New, Step::Invite, Ringing),
        (New, Step::NoFlow, Ended),
        (Offering, Step::Described, Calling),
        (Offering, Step::NoMedia, Ended),
        (Offering, Step::NoFlow, Ended),
        (Offering, Step::HangUp, Ended),
        (Calling, Step::Accepted, Established),
        (Calling, Step::Refused, Ended),
        (Calling, Step::NoFlow, Ended),
        (Calling, Step::Timeout, Ended),
        (Calling, Step::HangUp, Cancelling),
        (Calling, Step::Timeout, Cancelling),
        (Cancelling, Step::Closed, Ended),
        (Cancelling, Step::Accepted, Closing),
        (Ringing, Step::Answer, Answering),
        (Ringing, Step::Refused, Ended),
        (Ringing, Step::Cancelled, Ended),
        (Ringing, Step::Bye, Ended),
        (Ringing, Step::Timeout, Ended),
        (Ringing, Step::NoFlow, Ended),
        (Answering, Step::Described, Confirming),
        (Answering, Step::NoMedia, Ended),
        (Answering, Step::Refused, Ended),
        (Answering, Step::Cancelled, Ended),
        (Answering, Step::Bye, Ended),
        (Answering, Step::NoFlow, Ended),
        (Confirming, Step::Acked, Established),
        (Confirming, Step::HangUp, Leaving),
        (Confirming, Step::NoMedia, Leaving),
        (Confirming, Step::Bye, Ended),
        (Confirming, Step::Timeout, Closing),
        (Leaving, Step::Acked, Closing),
        (Leaving, Step::Timeout, Closing),
        (Leaving, Step::Bye, Ended),
        (Established, Step::HangUp, Closing),
        (Established, Step::NoMedia, Closing),
        (Established, Step::Refused, Closing),
        (Established, Step::Timeout, Closing),
        (Established, Step::Bye, Ended),
        (Closing, Step::Closed, Ended),
        (Closing, Step::Bye, Ended),
        (Closing, Step::Timeout, Ended),
    ])
};
