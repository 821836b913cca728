//! What goes wrong, and the words for it.

use std::fmt;
use std::time::Duration;

use super::read::number;
use super::{ClockStep, ExchangeTrouble, Harm, Scenario, Seconds, Stillness, StreamTrouble, parse_duration};

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

    pub(super) fn describe(&self, scenario: &Scenario) -> String {
        let name = |phone: &usize| &scenario.phones[*phone].name;
        match self {
            Fault::Drop { phone } => format!("{} loses its connection", name(phone)),
            Fault::Rot { phone } => format!("{} loses its connection silently", name(phone)),
            Fault::Cut { phone, way, lasting } => {
                format!("{} is cut off {way} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Stream { phone, trouble } => format!("{} {trouble}", name(phone)),
            Fault::Part { phone, exchange, way, lasting } => {
                let away = match way {
                    Way::Up => "cannot reach",
                    Way::Down => "cannot hear",
                    Way::Both => "is parted from",
                };
                let lasting = lasting.map_or("ever".to_owned(), |lasting| Seconds(lasting).to_string());
                format!("{} {away} {} for {lasting}", name(phone), scenario.exchanges[*exchange].name)
            }
            Fault::Rebinds { phone } => format!("{} gets another port", name(phone)),
            Fault::Tampered { phone, harm, share, way, lasting } => {
                format!("{} suffers {harm} of {share} {way} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Rest { phone, how, lasting } => {
                format!("{} {how} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Steps { phone, step } => format!("{} sets its clock {step}", name(phone)),
            Fault::Exchange { exchange, trouble } => {
                format!("{} {trouble}", scenario.exchanges[*exchange].name)
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
            return ExchangeTrouble::read(words).map(|trouble| Some(Fault::Exchange { exchange, trouble }));
        }
        let Some(phone) = scenario.phone(name) else { return Ok(None) };
        let (way, exchange, lasting) = match words {
            ["cannot", "reach", exchange, "for", lasting] => (Way::Up, exchange, lasting),
            ["cannot", "hear", exchange, "for", lasting] => (Way::Down, exchange, lasting),
            ["is", "parted", "from", exchange, "for", lasting] => (Way::Both, exchange, lasting),
            _ => return read_of_phone(phone, words),
        };
        let exchange = scenario.exchange(exchange).ok_or_else(|| format!("no exchange `{exchange}`"))?;
        let lasting = if *lasting == "ever" { None } else { Some(parse_duration(lasting)?) };
        Ok(Some(Fault::Part { phone, exchange, way, lasting }))
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
                ["deaf", "media"] => MediaTrouble::Deaf,
                ["noisy", "media"] => MediaTrouble::Noisy,
                ["rebound", "media"] => MediaTrouble::Rebound,
                _ => return Err("`slow media of …`, or what `media`?".to_owned()),
            };
            Fault::Media { phone, trouble, lasting: parse_duration(lasting)? }
        }
        ["gets", "another", "port"] => Fault::Rebinds { phone },
        ["suffers", harm, "of", share, way @ .., "for", lasting] => Fault::Tampered {
            phone,
            harm: Harm::read(harm)?,
            share: number(share)?,
            way: Way::read(way)?,
            lasting: parse_duration(lasting)?,
        },
        ["freezes", "for", lasting] => rest(phone, Stillness::Frozen, lasting)?,
        ["sleeps", "for", lasting] => rest(phone, Stillness::Asleep, lasting)?,
        ["sleeps", "without", "counting", "for", lasting] => rest(phone, Stillness::Timeless, lasting)?,
        ["sets", "its", "clock", words @ ..] => Fault::Steps { phone, step: ClockStep::read(words)? },
        ["dies"] => Fault::Die { phone },
        _ => return Ok(None),
    }))
}

fn rest(phone: usize, how: Stillness, lasting: &str) -> Result<Fault, String> {
    Ok(Fault::Rest { phone, how, lasting: parse_duration(lasting)? })
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
            MediaTrouble::Deaf => write!(f, "deaf media"),
            MediaTrouble::Noisy => write!(f, "noisy media"),
            MediaTrouble::Rebound => write!(f, "rebound media"),
        }
    }
}
