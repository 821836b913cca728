//! The phases of a run.

use std::time::Duration;

/// A phase of a run.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Steps are executed and faults are active.
    Faults,
    /// All faults are healed; registrations and calls must recover.
    Recovery,
    /// All users hung up; all transactions must end.
    Drain,
    /// The run is over.
    Done,
}

impl Phase {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Faults => "faults",
            Phase::Recovery => "recovery",
            Phase::Drain => "drain",
            Phase::Done => "done",
        }
    }
}

/// The lengths of the phases of a run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PhaseLengths {
    /// Steps are executed and faults are active.
    pub faults: Duration,
    /// All faults are healed; registrations and calls must recover.
    pub recovery: Duration,
    /// All users hang up; all transactions must end.
    pub drain: Duration,
}

impl Default for PhaseLengths {
    /// The recovery takes the longest back-off of a registration (60 s and jitter), the longest `Retry-After`, a keep-alive that
    /// detects a dead connection (35 s) and a transaction (64·T1). The drain takes two transactions: an unanswered BYE and its 2xx.
    fn default() -> Self {
        Self {
            faults: Duration::from_secs(60),
            recovery: Duration::from_secs(240),
            drain: Duration::from_secs(120),
        }
    }
}

impl PhaseLengths {
    /// The total length.
    pub fn total(&self) -> Duration {
        self.faults + self.recovery + self.drain
    }
}
