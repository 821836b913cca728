use crate::base::name::Machine;
use offhook_wire::Instant;

/// When to wake the phone with [`Input::Wake`](crate::Input::Wake), and what for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The time. May lie in the past: then wake it now.
    pub at: Instant,
    /// What is due, for logs.
    pub kind: DeadlineKind,
}

/// What a phone wants to be woken for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeadlineKind {
    /// Output is queued: poll.
    Output,
    /// A transaction timer of RFC 3261 §17 (A, B, D … L).
    Transaction,
    /// A connection attempt, a keep-alive or its answer, a back-off.
    Flow,
    /// A registration refresh or retry.
    Registration,
    /// A call's own timer: no answer, missing ACK, glare, media path, transfer.
    Session,
}

/// A timer that is set, one of those that [`Phone::deadline`](crate::Phone::deadline) is the first of. For logs and drawings.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PendingTimer {
    /// When it is due.
    pub at: Instant,
    /// What kind it is.
    pub kind: DeadlineKind,
    /// The machine that waits for it; `None` for a connection, which has no name while there is none.
    pub machine: Option<Machine>,
    /// Which of the machine's timers it is: a letter of RFC 3261 §17 or RFC 6026, or a word.
    pub name: &'static str,
}
