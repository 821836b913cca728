//! The states, triggers and legal edges of a call. `transition` checks [`EDGES`], and MACHINES.md is drawn from it.

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
            Phase::New | Phase::Offering => Status::Initial,
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
        Answering, AwaitingAck, Calling, Cancelling, Challenged, Ended, Established, HangUpAfterAck, New,
        Offering, Ringing, Terminating,
    };
    Table(&[
        (New, Trigger::Dial, Offering),
        (New, Trigger::Invite, Ringing),
        (New, Trigger::NoConnection, Ended),
        (Offering, Trigger::Described, Calling),
        (Offering, Trigger::NoMedia, Ended),
        (Offering, Trigger::NoConnection, Ended),
        (Offering, Trigger::HangUp, Ended),
        (Calling, Trigger::Accepted, Established),
        (Calling, Trigger::Refused, Ended),
        (Calling, Trigger::NoConnection, Ended),
        (Calling, Trigger::Timeout, Ended),
        (Calling, Trigger::HangUp, Cancelling),
        (Calling, Trigger::Timeout, Cancelling),
        (Cancelling, Trigger::Closed, Ended),
        (Cancelling, Trigger::Accepted, Terminating),
        (Ringing, Trigger::Answer, Answering),
        (Ringing, Trigger::Refused, Ended),
        (Ringing, Trigger::Cancelled, Ended),
        (Ringing, Trigger::Bye, Ended),
        (Ringing, Trigger::Timeout, Ended),
        (Ringing, Trigger::NoConnection, Ended),
        (Answering, Trigger::Described, AwaitingAck),
        (Answering, Trigger::NoMedia, Ended),
        (Answering, Trigger::Refused, Ended),
        (Answering, Trigger::Cancelled, Ended),
        (Answering, Trigger::Bye, Ended),
        (Answering, Trigger::NoConnection, Ended),
        (AwaitingAck, Trigger::Acked, Established),
        (AwaitingAck, Trigger::HangUp, HangUpAfterAck),
        (AwaitingAck, Trigger::NoMedia, HangUpAfterAck),
        (AwaitingAck, Trigger::Bye, Ended),
        (AwaitingAck, Trigger::Timeout, Terminating),
        (HangUpAfterAck, Trigger::Acked, Terminating),
        (HangUpAfterAck, Trigger::Timeout, Terminating),
        (HangUpAfterAck, Trigger::Bye, Ended),
        (Established, Trigger::HangUp, Terminating),
        (Established, Trigger::NoMedia, Terminating),
        (Established, Trigger::Refused, Terminating),
        (Established, Trigger::Timeout, Terminating),
        (Established, Trigger::Bye, Ended),
        (Terminating, Trigger::Closed, Ended),
        (Terminating, Trigger::Bye, Ended),
        (Terminating, Trigger::Timeout, Ended),
        // Last: edges are found from the first one on.
        (Calling, Trigger::Again, Calling),
        (Calling, Trigger::Again, Challenged),
        (Challenged, Trigger::Again, Calling),
        (Challenged, Trigger::Refused, Ended),
        (Challenged, Trigger::NoConnection, Ended),
        (Challenged, Trigger::HangUp, Ended),
        (Challenged, Trigger::Timeout, Ended),
    ])
};
