//! The syntax of recordings: shell-like words, times, flags, and readable blocks of bytes.

mod block;
mod words;

pub(crate) use block::{Block, write_bytes};
pub(crate) use words::{split, word};

use offhook::Instant;
use std::fmt;
use std::time::Duration;

/// The greatest time in a recording: 31 years. It cannot overflow.
const MAX_TIME: Duration = Duration::from_secs(1_000_000_000);

/// A time as `1.25s`, exactly.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = format!("{:09}", self.0.subsec_nanos());
        match nanos.trim_end_matches('0') {
            "" => write!(f, "{}s", self.0.as_secs()),
            digits => write!(f, "{}.{digits}s", self.0.as_secs()),
        }
    }
}

pub(crate) fn duration(text: &str) -> Option<Duration> {
    seconds(text.strip_suffix('s')?)
}

/// A time of the host's clock, in seconds with all nine digits.
pub(crate) struct At(pub(crate) Instant);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        write!(f, "{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }
}

/// `yes` or `no`.
pub(crate) fn flag(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// The word of a flag.
pub(crate) fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

pub(crate) fn instant(text: &str) -> Option<Instant> {
    Some(Instant::ZERO + seconds(text)?)
}

fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    let time = Duration::new(whole.parse().ok()?, nanos);
    (time <= MAX_TIME).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_both_ways() {
        for (nanos, text) in
            [(0, "0s"), (1, "0.000000001s"), (1_250_000_000, "1.25s"), (60_000_000_000, "60s")]
        {
            let time = Duration::from_nanos(nanos);
            assert_eq!((Seconds(time).to_string().as_str(), duration(text)), (text, Some(time)));
            let at = Instant::from_nanos(nanos);
            assert_eq!(instant(&At(at).to_string()), Some(at));
        }
        for bad in [
            "",
            "s",
            "1",
            ".5s",
            "1.s",
            "-1s",
            "1e3s",
            "1.0000000001s",
            "1000000001s",
            "99999999999999999999s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
