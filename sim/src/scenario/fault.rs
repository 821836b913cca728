//! Faults.

use std::fmt;
use std::time::Duration;

use super::{ClockStep, Corruption, ExchangeTrouble, Seconds, StreamTrouble, SuspensionKind, Way};

/// A fault of a phone, its network, its media or an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection of a phone is reset; both ends are notified.
    Reset {
        /// The phone.
        phone: usize,
    },
    /// The connection of a phone is dead; neither end is notified.
    DropSilently {
        /// The phone.
        phone: usize,
    },
    /// The network of a phone is cut: streams stall, datagrams are lost, connection attempts time out.
    Cut {
        /// The phone.
        phone: usize,
        /// The direction.
        way: Way,
        /// The duration.
        lasting: Duration,
    },
    /// A fault of the stream of a phone.
    Stream {
        /// The phone.
        phone: usize,
        /// The fault.
        trouble: StreamTrouble,
    },
    /// The network between a phone and an exchange is cut.
    Partition {
        /// The phone.
        phone: usize,
        /// The exchange, by its index in the scenario.
        exchange: usize,
        /// The direction.
        way: Way,
        /// The duration; `None`: permanently.
        lasting: Option<Duration>,
    },
    /// The NAT of a phone assigns another port. Datagrams to the old port are lost.
    Rebind {
        /// The phone.
        phone: usize,
    },
    /// A middlebox corrupts messages of a phone.
    Tamper {
        /// The phone.
        phone: usize,
        /// The corruption.
        corruption: Corruption,
        /// The share of messages, in thousandths.
        share: u16,
        /// The direction.
        way: Way,
        /// The duration.
        lasting: Duration,
    },
    /// A phone is suspended.
    Suspend {
        /// The phone.
        phone: usize,
        /// The kind.
        how: SuspensionKind,
        /// The duration.
        lasting: Duration,
    },
    /// The clock of a phone is set.
    SetClock {
        /// The phone.
        phone: usize,
        /// The change.
        step: ClockStep,
    },
    /// A fault of an exchange.
    Exchange {
        /// The exchange, by its index in the scenario.
        exchange: usize,
        /// The fault.
        trouble: ExchangeTrouble,
    },
    /// A fault of the media engine of a phone.
    Media {
        /// The phone.
        phone: usize,
        /// The fault.
        trouble: MediaTrouble,
        /// The duration.
        lasting: Duration,
    },
    /// A phone is permanently off. It is not healed.
    Die {
        /// The phone.
        phone: usize,
    },
}

/// A fault of a media engine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MediaTrouble {
    /// Each effect takes this time.
    Slow(Duration),
    /// Each effect fails.
    Broken,
    /// No media path comes up.
    NoPath,
    /// No effect is ever finished.
    Unresponsive,
    /// Third parties send it datagrams. With real media only.
    StrayDatagrams,
    /// Its NAT rebinds, and again when the fault ends. With real media only.
    Rebound,
}

impl Fault {
    /// The affected phone.
    pub fn phone_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Reset { phone }
            | Fault::DropSilently { phone }
            | Fault::Cut { phone, .. }
            | Fault::Stream { phone, .. }
            | Fault::Partition { phone, .. }
            | Fault::Suspend { phone, .. }
            | Fault::Rebind { phone }
            | Fault::Tamper { phone, .. }
            | Fault::SetClock { phone, .. }
            | Fault::Media { phone, .. }
            | Fault::Die { phone } => Some(phone),
            Fault::Exchange { .. } => None,
        }
    }

    /// The affected exchange.
    pub fn exchange_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Exchange { exchange, .. } | Fault::Partition { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// The duration, unless it is permanent or momentary.
    pub fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Fault::Cut { lasting, .. } | Fault::Media { lasting, .. } | Fault::Suspend { lasting, .. } => {
                Some(lasting)
            }
            Fault::Partition { lasting, .. } => lasting.as_mut(),
            Fault::Tamper { lasting, .. } => Some(lasting),
            Fault::Stream { trouble, .. } => trouble.lasting_mut(),
            Fault::Exchange { trouble, .. } => trouble.lasting_mut(),
            Fault::Reset { .. }
            | Fault::DropSilently { .. }
            | Fault::Rebind { .. }
            | Fault::SetClock { .. }
            | Fault::Die { .. } => None,
        }
    }

    /// The strength, if that is a duration.
    pub fn strength_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Fault::Media { trouble: MediaTrouble::Slow(by), .. } => Some(by),
            Fault::SetClock { step, .. } => Some(step.by_mut()),
            Fault::Exchange { trouble, .. } => trouble.strength_mut(),
            _ => None,
        }
    }
}

impl fmt::Display for MediaTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MediaTrouble::Slow(by) => write!(f, "slow media of {}", Seconds(*by)),
            MediaTrouble::Broken => write!(f, "broken media"),
            MediaTrouble::NoPath => write!(f, "pathless media"),
            MediaTrouble::Unresponsive => write!(f, "deaf media"),
            MediaTrouble::StrayDatagrams => write!(f, "noisy media"),
            MediaTrouble::Rebound => write!(f, "rebound media"),
        }
    }
}
