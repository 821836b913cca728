use crate::base::name::Machine;
use offhook_wire::Instant;
use std::fmt;

/// One line of the trace of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Which machine it is about; `None`: the phone as a whole.
    pub machine: Option<Machine>,
    /// What happened.
    pub what: Traced,
}

/// What a line of the trace says.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// The machine went from one state to another, or stayed in its state for a cause that its table names.
    Transition {
        /// The state before.
        from: &'static str,
        /// The cause.
        cause: &'static str,
        /// The state after.
        to: &'static str,
    },
    /// A decision that is rare enough to be worth a line, in words.
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
            Traced::Transition { from, cause, to } => write!(f, "{from} --{cause}--> {to}"),
            Traced::Mark(words) => f.write_str(words),
        }
    }
}
