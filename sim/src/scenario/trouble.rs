//! Faults of exchanges and clocks, and their text.

use std::fmt;
use std::time::Duration;

use offhook_exchange::Memory;

use super::{Seconds, parse_duration};

/// A fault of an exchange.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ExchangeTrouble {
    /// It crashes and restarts with empty state.
    Crashes {
        /// The time until the restart.
        lasting: Duration,
    },
    /// It is permanently off.
    Dies,
    /// It loses a part of its state.
    Forgets(Memory),
    /// It is overloaded: it refuses out-of-dialog requests with 503.
    Refuses {
        /// The `Retry-After` of the refusals.
        retry_after: Duration,
        /// The duration.
        lasting: Duration,
    },
    /// Its registrar answers 200 with expires=0.
    GrantsNothing {
        /// The duration.
        lasting: Duration,
    },
    /// Its registrar has this Min-Expires.
    MinExpires {
        /// The Min-Expires.
        least: Duration,
        /// The duration.
        lasting: Duration,
    },
    /// Each message waits before it is handled.
    Lags {
        /// The delay.
        by: Duration,
        /// The duration.
        lasting: Duration,
    },
    /// It is frozen; messages wait.
    Freezes {
        /// The duration.
        lasting: Duration,
    },
    /// Each nonce is stale when it is used, as with several servers that do not share nonces.
    StaleNonces {
        /// The duration.
        lasting: Duration,
    },
    /// Its clock is set.
    SetClock(ClockStep),
}

/// A change of a clock.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ClockStep {
    /// Forward by this time.
    Forward(Duration),
    /// Back by this time.
    Back(Duration),
}

/// How a phone is suspended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SuspensionKind {
    /// Its process is frozen; messages wait.
    Frozen,
    /// Its host sleeps: nothing arrives, and connections resume on wake-up.
    Asleep,
    /// Its host sleeps, and its clock stops.
    AsleepClockStopped,
}

impl ExchangeTrouble {
    /// The duration.
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

    /// The strength.
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

    /// Parses the words after the name.
    pub(super) fn read(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["crashes", "for", lasting] => Self::Crashes { lasting: parse_duration(lasting)? },
            ["dies"] => Self::Dies,
            ["forgets", "its", what] => Self::Forgets(match *what {
                "bindings" => Memory::Bindings,
                "nonces" => Memory::Nonces,
                "transactions" => Memory::Transactions,
                _ => return Err("expected `forgets its` `bindings`, `nonces` or `transactions`".to_owned()),
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
            _ => return Err(format!("unknown fault of an exchange `{}`", words.join(" "))),
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
            _ => Err("expected `sets its clock` `forward by …` or `back by …`".to_owned()),
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
