//! DTMF: the queue of digits of a call, and their format in INFO.

use crate::base::cx::Cx;
use crate::base::machine::{Table, named_enum};
use crate::base::name::Machine;
use crate::{DtmfPath, EffectId, SessionId};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// The maximum number of queued digits of a call.
pub(crate) const MOST_WAITING: usize = 64;
/// RFC 4733 §2.5.1.1 gives no bounds; peers and media engines accept these.
pub(crate) const SHORTEST: Duration = Duration::from_millis(40);
pub(crate) const LONGEST: Duration = Duration::from_secs(6);

/// A queued digit.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Digit {
    pub(crate) digit: char,
    pub(crate) duration: Duration,
    pub(crate) path: DtmfPath,
}

named_enum! {
    /// The state of the digits of a call.
    pub(crate) enum Phase {
        Idle = "idle",
        ByRtp = "by RTP",
        ByInfo = "by INFO",
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        Digit = "digit",
        Sent = "sent",
        Failed = "failed",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{ByInfo, ByRtp, Idle};
    Table(&[
        (Idle, Trigger::Digit, ByRtp),
        (Idle, Trigger::Digit, ByInfo),
        (ByRtp, Trigger::Sent, Idle),
        (ByRtp, Trigger::Failed, Idle),
        (ByInfo, Trigger::Sent, Idle),
        (ByInfo, Trigger::Failed, Idle),
    ])
};

/// The queue of digits: one is being sent, the others wait.
#[derive(Debug, Default)]
pub(crate) struct Digits {
    waiting: VecDeque<Digit>,
    sending: Sending,
}

/// The digit that is being sent.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) enum Sending {
    #[default]
    Nothing,
    ByRtp(EffectId, char),
    /// It is a pending request.
    ByInfo,
}

impl Sending {
    fn phase(self) -> Phase {
        match self {
            Sending::Nothing => Phase::Idle,
            Sending::ByRtp(..) => Phase::ByRtp,
            Sending::ByInfo => Phase::ByInfo,
        }
    }
}

impl Digits {
    pub(crate) fn has_room_for(&self, more: usize) -> bool {
        self.waiting.len() + more <= MOST_WAITING
    }

    pub(crate) fn push(&mut self, digit: Digit) {
        self.waiting.push_back(digit);
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.sending, Sending::Nothing)
    }

    pub(crate) fn pop(&mut self) -> Option<Digit> {
        self.waiting.pop_front()
    }

    /// Writes which digit is being sent.
    pub(crate) fn transition(&mut self, cx: &mut Cx<'_>, of: SessionId, trigger: Trigger, next: Sending) {
        let from = std::mem::replace(&mut self.sending, next).phase();
        cx.trace.transition(cx.now, Machine::Digits(of), &EDGES, from, trigger, next.phase());
    }

    /// The digit of `effect`, if it is the one that is being sent.
    pub(crate) fn awaits(&self, effect: EffectId) -> Option<char> {
        match self.sending {
            Sending::ByRtp(awaited, digit) if awaited == effect => Some(digit),
            _ => None,
        }
    }

    pub(crate) fn is_by_info(&self) -> bool {
        matches!(self.sending, Sending::ByInfo)
    }

    /// All digits that were not sent, first the one that is being sent by RTP.
    pub(crate) fn into_waiting(self) -> impl Iterator<Item = char> {
        let sending = match self.sending {
            Sending::ByRtp(_, digit) => Some(digit),
            Sending::Nothing | Sending::ByInfo => None,
        };
        sending.into_iter().chain(self.waiting.into_iter().map(|d| d.digit))
    }
}

/// Whether `c` is a DTMF digit: `0-9 * # A-D`.
pub(crate) fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

/// The body of an INFO with `application/dtmf-relay`.
pub(crate) fn write_info(digit: char, duration: Duration) -> Bytes {
    format!("Signal={digit}\r\nDuration={}\r\n", duration.as_millis()).into()
}

/// The digit in an INFO: `application/dtmf-relay`, or the bare digit of `application/dtmf`.
pub(crate) fn read_info(content_type: &[u8], body: &[u8]) -> Option<(char, Duration)> {
    let kind = content_type.split(|b| *b == b';').next()?.trim_ascii();
    let body = std::str::from_utf8(body).ok()?;
    let mut duration = Duration::from_millis(160);
    if kind.eq_ignore_ascii_case(b"application/dtmf") {
        return read_signal(body.trim()).map(|digit| (digit, duration));
    }
    if !kind.eq_ignore_ascii_case(b"application/dtmf-relay") {
        return None;
    }
    let mut digit = None;
    for line in body.lines() {
        let (name, value) = line.split_once('=')?;
        match name.trim() {
            name if name.eq_ignore_ascii_case("signal") => digit = read_signal(value.trim()),
            name if name.eq_ignore_ascii_case("duration") => {
                let millis: u32 = value.trim().parse().ok()?;
                duration = Duration::from_millis(u64::from(millis)).clamp(SHORTEST, LONGEST);
            }
            _ => {}
        }
    }
    digit.map(|digit| (digit, duration))
}

/// A digit as written in INFO; some peers write `*` as 10, `#` as 11 and A–D as 12–15.
fn read_signal(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.as_str()) {
        (Some(c), "") => Some(c.to_ascii_uppercase()).filter(|c| is_digit(*c)),
        _ => "*#ABCD".chars().nth(text.parse::<usize>().ok()?.checked_sub(10)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_digit_is_parsed() {
        for digit in "0123456789*#ABCD".chars() {
            let duration = Duration::from_millis(200);
            let body = write_info(digit, duration);
            assert_eq!(read_info(b"application/dtmf-relay", &body), Some((digit, duration)));
        }
    }

    #[test]
    fn formats_of_peers_are_parsed() {
        let read = |kind: &str, body: &str| read_info(kind.as_bytes(), body.as_bytes()).map(|(d, _)| d);
        assert_eq!(read("application/dtmf-relay", "Signal= 5\nDuration= 250"), Some('5'));
        assert_eq!(read("Application/DTMF-Relay;x=y", "signal=11\r\n"), Some('#'));
        assert_eq!(read("application/dtmf", "*"), Some('*'));
        assert_eq!(read("application/dtmf", "d\r\n"), Some('D'));
        for bad in ["Signal=", "Signal=55", "Signal=16", "Duration=5", "x", ""] {
            assert_eq!(read("application/dtmf-relay", bad), None, "{bad:?}");
        }
        assert_eq!(read("text/plain", "5"), None);
        assert_eq!(read_info(b"application/dtmf-relay", b"Signal=\xff"), None);
    }

    #[test]
    fn durations_are_bounded() {
        let read = |body: &str| read_info(b"application/dtmf-relay", body.as_bytes()).map(|(_, d)| d);
        assert_eq!(read("Signal=1\r\nDuration=1"), Some(SHORTEST));
        assert_eq!(read("Signal=1\r\nDuration=4294967295"), Some(LONGEST));
        assert_eq!(read("Signal=1\r\nDuration=99999999999"), None);
    }
}
