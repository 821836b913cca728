//! Parsing a scenario. The grammar is that of `write.rs`; a line that starts with `#` is a comment.

use std::str::FromStr;

use super::rogue::{read_rogue, read_rogue_action};
use super::user_text::read_user_action;
use super::value::number;
use super::{
    Action, Codec, ExchangeSetup, Fault, Fidelity, PhaseLengths, PhoneSetup, Scenario, Step, Transport,
    parse_duration,
};
use offhook::{RedirectPolicy, ReferPolicy};

/// A line that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ScenarioError {
    line: usize,
    what: String,
}

impl ScenarioError {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }

    /// The line number, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario = Scenario::new(0);
        scenario.exchanges.clear();
        let mut lines = text.lines().enumerate().filter_map(|(index, line)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let blank = words.first().is_none_or(|word| word.starts_with('#'));
            (!blank).then_some((index + 1, words))
        });
        match lines.next() {
            Some((_, words)) if words == ["offhook-scenario", "1"] => {}
            first => {
                let line = first.map_or(1, |(line, _)| line);
                return Err(ScenarioError::new(line, "a scenario starts with the line `offhook-scenario 1`"));
            }
        }
        for (line, words) in lines {
            scenario.read_line(&words).map_err(|what| ScenarioError::new(line, what))?;
        }
        if scenario.exchanges.is_empty() {
            scenario.exchanges = Scenario::new(0).exchanges;
        }
        scenario.steps.sort_by_key(|step| step.at);
        Ok(scenario)
    }
}

impl Scenario {
    fn read_line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["seed", seed] => self.seed = number(seed)?,
            ["span", settings @ ..] => self.phases = read_span(settings)?,
            ["media", fidelity] => self.media = fidelity.parse()?,
            ["exchange", name, settings @ ..] => {
                let exchange = read_exchange(self.new_name(name)?, settings)?;
                self.exchanges.push(exchange);
            }
            ["phone", name, transport, settings @ ..] => {
                let phone = read_phone(self.new_name(name)?, transport, settings)?;
                self.phones.push(phone);
            }
            ["rogue", name, transport, settings @ ..] => {
                let rogue = read_rogue(self.new_name(name)?, read_transport(transport)?, settings)?;
                self.rogues.push(rogue);
            }
            [at, name, action @ ..] if at.starts_with(|c: char| c.is_ascii_digit()) => {
                let step = Step { at: parse_duration(at)?, action: self.read_action(name, action)? };
                self.steps.push(step);
            }
            _ => {
                return Err(
                    "expected `seed`, `span`, `media`, `exchange`, `phone`, `rogue` or a time".to_owned()
                );
            }
        }
        Ok(())
    }

    fn new_name(&self, name: &str) -> Result<String, String> {
        if self.phone(name).is_some() || self.exchange(name).is_some() || self.rogue(name).is_some() {
            return Err(format!("duplicate name `{name}`"));
        }
        Ok(name.to_owned())
    }

    fn read_action(&self, name: &str, words: &[&str]) -> Result<Action, String> {
        if let Some(fault) = Fault::read(self, name, words)? {
            return Ok(Action::Fault(fault));
        }
        if let Some(rogue) = self.rogue(name) {
            return Ok(Action::Rogue { rogue, action: read_rogue_action(words)? });
        }
        let phone = self.phone(name).ok_or_else(|| format!("unknown name `{name}`"))?;
        Ok(Action::User { phone, action: read_user_action(words)? })
    }
}

impl FromStr for Fidelity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "model" => Ok(Fidelity::Model),
            #[cfg(feature = "media")]
            "real" => Ok(Fidelity::Real),
            #[cfg(not(feature = "media"))]
            "real" => Err("this simulator was built without the feature `media`".to_owned()),
            _ => Err(format!("expected `model` or `real`, not `{text}`")),
        }
    }
}

fn read_span(settings: &[&str]) -> Result<PhaseLengths, String> {
    let mut phases = PhaseLengths::default();
    for setting in settings {
        match setting.split_once('=') {
            Some(("storm", value)) => phases.faults = parse_duration(value)?,
            Some(("settle", value)) => phases.recovery = parse_duration(value)?,
            Some(("quiesce", value)) => phases.drain = parse_duration(value)?,
            _ => return Err(format!("unknown phase `{setting}`")),
        }
    }
    Ok(phases)
}

