//! What goes wrong, and the words for it.

use std::fmt;
use std::time::Duration;

use super::{ClockStep, Corruption, ExchangeTrouble, Seconds, StreamTrouble, SuspensionKind, Way};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A phone's connection is reset; both ends are told.
    Reset {
        /// Which phone.
        phone: usize,
    },
    /// A phone's connection is dead, and nobody is told.
    DropSilently {
        /// Which phone.
        phone: usize,
    },
    /// A phone's network is cut. Streams stall, datagrams are lost, nothing can be connected.
    Cut {
        /// Which phone.
        phone: usize,
        /// What no longer passes.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// Something is wrong with a phone's stream.
    Stream {
        /// Which phone.
        phone: usize,
        /// What.
        trouble: StreamTrouble,
    },
    /// One phone and one exchange do not reach each other.
    Partition {
        /// Which phone.
        phone: usize,
        /// Which exchange, by its place in the scenario.
        exchange: usize,
        /// What no longer passes.
        way: Way,
        /// For how long; `None`: for ever.
        lasting: Option<Duration>,
    },
    /// A translator of addresses gives a phone's datagrams another port. What is sent to the old one is lost.
    Rebind {
        /// Which phone.
        phone: usize,
    },
    /// A middlebox breaks some of a phone's messages.
    Tamper {
        /// Which phone.
        phone: usize,
        /// What it does to them.
        corruption: Corruption,
        /// To how many of a thousand.
        share: u16,
        /// Those that go which way.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// A phone stands still.
    Suspend {
        /// Which phone.
        phone: usize,
        /// How.
        how: SuspensionKind,
        /// For how long.
        lasting: Duration,
    },
    /// A phone's clock is set.
    SetClock {
        /// Which phone.
        phone: usize,
        /// How.
        step: ClockStep,
    },
    /// An exchange has trouble.
    Exchange {
        /// Which one, by its place in the scenario.
        exchange: usize,
        /// What trouble.
        trouble: ExchangeTrouble,
    },
    /// A phone's media engine has trouble.
    Media {
        /// Which phone.
        phone: usize,
        /// What trouble.
        trouble: MediaTrouble,
        /// For how long.
        lasting: Duration,
    },
    /// A phone is gone for ever, and its network with it. It is not healed.
    Die {
        /// Which phone.
        phone: usize,
    },
}

/// What is wrong with a phone's media engine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MediaTrouble {
    /// Every effect takes so long.
    Slow(Duration),
    /// Every effect fails.
    Broken,
    /// No path comes up.
    NoPath,
    /// Nothing that it is asked for is ever answered.
    Unresponsive,
    /// Strangers send it things. Only real media hears them.
    StrayDatagrams,
    /// Others see it at another address, and at yet another when it is over. Only real media has addresses.
    Rebound,
}

impl Fault {
    /// The phone that suffers it, if it is one phone's.
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

    /// The exchange that has to do with it.
    pub fn exchange_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Exchange { exchange, .. } | Fault::Partition { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// How long it lasts, if it passes.
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

    /// How strong it is, where that is a time.
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
