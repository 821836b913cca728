use crate::base::name::Machine;
use offhook_wire::Instant;

/// When to wake the phone with [`Input::Wake`](crate::Input::Wake), and why.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The time. It may be in the past: then wake the phone now.
    pub at: Instant,
    /// What is due, for logs.
    pub kind: DeadlineKind,
}

/// Why a phone is to be woken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeadlineKind {
    /// Output is queued: poll.
    Output,
    /// A transaction timer of RFC 3261 §17 (A, B, D … L).
    Transaction,
    /// A connection attempt, a keep-alive or its answer, a back-off.
    Connection,
    /// A registration refresh or retry.
    Registration,
    /// A call's own timer: no answer, missing ACK, glare, media path, transfer.
    Session,
    /// The limit of the time that a request outside of a dialog waits for credentials.
    Request,
}

/// A pending timer, for logs and diagrams. [`Phone::deadline`](crate::Phone::deadline) is the earliest of them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PendingTimer {
    /// When it is due.
    pub at: Instant,
    /// What kind it is.
    pub kind: DeadlineKind,
    /// The machine that set it; `None` for the timers of a connection, which has no identifier between two attempts.
    pub machine: Option<Machine>,
    /// Which of the machine's timers it is: a letter of RFC 3261 §17 or RFC 6026, or a name.
    pub name: &'static str,
}
