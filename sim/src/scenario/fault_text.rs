//! Faults as the text of a scenario has them.

use super::value::number;
use super::{
    ClockStep, ExchangeTrouble, Fault, Harm, MediaTrouble, Scenario, Seconds, Stillness, StreamTrouble, Way,
    parse_duration,
};

impl Fault {
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
