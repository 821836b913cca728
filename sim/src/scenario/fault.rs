//! What goes wrong, and the words for it.

use std::fmt;
use std::time::Duration;

use super::{ClockStep, ExchangeTrouble, Harm, Seconds, Stillness, StreamTrouble, Way};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A phone's connection is reset; both ends are told.
    Drop {
        /// Which phone.
        phone: usize,
    },
    /// A phone's connection is dead, and nobody is told.
    Rot {
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
    Part {
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
    Rebinds {
        /// Which phone.
        phone: usize,
    },
    /// A middlebox breaks some of a phone's messages.
    Tampered {
        /// Which phone.
        phone: usize,
        /// What it does to them.
        harm: Harm,
        /// To how many of a thousand.
        share: u16,
        /// Those that go which way.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// A phone stands still.
    Rest {
        /// Which phone.
        phone: usize,
        /// How.
        how: Stillness,
        /// For how long.
        lasting: Duration,
    },
    /// A phone's clock is set.
    Steps {
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
    Pathless,
    /// Nothing that it is asked for is ever answered.
    Deaf,
    /// Strangers send it things. Only real media hears them.
    Noisy,
    /// Others see it at another address, and at yet another when it is over. Only real media has addresses.
    Rebound,
}

impl Fault {
    /// The phone that suffers it, if it is one phone's.
    pub fn phone_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Drop { phone }
            | Fault::Rot { phone }
            | Fault::Cut { phone, .. }
            | Fault::Stream { phone, .. }
            | Fault::Part { phone, .. }
            | Fault::Rest { phone, .. }
            | Fault::Rebinds { phone }
            | Fault::Tampered { phone, .. }
            | Fault::Steps { phone, .. }
            | Fault::Media { phone, .. }
            | Fault::Die { phone } => Some(phone),
            Fault::Exchange { .. } => None,
        }
    }

    /// The exchange that has to do with it.
    pub fn exchange_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Exchange { exchange, .. } | Fault::Part { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// How long it lasts, if it passes.
    pub fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Fault::Cut { lasting, .. } | Fault::Media { lasting, .. } | Fault::Rest { lasting, .. } => {
                Some(lasting)
            }
            Fault::Part { lasting, .. } => lasting.as_mut(),
            Fault::Tampered { lasting, .. } => Some(lasting),
            Fault::Stream { trouble, .. } => trouble.lasting_mut(),
            Fault::Exchange { trouble, .. } => trouble.lasting_mut(),
            Fault::Drop { .. }
            | Fault::Rot { .. }
            | Fault::Rebinds { .. }
            | Fault::Steps { .. }
            | Fault::Die { .. } => None,
        }
    }

    /// How strong it is, where that is a time.
    pub fn strength_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Fault::Media { trouble: MediaTrouble::Slow(by), .. } => Some(by),
            Fault::Steps { step, .. } => Some(step.by_mut()),
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
            MediaTrouble::Pathless => write!(f, "pathless media"),
            MediaTrouble::Deaf => write!(f, "deaf media"),
            MediaTrouble::Noisy => write!(f, "noisy media"),
            MediaTrouble::Rebound => write!(f, "rebound media"),
        }
    }
}
