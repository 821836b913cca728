//! Values in the text of a scenario: numbers and durations.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Writes a duration as `1.25s`, or as `40ms` when it is shorter than a quarter of a second and whole in that unit.
pub struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        if whole == 0 && nanos != 0 && nanos < 250_000_000 && nanos % 1_000_000 == 0 {
            return write!(f, "{}ms", nanos / 1_000_000);
        }
        let fraction = format!("{nanos:09}");
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{whole}s"),
            digits => write!(f, "{whole}.{digits}s"),
        }
    }
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a valid number"))
}

/// Parses `1.25s`, `40ms` or `2m`.
///
/// # Errors
/// A description of the error.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as `1.25s`, `40ms` or `2m`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let nanos_per_unit: u64 = match &text[digits.len()..] {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(());
    plain(whole).and_then(|()| plain(fraction)).ok_or_else(wrong)?;
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let parts = format!("{fraction:0<9}");
    let billionths: u64 = parts.get(..9).and_then(|nine| nine.parse().ok()).ok_or_else(wrong)?;
    let nanos = u128::from(whole) * u128::from(nanos_per_unit)
        + u128::from(billionths) * u128::from(nanos_per_unit) / 1_000_000_000;
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip_exactly() {
        for (text, nanos) in [
            ("0s", 0),
            ("1.25s", 1_250_000_000),
            ("40ms", 40_000_000),
            ("0.000000001s", 1),
            ("0.75s", 750_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
            assert_eq!(Seconds(Duration::from_nanos(nanos)).to_string(), text);
        }
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for text in ["", "s", "1", "-1s", "1.s", ".5s", "1e3s", "99999999999999999999s", "1h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
