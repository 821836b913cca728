//! The states, triggers and legal edges of a call. `transition` checks [`EDGES`], and MACHINES.md is drawn from it.

pub(super) mod reliable;
pub(super) mod renegotiation;
pub(super) mod transfer;

use crate::Status;
use crate::base::machine::{Table, named_enum};

named_enum! {
    /// The state of a call, without what it owns.
    pub(crate) enum Phase {
        New = "new",
        Offering = "offering",
        Calling = "calling",
        Challenged = "challenged",
        Cancelling = "cancelling",
        Checking = "checking",
        Ringing = "ringing",
        Answering = "answering",
        AwaitingAck = "awaiting ACK",
        HangUpAfterAck = "hang up after ACK",
        Established = "established",
        Terminating = "terminating",
        Ended = "ended",
    }
}

impl Phase {
    pub(crate) fn status(self) -> Status {
        match self {
            Phase::New | Phase::Offering | Phase::Checking => Status::Initial,
            Phase::Calling | Phase::Challenged | Phase::Ringing | Phase::Answering | Phase::AwaitingAck => {
                Status::Establishing
            }
            Phase::Established => Status::Established,
            Phase::Cancelling | Phase::HangUpAfterAck | Phase::Terminating => Status::Terminating,
            Phase::Ended => Status::Idle,
        }
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        /// The user dials.
        Dial = "dial",
        /// An INVITE was received.
        Invite = "invite",
        /// The media engine has judged the offer, or not in time.
        Checked = "checked",
        /// The user answers.
        Answer = "answer",
        /// The media engine created the description.
        Described = "described",
        /// The media engine failed.
        NoMedia = "no media",
        /// There is no connection, or it was lost.
        NoConnection = "no connection",
        /// A final response after which the INVITE is sent again, or waits for credentials.
        Again = "again",
        /// A 2xx.
        Accepted = "accepted",
        /// Another final response, or our refusal.
        Refused = "refused",
        /// An ACK.
        Acked = "acked",
        /// The user or a rule hangs up.
        HangUp = "hang up",
        /// A CANCEL.
        Cancelled = "cancelled",
        /// A BYE.
        Bye = "bye",
        /// A time-out.
        Timeout = "timeout",
        /// The BYE or the cancelled INVITE is completed.
        Closed = "closed",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{
        Answering, AwaitingAck, Calling, Cancelling, Challenged, Checking, Ended, Established,
        HangUpAfterAck, New, Offering, Ringing, Terminating,
    };
    Table(&[
        // The edges of most calls first: an edge is found from the first one on.
        (New, Trigger::Dial, Offering),
        (New, Trigger::Invite, Checking),
        (Offering, Trigger::Described, Calling),
        (Checking, Trigger::Checked, Ringing),
        (Calling, Trigger::Accepted, Established),
        (Ringing, Trigger::Answer, Answering),
        (Answering, Trigger::Described, AwaitingAck),
        (AwaitingAck, Trigger::Acked, Established),
        (Established, Trigger::HangUp, Terminating),
        (Established, Trigger::Bye, Ended),
        (Terminating, Trigger::Closed, Ended),
        // The others.
        (New, Trigger::Invite, Ringing),
        (New, Trigger::NoConnection, Ended),
        (Offering, Trigger::NoMedia, Ended),
        (Offering, Trigger::NoConnection, Ended),
        (Offering, Trigger::HangUp, Ended),
        (Calling, Trigger::Refused, Ended),
        (Calling, Trigger::NoConnection, Ended),
        (Calling, Trigger::Timeout, Ended),
        (Calling, Trigger::HangUp, Cancelling),
        (Calling, Trigger::Timeout, Cancelling),
        (Cancelling, Trigger::Closed, Ended),
        (Cancelling, Trigger::Accepted, Terminating),
        (Checking, Trigger::NoMedia, Ended),
        (Checking, Trigger::Cancelled, Ended),
        (Checking, Trigger::Bye, Ended),
        (Checking, Trigger::NoConnection, Ended),
        (Checking, Trigger::HangUp, Ended),
        (Ringing, Trigger::Refused, Ended),
        (Ringing, Trigger::Cancelled, Ended),
        (Ringing, Trigger::Bye, Ended),
        (Ringing, Trigger::Timeout, Ended),
        (Ringing, Trigger::NoConnection, Ended),
        (Ringing, Trigger::NoMedia, Ended),
        (Answering, Trigger::Timeout, Ended),
        (Answering, Trigger::NoMedia, Ended),
        (Answering, Trigger::Refused, Ended),
        (Answering, Trigger::Cancelled, Ended),
        (Answering, Trigger::Bye, Ended),
        (Answering, Trigger::NoConnection, Ended),
        (AwaitingAck, Trigger::HangUp, HangUpAfterAck),
        (AwaitingAck, Trigger::NoMedia, HangUpAfterAck),
        (AwaitingAck, Trigger::Bye, Ended),
        (AwaitingAck, Trigger::Timeout, Terminating),
        (HangUpAfterAck, Trigger::Acked, Terminating),
        (HangUpAfterAck, Trigger::Timeout, Terminating),
        (HangUpAfterAck, Trigger::Bye, Ended),
        (Established, Trigger::NoMedia, Terminating),
        (Established, Trigger::Refused, Terminating),
        (Established, Trigger::Timeout, Terminating),
        (Terminating, Trigger::Bye, Ended),
        (Terminating, Trigger::Timeout, Ended),
        (Calling, Trigger::Again, Calling),
        (Calling, Trigger::Again, Challenged),
        (Challenged, Trigger::Again, Calling),
        (Challenged, Trigger::Refused, Ended),
        (Challenged, Trigger::NoConnection, Ended),
        (Challenged, Trigger::HangUp, Ended),
        (Challenged, Trigger::Timeout, Ended),
    ])
};
