//! Receives telephone-events: many packets report one digit (RFC 4733 §2.5.2).

use std::time::Duration;

use offhook_wire::Instant;

use super::keypad::{ReceivedDigit, key_of_event};

/// A digit whose end packets were lost ends this long after its last packet (RFC 4733 §2.5.2.2).
const END_TIMEOUT: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct CurrentDigit {
    code: u8,
    timestamp: u32,
    /// The duration of earlier segments, in units of the clock (RFC 4733 §2.5.1.3).
    segments: u32,
    duration: u32,
    clock: u32,
    last_packet: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct EventReceiver {
    current: Option<CurrentDigit>,
    /// The timestamp of the last finished digit, of which retransmissions may still arrive.
    finished: Option<u32>,
}

impl EventReceiver {
    /// Forgets all state: a new source starts.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Processes a telephone-event packet, which may end its digit and the digit before it.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        timestamp: u32,
        clock: u32,
        payload: &[u8],
    ) -> Vec<ReceivedDigit> {
        let mut received = Vec::new();
        let [code, flags, high, low, ..] = *payload else { return received };
        let (end, duration) = (flags & 0x80 != 0, u32::from(u16::from_be_bytes([high, low])));
        if self.finished.is_some_and(|finished| !newer(timestamp, finished)) {
            return received;
        }
        match &mut self.current {
            Some(current) if current.timestamp == timestamp && current.code == code => {
                current.duration = current.duration.max(duration);
                current.last_packet = now;
            }
            Some(current) if !newer(timestamp, current.timestamp) => return received,
            Some(current)
                if current.code == code
                    && current.timestamp.wrapping_add(u32::from(u16::MAX)) == timestamp =>
            {
                current.segments += u32::from(u16::MAX);
                current.timestamp = timestamp;
                current.duration = duration;
                current.last_packet = now;
            }
            _ => {
                received.extend(self.finish());
                self.current =
                    Some(CurrentDigit { code, timestamp, segments: 0, duration, clock, last_packet: now });
            }
        }
        if end {
            received.extend(self.finish());
        }
        received
    }

    /// Ends a digit whose end packets did not arrive in time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<ReceivedDigit> {
        let current = self.current.as_ref()?;
        (now.saturating_since(current.last_packet) >= END_TIMEOUT).then(|| self.finish()).flatten()
    }

    fn finish(&mut self) -> Option<ReceivedDigit> {
        let current = self.current.take()?;
        self.finished = Some(current.timestamp);
        let units = u64::from(current.segments) + u64::from(current.duration);
        let duration = Duration::from_millis(units * 1000 / u64::from(current.clock.max(1)));
        key_of_event(current.code).map(|digit| ReceivedDigit { digit, duration })
    }
}

/// Serial number arithmetic: `a` is after `b`.
fn newer(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn packet(code: u8, end: bool, duration: u16) -> [u8; 4] {
        let [high, low] = duration.to_be_bytes();
        [code, u8::from(end) << 7 | 10, high, low]
    }

    fn digit(digit: char, ms: u64) -> ReceivedDigit {
        ReceivedDigit { digit, duration: Duration::from_millis(ms) }
    }

    #[test]
    fn updates_and_retransmitted_ends_are_one_digit() {
        let mut receiver = EventReceiver::default();
        for n in 1..5 {
            assert_eq!(receiver.on_packet(at(n * 20), 1000, 8000, &packet(5, false, 160 * n as u16)), []);
        }
        assert_eq!(receiver.on_packet(at(100), 1000, 8000, &packet(5, true, 800)), [digit('5', 100)]);
        for n in 0..3 {
            assert_eq!(receiver.on_packet(at(120 + n), 1000, 8000, &packet(5, true, 800)), []);
        }
        assert_eq!(receiver.on_packet(at(130), 1000, 8000, &packet(5, false, 480)), [], "a late update");
        assert_eq!(receiver.handle_timeout(at(1000)), None);
    }

    #[test]
    fn any_single_packet_of_a_digit_is_enough() {
        let mut receiver = EventReceiver::default();
        assert_eq!(receiver.on_packet(at(0), u32::MAX, 48_000, &packet(1, false, 1920)), []);
        assert_eq!(receiver.handle_timeout(at(199)), None);
        assert_eq!(receiver.handle_timeout(at(200)), Some(digit('1', 40)));
        assert_eq!(receiver.on_packet(at(300), 500, 48_000, &packet(2, true, 4800)), [digit('2', 100)]);
    }

    #[test]
    fn the_next_digit_ends_the_one_before_it() {
        let mut receiver = EventReceiver::default();
        receiver.on_packet(at(0), 1000, 8000, &packet(7, false, 160));
        let both = receiver.on_packet(at(100), 2000, 8000, &packet(8, true, 320));
        assert_eq!(both, [digit('7', 20), digit('8', 40)]);
        assert_eq!(receiver.on_packet(at(110), 1000, 8000, &packet(7, true, 320)), [], "reordered");
    }

    #[test]
    fn segments_of_a_long_press_are_one_digit() {
        let mut receiver = EventReceiver::default();
        receiver.on_packet(at(0), 0, 8000, &packet(9, false, u16::MAX));
        let end = receiver.on_packet(at(20), 65_535, 8000, &packet(9, true, 8_465));
        assert_eq!(end, [digit('9', 9250)]);
    }

    #[test]
    fn other_events_and_garbage_are_ignored() {
        let mut receiver = EventReceiver::default();
        assert_eq!(receiver.on_packet(at(0), 1, 8000, &packet(16, true, 100)), [], "flash");
        for length in 0..4 {
            assert_eq!(receiver.on_packet(at(0), 2, 8000, &[1; 4][..length]), []);
        }
    }
}
