//! The states, triggers and legal edges of reliable provisional responses.

use crate::base::machine::{Table, named_enum};

named_enum! {
    /// The state of the provisional responses.
    pub(crate) enum Phase {
        /// None waits for its PRACK.
        Idle = "idle",
        /// One is retransmitted until its PRACK.
        Unacknowledged = "unacknowledged",
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        /// A reliable provisional response was sent.
        Sent = "1xx sent",
        /// Its PRACK was received.
        Prack = "PRACK",
        /// It was retransmitted.
        Retransmitted = "timer",
        /// The INVITE has its final response.
        Final = "final response",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{Idle, Unacknowledged};
    Table(&[
        (Idle, Trigger::Sent, Unacknowledged),
        (Unacknowledged, Trigger::Retransmitted, Unacknowledged),
        (Unacknowledged, Trigger::Prack, Idle),
        (Unacknowledged, Trigger::Final, Idle),
    ])
};
