//! The text of faults.

use super::value::number;
use super::{
    ClockStep, Corruption, ExchangeTrouble, Fault, MediaTrouble, Scenario, Seconds, StreamTrouble,
    SuspensionKind, Way, parse_duration,
};

impl Fault {
    pub(super) fn describe(&self, scenario: &Scenario) -> String {
        let name = |phone: &usize| &scenario.phones[*phone].name;
        match self {
            Fault::Reset { phone } => format!("{} loses its connection", name(phone)),
            Fault::DropSilently { phone } => format!("{} loses its connection silently", name(phone)),
            Fault::Cut { phone, way, lasting } => {
                format!("{} is cut off {way} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Stream { phone, trouble } => format!("{} {trouble}", name(phone)),
            Fault::Partition { phone, exchange, way, lasting } => {
                let away = match way {
                    Way::Up => "cannot reach",
                    Way::Down => "cannot hear",
                    Way::Both => "is parted from",
                };
                let lasting = lasting.map_or("ever".to_owned(), |lasting| Seconds(lasting).to_string());
                format!("{} {away} {} for {lasting}", name(phone), scenario.exchanges[*exchange].name)
            }
            Fault::Rebind { phone } => format!("{} gets another port", name(phone)),
            Fault::Tamper { phone, corruption, share, way, lasting } => {
                format!("{} suffers {corruption} of {share} {way} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Suspend { phone, how, lasting } => {
                format!("{} {how} for {}", name(phone), Seconds(*lasting))
            }
            Fault::SetClock { phone, step } => format!("{} sets its clock {step}", name(phone)),
            Fault::Exchange { exchange, trouble } => {
                format!("{} {trouble}", scenario.exchanges[*exchange].name)
            }
            Fault::Media { phone, trouble, lasting } => {
                format!("{} has {trouble} for {}", name(phone), Seconds(*lasting))
            }
            Fault::Die { phone } => format!("{} dies", name(phone)),
        }
    }

    /// Parses the words after the name, as [`Fault::describe`] writes them. `None` if they may be a user action.
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
        let exchange = scenario.exchange(exchange).ok_or_else(|| format!("unknown exchange `{exchange}`"))?;
        let lasting = if *lasting == "ever" { None } else { Some(parse_duration(lasting)?) };
        Ok(Some(Fault::Partition { phone, exchange, way, lasting }))
    }
}

fn read_of_phone(phone: usize, words: &[&str]) -> Result<Option<Fault>, String> {
    if let Some(trouble) = StreamTrouble::read(words) {
        return Ok(Some(Fault::Stream { phone, trouble: trouble? }));
    }
    Ok(Some(match words {
        ["loses", "its", "connection"] => Fault::Reset { phone },
        ["loses", "its", "connection", "silently"] => Fault::DropSilently { phone },
        ["is", "cut", "off", way @ .., "for", lasting] => {
            Fault::Cut { phone, way: Way::read(way)?, lasting: parse_duration(lasting)? }
        }
        ["has", trouble @ .., "for", lasting] => {
            let trouble = match trouble {
                ["slow", "media", "of", by] => MediaTrouble::Slow(parse_duration(by)?),
                ["broken", "media"] => MediaTrouble::Broken,
                ["pathless", "media"] => MediaTrouble::NoPath,
                ["deaf", "media"] => MediaTrouble::Unresponsive,
                ["noisy", "media"] => MediaTrouble::StrayDatagrams,
                ["rebound", "media"] => MediaTrouble::Rebound,
                _ => return Err("expected `slow media of …`, or `broken`, `pathless`, `deaf`, `noisy` or `rebound` `media`".to_owned()),
            };
            Fault::Media { phone, trouble, lasting: parse_duration(lasting)? }
        }
        ["gets", "another", "port"] => Fault::Rebind { phone },
        ["suffers", corruption, "of", share, way @ .., "for", lasting] => Fault::Tamper {
            phone,
            corruption: Corruption::read(corruption)?,
            share: number(share)?,
            way: Way::read(way)?,
            lasting: parse_duration(lasting)?,
        },
        ["freezes", "for", lasting] => rest(phone, SuspensionKind::Frozen, lasting)?,
        ["sleeps", "for", lasting] => rest(phone, SuspensionKind::Asleep, lasting)?,
        ["sleeps", "without", "counting", "for", lasting] => {
            rest(phone, SuspensionKind::AsleepClockStopped, lasting)?
        }
        ["sets", "its", "clock", words @ ..] => Fault::SetClock { phone, step: ClockStep::read(words)? },
        ["dies"] => Fault::Die { phone },
        _ => return Ok(None),
    }))
}

fn rest(phone: usize, how: SuspensionKind, lasting: &str) -> Result<Fault, String> {
    Ok(Fault::Suspend { phone, how, lasting: parse_duration(lasting)? })
}
