//! The states, triggers and legal edges of our transfer.

use crate::base::machine::{Table, named_enum};

named_enum! {
    /// The state of our transfer.
    pub(crate) enum Phase {
        Idle = "idle",
        /// The REFER is pending.
        Requested = "requested",
        /// The REFER was accepted; the peer reports by NOTIFY.
        Accepted = "accepted",
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        Refer = "REFER",
        Accepted = "accepted",
        Done = "done",
        Failed = "failed",
        /// The call ends.
        End = "end",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{Accepted, Idle, Requested};
    Table(&[
        (Idle, Trigger::Refer, Requested),
        (Requested, Trigger::Accepted, Accepted),
        (Requested, Trigger::Failed, Idle),
        (Requested, Trigger::End, Idle),
        (Accepted, Trigger::Done, Idle),
        (Accepted, Trigger::Failed, Idle),
        (Accepted, Trigger::End, Idle),
    ])
};
