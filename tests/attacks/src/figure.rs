//! A measured figure and its limit.

use std::fmt;
use std::time::Duration;

use serde_json::{Value as Json, json};

#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) attack: &'static str,
    pub(crate) name: String,
    pub(crate) value: Value,
    limit: Option<Limit>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64, Unit),
    /// A part and the whole.
    Share(u32, u32),
    /// It did not happen within the time limit.
    Never,
    /// The program under attack does not report it.
    Unknown,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    Seconds,
    Megabytes,
    PerSecond,
    Times,
}

#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    /// The whole share.
    All,
    /// None of the share.
    None,
}

impl Figure {
    pub(crate) fn new(attack: &'static str, name: impl Into<String>, value: Value) -> Self {
        Self { attack, name: name.into(), value, limit: None }
    }

    #[must_use]
    pub(crate) fn limit(mut self, limit: Limit) -> Self {
        self.limit = Some(limit);
        self
    }

    #[must_use]
    pub(crate) fn at_most(self, most: f64) -> Self {
        self.limit(Limit::AtMost(most))
    }

    /// Whether the limit is met; none without a limit or if the value is unknown.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let limit = self.limit?;
        Some(match (self.value, limit) {
            (Value::Unknown, _) => return None,
            (Value::Never, _) => false,
            (Value::Number(number, _), Limit::AtMost(most)) => number <= most,
            (Value::Share(some, of), Limit::All) => some == of && of > 0,
            (Value::Share(some, of), Limit::None) => some == 0 && of > 0,
            (Value::Number(..), Limit::All | Limit::None) | (Value::Share(..), _) => false,
        })
    }

    /// The limit as text; empty without one.
    pub(crate) fn limit_shown(&self) -> String {
        let unit = match self.value {
            Value::Number(_, unit) => unit,
            // Only times can be `Never`.
            _ => Unit::Seconds,
        };
        match self.limit {
            None => String::new(),
            Some(Limit::AtMost(most)) => format!("≤ {}", Value::Number(most, unit)),
            Some(Limit::All) => "all".to_owned(),
            Some(Limit::None) => "none".to_owned(),
        }
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> Json {
        json!({
            "attack": self.attack,
            "name": self.name,
            "number": self.value.number(),
            "shown": self.value.to_string(),
            "limit": self.limit_shown(),
            "kept": self.is_met(),
        })
    }
}

impl Value {
    pub(crate) fn count(number: u64) -> Self {
        Value::Number(number as f64, Unit::Count)
    }

    pub(crate) fn share(some: u32, of: u32) -> Self {
        Value::Share(some, of)
    }

    /// A time; `Never` for none.
    pub(crate) fn seconds(took: Option<Duration>) -> Self {
        took.map_or(Value::Never, |took| Value::Number(took.as_secs_f64(), Unit::Seconds))
    }

    pub(crate) fn megabytes(size: Option<f64>) -> Self {
        size.map_or(Value::Unknown, |size| Value::Number(size, Unit::Megabytes))
    }

    pub(crate) fn bytes(size: Option<u64>) -> Self {
        Self::megabytes(size.map(|size| size as f64 / 1e6))
    }

    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Value::Number(number, _) => Some(number),
            Value::Share(some, _) => Some(some.into()),
            Value::Never | Value::Unknown => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Number(number, Unit::Count) => write!(f, "{number}"),
            Value::Number(number, Unit::Seconds) if number >= 100.0 => write!(f, "{number:.0} s"),
            Value::Number(number, Unit::Seconds) => write!(f, "{number:.2} s"),
            Value::Number(number, Unit::Megabytes) => write!(f, "{number:.1} MB"),
            Value::Number(number, Unit::PerSecond) if number >= 100.0 => write!(f, "{number:.0}/s"),
            Value::Number(number, Unit::PerSecond) => write!(f, "{number:.1}/s"),
            Value::Number(number, Unit::Times) => write!(f, "{number:.1}×"),
            Value::Share(some, of) => write!(f, "{some} of {of}"),
            Value::Never => f.write_str("never"),
            Value::Unknown => f.write_str("n/a"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: Value, limit: Limit) -> Option<bool> {
        Figure::new("a", "b", value).limit(limit).is_met()
    }

    #[test]
    fn limits_are_met_or_missed() {
        let seconds = |number| Value::Number(number, Unit::Seconds);
        assert_eq!(kept(seconds(2.0), Limit::AtMost(10.0)), Some(true));
        assert_eq!(kept(seconds(10.5), Limit::AtMost(10.0)), Some(false));
        assert_eq!(kept(Value::Never, Limit::AtMost(10.0)), Some(false));
        assert_eq!(kept(Value::Unknown, Limit::AtMost(10.0)), None);
        assert_eq!(kept(Value::Share(0, 5), Limit::None), Some(true));
        assert_eq!(kept(Value::Share(1, 5), Limit::None), Some(false));
        assert_eq!(kept(Value::Share(5, 5), Limit::All), Some(true));
        assert_eq!(kept(Value::Share(4, 5), Limit::All), Some(false));
        assert_eq!(Figure::new("a", "b", Value::count(1)).is_met(), None);
    }

    #[test]
    fn empty_share_misses_its_limit() {
        assert_eq!(kept(Value::Share(0, 0), Limit::None), Some(false));
        assert_eq!(kept(Value::Share(0, 0), Limit::All), Some(false));
    }
}
