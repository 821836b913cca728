//! What goes wrong in exchanges and with clocks, and the words for it.

use std::fmt;
use std::time::Duration;

use offhook_exchange::Memory;

use super::{Seconds, parse_duration};

/// What is wrong with an exchange.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ExchangeTrouble {
    /// It stops, and comes back with all forgotten.
    Crashes {
        /// How long it is away.
        lasting: Duration,
    },
    /// It stops, and never comes back.
    Dies,
    /// It goes on, and has lost a part of its memory.
    Forgets(Memory),
    /// It is overloaded: it refuses with 503 what belongs to no dialog.
    Refuses {
        /// The `Retry-After` of its refusals.
        retry_after: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// Its registrar says 200 and keeps no binding.
    GrantsNothing {
        /// For how long.
        lasting: Duration,
    },
    /// Its registrar takes no shorter registrations than these.
    MinExpires {
        /// How long.
        least: Duration,
        /// For how long.
        lasting: Duration,
    },
    /// Everything that comes to it waits before it is looked at.
    Lags {
        /// How long.
        by: Duration,
        /// Until when it does.
        lasting: Duration,
    },
    /// It does nothing, and then all at once.
    Freezes {
        /// For how long.
        lasting: Duration,
    },
    /// Each nonce is stale before it can be used, as where one of several servers gives it out and another one looks at it.
    StaleNonces {
        /// For how long.
        lasting: Duration,
    },
    /// Its clock is set.
    SetClock(ClockStep),
}

/// A clock is set.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// By so much.
    Forward(Duration),
    /// By so much.
    Back(Duration),
}

/// How a phone stands still.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SuspensionKind {
    /// Its process does nothing. What arrives waits for it.
    Frozen,
    /// Its whole machine sleeps. Nothing arrives; its connections look up when it wakes.
    Asleep,
    /// The same, and when it wakes its clock does not know that it slept.
    AsleepClockStopped,
}

impl ExchangeTrouble {
    /// How long it lasts.
    pub(super) fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::Crashes { lasting }
            | Self::Refuses { lasting, .. }
            | Self::GrantsNothing { lasting }
            | Self::MinExpires { lasting, .. }
            | Self::Lags { lasting, .. }
            | Self::Freezes { lasting }
            | Self::StaleNonces { lasting } => Some(lasting),
            Self::Dies | Self::Forgets(_) | Self::SetClock(_) => None,
        }
    }

    /// How strong it is.
    pub(super) fn strength_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::Refuses { retry_after: by, .. }
            | Self::MinExpires { least: by, .. }
            | Self::Lags { by, .. } => Some(by),
            Self::SetClock(step) => Some(step.by_mut()),
            Self::Crashes { .. }
            | Self::Dies
            | Self::Forgets(_)
            | Self::GrantsNothing { .. }
            | Self::Freezes { .. }
            | Self::StaleNonces { .. } => None,
        }
    }

    /// Reads what was written after the name.
    pub(super) fn read(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["crashes", "for", lasting] => Self::Crashes { lasting: parse_duration(lasting)? },
            ["dies"] => Self::Dies,
            ["forgets", "its", what] => Self::Forgets(match *what {
                "bindings" => Memory::Bindings,
                "nonces" => Memory::Nonces,
                "transactions" => Memory::Transactions,
                _ => return Err("forgets its `bindings`, `nonces` or `transactions`?".to_owned()),
            }),
            ["is", "overloaded", "for", lasting, "and", "says", "to", "come", "back", "after", after] => {
                Self::Refuses { retry_after: parse_duration(after)?, lasting: parse_duration(lasting)? }
            }
            ["grants", "no", "bindings", "for", lasting] => {
                Self::GrantsNothing { lasting: parse_duration(lasting)? }
            }
            ["wants", "bindings", "of", least, "for", lasting] => {
                Self::MinExpires { least: parse_duration(least)?, lasting: parse_duration(lasting)? }
            }
            ["lags", "by", by, "for", lasting] => {
                Self::Lags { by: parse_duration(by)?, lasting: parse_duration(lasting)? }
            }
            ["freezes", "for", lasting] => Self::Freezes { lasting: parse_duration(lasting)? },
            ["finds", "each", "nonce", "stale", "for", lasting] => {
                Self::StaleNonces { lasting: parse_duration(lasting)? }
            }
            ["sets", "its", "clock", rest @ ..] => Self::SetClock(ClockStep::read(rest)?),
            _ => return Err(format!("no exchange `{}`", words.join(" "))),
        })
    }
}

impl fmt::Display for ExchangeTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashes { lasting } => write!(f, "crashes for {}", Seconds(*lasting)),
            Self::Dies => write!(f, "dies"),
            Self::Forgets(Memory::Bindings) => write!(f, "forgets its bindings"),
            Self::Forgets(Memory::Nonces) => write!(f, "forgets its nonces"),
            Self::Forgets(Memory::Transactions) => write!(f, "forgets its transactions"),
            Self::Refuses { retry_after, lasting } => {
                let (lasting, after) = (Seconds(*lasting), Seconds(*retry_after));
                write!(f, "is overloaded for {lasting} and says to come back after {after}")
            }
            Self::GrantsNothing { lasting } => write!(f, "grants no bindings for {}", Seconds(*lasting)),
            Self::MinExpires { least, lasting } => {
                write!(f, "wants bindings of {} for {}", Seconds(*least), Seconds(*lasting))
            }
            Self::Lags { by, lasting } => write!(f, "lags by {} for {}", Seconds(*by), Seconds(*lasting)),
            Self::Freezes { lasting } => write!(f, "freezes for {}", Seconds(*lasting)),
            Self::StaleNonces { lasting } => write!(f, "finds each nonce stale for {}", Seconds(*lasting)),
            Self::SetClock(step) => write!(f, "sets its clock {step}"),
        }
    }
}

impl ClockStep {
    pub(super) fn by_mut(&mut self) -> &mut Duration {
        match self {
            Self::Forward(by) | Self::Back(by) => by,
        }
    }

    pub(super) fn read(words: &[&str]) -> Result<Self, String> {
        match words {
            ["forward", "by", by] => Ok(Self::Forward(parse_duration(by)?)),
            ["back", "by", by] => Ok(Self::Back(parse_duration(by)?)),
            _ => Err("sets its clock `forward by …` or `back by …`?".to_owned()),
        }
    }
}

impl fmt::Display for ClockStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(by) => write!(f, "forward by {}", Seconds(*by)),
            Self::Back(by) => write!(f, "back by {}", Seconds(*by)),
        }
    }
}

impl fmt::Display for SuspensionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frozen => "freezes",
            Self::Asleep => "sleeps",
            Self::AsleepClockStopped => "sleeps without counting",
        })
    }
}
