//! What goes wrong, and the words for it.

use std::fmt;
use std::time::Duration;

use super::{Scenario, Seconds, StreamTrouble, parse_duration};

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
    /// An exchange stops, and comes back with all forgotten.
    Crash {
        /// Which exchange, by its place in the scenario.
        exchange: usize,
        /// How long it is away.
        lasting: Duration,
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

/// Which way a network is cut.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing comes from the network to the phone.
    Down,
    /// Nothing goes from the phone to the network.
    Up,
    /// Nothing passes at all.
    Both,
}

impl Way {
    /// The directions that it means, as places: up is 0, down is 1.
    pub(crate) fn directions(self) -> impl Iterator<Item = usize> {
        match self {
            Way::Up => 0..1,
            Way::Down => 1..2,
            Way::Both => 0..2,
        }
    }

    pub(super) fn read(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["from", "the", "network"] => Way::Down,
            ["to", "the", "network"] => Way::Up,
            ["both", "ways"] => Way::Both,
            _ => return Err("`from the network`, `to the network` or `both ways`?".to_owned()),
        })
    }
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
}

impl Fault {
    /// The phone that suffers it, if it is one phone's.
    pub fn phone_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Drop { phone }
            | Fault::Rot { phone }
            | Fault::Cut { phone, .. }
            | Fault::Stream { phone, .. }
            | Fault::Media { phone, .. }
            | Fault::Die { phone } => Some(phone),
            Fault::Crash { .. } => None,
        }
    }

    /// The exchange that has to do with it.
    pub fn exchange_mut(&mut self) -> Option<&mut usize> {
        match self {
            Fault::Crash { exchange, .. } => Some(exchange),
            _ => None,
        }
    }

    /// How long it lasts.
    pub fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Fault::Cut { lasting, .. } | Fault::Crash { lasting, .. } | Fault::Media { lasting, .. } => {
                Some(lasting)
            }
            Fault::Stream { trouble, .. } => trouble.lasting_mut(),
            Fault::Drop { .. } | Fault::Rot { .. } | Fault::Die { .. } => None,
        }
    }

    pub(super) fn describe(&self, scenario: &Scenario) -> String {
        let name = |phone: &usize| &scenario.phones[*phone].name;
        match self {
            Fault::Drop { phone } => format!("{} loses its connection", name(phone)),
            Fault::Rot { phone } => format!("{} loses its connection silently", name(phone)),
            Fault::Cut { phone, way, lasting } => {
                format!("{} is cut off {way} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Stream { phone, trouble } => format!("{} {trouble}", name(phone)),
            Fault::Crash { exchange, lasting } => {
                format!("{} crashes for {}", scenario.exchanges[*exchange].name, Seconds(*lasting))
            }
            Fault::Media { phone, trouble, lasting } => {
                format!("{} has {trouble} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Die { phone } => format!("{} dies", name(phone)),
        }
    }

    /// Reads what [`Fault::describe`] wrote after the name. `None` when it is no fault, but perhaps a deed.
    pub(super) fn read(scenario: &Scenario, name: &str, words: &[&str]) -> Result<Option<Self>, String> {
        if let Some(exchange) = scenario.exchange(name) {
            return read_of_exchange(exchange, words).map(Some);
        }
        match scenario.phone(name) {
            Some(phone) => read_of_phone(phone, words),
            None => Ok(None),
        }
    }
}

fn read_of_exchange(exchange: usize, words: &[&str]) -> Result<Fault, String> {
    match words {
        ["crashes", "for", lasting] => Ok(Fault::Crash { exchange, lasting: parse_duration(lasting)? }),
        _ => Err("an exchange can only crash".to_owned()),
    }
}

fn read_of_phone(phone: usize, words: &[&str]) -> Result<Option<Fault>, String> {
    if let Some(trouble) = StreamTrouble::read(words) {
        return Ok(Some(Fault::Stream { phone, trouble: trouble? }));
    }
    Ok(Some(match words {
        ["loses", "its", "connection"] => Fault::Drop { phone },
        ["loses", "its", "connection", "silently"] => Fault::Rot { phone },
        ["is", "cut", "off", way @ .., "for", lasting] => {
            Fault::Cut { phone, way: Way::read(way)?, lasting: parse_duration(lasting)? }
        }
        ["has", trouble @ .., "for", lasting] => {
            let trouble = match trouble {
                ["slow", "media", "of", by] => MediaTrouble::Slow(parse_duration(by)?),
                ["broken", "media"] => MediaTrouble::Broken,
                ["pathless", "media"] => MediaTrouble::Pathless,
                _ => return Err("`slow media of …`, `broken media` or `pathless media`?".to_owned()),
            };
            Fault::Media { phone, trouble, lasting: parse_duration(lasting)? }
        }
        ["dies"] => Fault::Die { phone },
        _ => return Ok(None),
    }))
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Down => "from the network",
            Way::Up => "to the network",
            Way::Both => "both ways",
        })
    }
}

impl fmt::Display for MediaTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MediaTrouble::Slow(by) => write!(f, "slow media of {}", Seconds(*by)),
            MediaTrouble::Broken => write!(f, "broken media"),
            MediaTrouble::Pathless => write!(f, "pathless media"),
        }
    }
}
