//! Makes one digit of the many packets that report it (RFC 4733 §2.5.2).

use std::time::Duration;

use offhook_wire::Instant;

use super::key;

/// A digit whose end got lost is over when nothing was heard of it for so long (RFC 4733 §2.5.2.2).
const GONE: Duration = Duration::from_millis(200);

/// A digit received.
#[derive(Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) digit: char,
    pub(crate) duration: Duration,
}

#[derive(Debug)]
struct Pressed {
    code: u8,
    timestamp: u32,
    /// In units of the clock; more than 16 bits when it comes in segments (RFC 4733 §2.5.1.3).
    before: u32,
    duration: u32,
    clock: u32,
    heard_at: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pressed: Option<Pressed>,
    /// The timestamp of the last digit that is over, whose repeats may still come.
    over: Option<u32>,
}

impl Receiver {
    /// Forget what was going on: another source begins.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// A packet of a telephone-event. May end a digit; may end the one before it.
    pub(crate) fn packet(
        &mut self,
        now: Instant,
        timestamp: u32,
        clock: u32,
        payload: &[u8],
    ) -> Vec<Received> {
        let mut received = Vec::new();
        let [code, flags, high, low, ..] = *payload else { return received };
        let (end, duration) = (flags & 0x80 != 0, u32::from(u16::from_be_bytes([high, low])));
        if self.over.is_some_and(|over| !newer(timestamp, over)) {
            return received;
        }
        match &mut self.pressed {
            Some(pressed) if pressed.timestamp == timestamp && pressed.code == code => {
                pressed.duration = pressed.duration.max(duration);
                pressed.heard_at = now;
            }
            Some(pressed) if !newer(timestamp, pressed.timestamp) => return received,
            Some(pressed)
                if pressed.code == code
                    && pressed.timestamp.wrapping_add(u32::from(u16::MAX)) == timestamp =>
            {
                pressed.before += u32::from(u16::MAX);
                pressed.timestamp = timestamp;
                pressed.duration = duration;
                pressed.heard_at = now;
            }
            _ => {
                received.extend(self.finish());
                self.pressed = Some(Pressed { code, timestamp, before: 0, duration, clock, heard_at: now });
            }
        }
        if end {
            received.extend(self.finish());
        }
        received
    }

    /// Time passed: a digit whose end did not come may be over.
    pub(crate) fn tick(&mut self, now: Instant) -> Option<Received> {
        let pressed = self.pressed.as_ref()?;
        (now.saturating_since(pressed.heard_at) >= GONE).then(|| self.finish()).flatten()
    }

    fn finish(&mut self) -> Option<Received> {
        let pressed = self.pressed.take()?;
        self.over = Some(pressed.timestamp);
        let units = u64::from(pressed.before) + u64::from(pressed.duration);
        let duration = Duration::from_millis(units * 1000 / u64::from(pressed.clock.max(1)));
        key(pressed.code).map(|digit| Received { digit, duration })
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

    fn digit(digit: char, ms: u64) -> Received {
        Received { digit, duration: Duration::from_millis(ms) }
    }

    #[test]
    fn updates_and_repeated_ends_are_one_digit() {
        let mut receiver = Receiver::default();
        for n in 1..5 {
            assert_eq!(receiver.packet(at(n * 20), 1000, 8000, &packet(5, false, 160 * n as u16)), []);
        }
        assert_eq!(receiver.packet(at(100), 1000, 8000, &packet(5, true, 800)), [digit('5', 100)]);
        for n in 0..3 {
            assert_eq!(receiver.packet(at(120 + n), 1000, 8000, &packet(5, true, 800)), []);
        }
        assert_eq!(receiver.packet(at(130), 1000, 8000, &packet(5, false, 480)), [], "a late update");
        assert_eq!(receiver.tick(at(1000)), None);
    }

    #[test]
    fn one_packet_of_a_digit_is_enough_wherever_it_was() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.packet(at(0), u32::MAX, 48_000, &packet(1, false, 1920)), []);
        assert_eq!(receiver.tick(at(199)), None);
        assert_eq!(receiver.tick(at(200)), Some(digit('1', 40)));
        assert_eq!(receiver.packet(at(300), 500, 48_000, &packet(2, true, 4800)), [digit('2', 100)]);
    }

    #[test]
    fn the_next_digit_ends_the_one_before_it() {
        let mut receiver = Receiver::default();
        receiver.packet(at(0), 1000, 8000, &packet(7, false, 160));
        let both = receiver.packet(at(100), 2000, 8000, &packet(8, true, 320));
        assert_eq!(both, [digit('7', 20), digit('8', 40)]);
        assert_eq!(receiver.packet(at(110), 1000, 8000, &packet(7, true, 320)), [], "reordered");
    }

    #[test]
    fn segments_of_a_long_press_are_one_digit() {
        let mut receiver = Receiver::default();
        receiver.packet(at(0), 0, 8000, &packet(9, false, u16::MAX));
        let end = receiver.packet(at(20), 65_535, 8000, &packet(9, true, 8_465));
        assert_eq!(end, [digit('9', 9250)]);
    }

    #[test]
    fn other_events_and_garbage_are_no_digits() {
        let mut receiver = Receiver::default();
        assert_eq!(receiver.packet(at(0), 1, 8000, &packet(16, true, 100)), [], "flash");
        for length in 0..4 {
            assert_eq!(receiver.packet(at(0), 2, 8000, &[1; 4][..length]), []);
        }
    }
}
