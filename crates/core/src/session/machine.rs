//! The legal ways of a call. [`EDGES`] is what `advance` checks and what the documentation draws.

use crate::Status;
use crate::machine::{Table, Word};

/// Where a call is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    New,
    Offering,
    Calling,
    Cancelling,
    Ringing,
    Answering,
    Confirming,
    Leaving,
    Established,
    Closing,
    Ended,
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

impl Word for Phase {
    fn word(self) -> &'static str {
        match self {
            Phase::New => "new",
            Phase::Offering => "offering",
            Phase::Calling => "calling",
            Phase::Cancelling => "cancelling",
            Phase::Ringing => "ringing",
            Phase::Answering => "answering",
            Phase::Confirming => "confirming",
            Phase::Leaving => "leaving",
            Phase::Established => "established",
            Phase::Closing => "closing",
            Phase::Ended => "ended",
        }
    }
}

/// Why a call moves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The user dials.
    Dial,
    /// An INVITE came in.
    Invite,
    /// The user answers.
    Answer,
    /// The media engine made the description.
    Described,
    /// The media engine could not.
    NoMedia,
    /// There is no connection, or it went down.
    NoFlow,
    /// A 2xx.
    Accepted,
    /// A final response that is none, or a refusal by us.
    Refused,
    /// An ACK.
    Acked,
    /// The user hangs up, or a rule does.
    HangUp,
    /// A CANCEL.
    Cancelled,
    /// A BYE.
    Bye,
    /// A time-out.
    Timeout,
    /// The request that closes the call is done.
    Closed,
}

impl Word for Step {
    fn word(self) -> &'static str {
        match self {
            Step::Dial => "dial",
            Step::Invite => "invite",
            Step::Answer => "answer",
            Step::Described => "described",
            Step::NoMedia => "no media",
            Step::NoFlow => "no flow",
            Step::Accepted => "accepted",
            Step::Refused => "refused",
            Step::Acked => "acked",
            Step::HangUp => "hang up",
            Step::Cancelled => "cancelled",
            Step::Bye => "bye",
            Step::Timeout => "timeout",
            Step::Closed => "closed",
        }
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
