//! The phases of a run.

use std::time::Duration;

/// How far a run is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Steps are taken and faults are at work.
    Faults,
    /// The networks are healed; what was promised must come about.
    Recovery,
    /// Everybody hung up; all must become quiet.
    Drain,
    /// Over.
    Done,
}

impl Phase {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Faults => "storm",
            Phase::Recovery => "settle",
            Phase::Drain => "quiesce",
            Phase::Done => "done",
        }
    }
}

/// The phases of a run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PhaseLengths {
    /// Steps are taken and faults are at work.
    pub faults: Duration,
    /// The networks are healed, nobody does anything new: what was promised must come about.
    pub recovery: Duration,
    /// Everybody hangs up, and then all must be quiet.
    pub drain: Duration,
}

impl Default for PhaseLengths {
    /// The storm is what the scenario says. Settling takes the longest back-off of a registration (60 s and its
    /// jitter), the longest `Retry-After`, a keep-alive that finds a dead connection (35 s) and a transaction
    /// (64·T1). Quiescing takes two transactions, one for the BYE that nobody answers and one for its 2xx.
    fn default() -> Self {
        Self {
            faults: Duration::from_secs(60),
            recovery: Duration::from_secs(240),
            drain: Duration::from_secs(120),
        }
    }
}

impl PhaseLengths {
    /// From the start to the end.
    pub fn total(&self) -> Duration {
        self.faults + self.recovery + self.drain
    }
}