fn read_exchange(name: String, settings: &[&str]) -> Result<ExchangeSetup, String> {
    let mut exchange = ExchangeSetup::new(name);
    for setting in settings {
        match setting.split_once('=') {
            Some(("drift", value)) => exchange.drift = read_drift(value)?,
            None if *setting == "two-homes" => exchange.two_homes = true,
            Some(("min-expires", value)) => exchange.min_expires = Some(parse_duration(value)?),
            None if *setting == "says-trying" => exchange.says_trying = true,
            _ => return Err(format!("unknown setting `{setting}`")),
        }
    }
    Ok(exchange)
}

/// A drift of -100 % or less would stop or reverse the clock.
fn read_drift(value: &str) -> Result<i32, String> {
    let drift: i32 = number(value)?;
    let is_clock = drift.unsigned_abs() < 1_000_000;
    is_clock
        .then_some(drift)
        .ok_or_else(|| "drift is in parts per million, from -999999 to 999999".to_owned())
}

fn read_phone(name: String, transport: &str, settings: &[&str]) -> Result<PhoneSetup, String> {
    let mut phone = PhoneSetup::new(name);
    phone.transport = read_transport(transport)?;
    for setting in settings {
        match setting.split_once('=') {
            None if *setting == "no-telephone-event" => phone.telephone_event = false,
            None if *setting == "wrong-password" => phone.right_password = false,
            Some(("user", value)) => phone.user = value.to_owned(),
            Some(("delay", value)) => phone.weather.delay = parse_duration(value)?,
            Some(("jitter", value)) => phone.weather.jitter = parse_duration(value)?,
            Some(("loss", value)) => phone.weather.loss = number(value)?,
            Some(("duplicate", value)) => phone.weather.duplicate = number(value)?,
            Some(("late", value)) => phone.weather.late = number(value)?,
            Some(("tail", value)) => phone.weather.tail = number(value)?,
            Some(("bursts", value)) => phone.weather.bursts = number(value)?,
            Some(("nat", value)) => phone.nat = Some(parse_duration(value)?),
            Some(("drift", value)) => phone.drift = read_drift(value)?,
            Some(("attempts", value)) => phone.attempts = Some(number(value)?),
            Some(("transfers", "ask")) => phone.refers = ReferPolicy::Ask,
            Some(("transfers", "reject")) => phone.refers = ReferPolicy::Reject,
            Some(("redirects", "follow")) => phone.redirects = RedirectPolicy::Follow,
            Some(("redirects", "report")) => phone.redirects = RedirectPolicy::Report,
            None if *setting == "late-password" => phone.late_password = true,
            None if *setting == "reliable" => phone.reliable = true,
            None if *setting == "by-update" => phone.by_update = true,
            Some(("legs", value)) => phone.legs = number(value)?,
            Some(("realms", value)) => phone.realms = list(value),
            Some(("packages", value)) => phone.packages = list(value),
            Some(("expires", value)) => phone.expires = parse_duration(value)?,
            Some(("codecs", value)) => {
                phone.codecs = value.split(',').map(read_codec).collect::<Result<_, _>>()?
            }
            Some((key, value)) => phone
                .streaming
                .set(key, value)
                .unwrap_or_else(|| Err(format!("unknown setting `{setting}`")))?,
            None => return Err(format!("unknown setting `{setting}`")),
        }
    }
    Ok(phone)
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::to_owned).collect()
}

fn read_transport(word: &str) -> Result<Transport, String> {
    match word {
        "ws" => Ok(Transport::Ws),
        "udp" => Ok(Transport::Udp),
        _ => Err(format!("unknown transport `{word}`")),
    }
}

fn read_codec(name: &str) -> Result<Codec, String> {
    Codec::ALL
        .into_iter()
        .find(|codec| codec.to_string() == name)
        .ok_or_else(|| format!("unknown codec `{name}`"))
}
