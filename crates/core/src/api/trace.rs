use crate::base::name::Machine;
use offhook_wire::Instant;
use std::fmt;

/// One line of the trace of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The time.
    pub at: Instant,
    /// The machine; `None`: the phone as a whole.
    pub machine: Option<Machine>,
    /// What happened.
    pub what: Traced,
}

/// The content of a line of the trace.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// A transition of the machine, possibly to the same state.
    Transition {
        /// The state before.
        from: &'static str,
        /// The trigger.
        trigger: &'static str,
        /// The state after.
        to: &'static str,
    },
    /// A mark: a rare decision, described in words.
    Mark(&'static str),
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, machine, what } = self;
        let micros = at.as_nanos() / 1000;
        write!(f, "{:>6}.{:06} ", micros / 1_000_000, micros % 1_000_000)?;
        if let Some(machine) = machine {
            write!(f, "{machine}: ")?;
        }
        match what {
            Traced::Transition { from, trigger, to } => write!(f, "{from} --{trigger}--> {to}"),
            Traced::Mark(words) => f.write_str(words),
        }
    }
}
