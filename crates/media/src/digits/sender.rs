//! Sends one digit after another, a packet every 20 ms (RFC 4733 §2.5.1).

use std::collections::VecDeque;
use std::time::Duration;

use super::key;

const TICK: Duration = Duration::from_millis(20);
const SHORTEST: Duration = Duration::from_millis(40);
const LONGEST: Duration = Duration::from_secs(6);
/// The last packet goes out three times (RFC 4733 §2.5.1.4).
const ENDS: u32 = 3;
/// Ticks between the last packet of one digit and the first of the next. With the two repeats before it the
/// pause is 80 ms, more than the 40 ms that tone equipment behind a gateway needs (ITU-T Q.24).
const PAUSE: u32 = 2;
/// Digits that may wait.
const WAITING: usize = 64;
/// -10 dBm0, as browsers send (RFC 4733 §2.3.3).
const VOLUME: u8 = 10;

/// A packet of a digit.
#[derive(Debug, PartialEq)]
pub(crate) struct Packet {
    /// It is the first one: its time is the digit's, and it carries the marker.
    pub(crate) first: bool,
    pub(crate) payload: [u8; 4],
}

/// What a tick brought.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tick {
    pub(crate) packet: Option<Packet>,
    /// This digit is out completely.
    pub(crate) sent: Option<char>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Pressed {
        code: u8,
        ticks: u32,
        of: u32,
    },
    Released {
        code: u8,
        duration: u16,
        left: u32,
    },
    Pause(u32),
}

#[derive(Debug, Default)]
pub(crate) struct Sender {
    waiting: VecDeque<(u8, Duration)>,
    state: State,
}

impl Sender {
    /// False when too many wait already.
    #[must_use]
    pub(crate) fn press(&mut self, code: u8, duration: Duration) -> bool {
        let room = self.waiting.len() < WAITING;
        if room {
            self.waiting.push_back((code, duration.clamp(SHORTEST, LONGEST)));
        }
        room
    }

    /// True while a digit is on the line, so that voice has to be quiet.
    pub(crate) fn busy(&self) -> bool {
        matches!(self.state, State::Pressed { .. } | State::Released { .. })
    }

    /// Everything that was not sent, the one on the line first.
    pub(crate) fn abandon(&mut self) -> Vec<char> {
        let current = match std::mem::take(&mut self.state) {
            State::Pressed { code, .. } | State::Released { code, .. } => Some(code),
            State::Idle | State::Pause(_) => None,
        };
        current.into_iter().chain(self.waiting.drain(..).map(|(code, _)| code)).filter_map(key).collect()
    }

    /// 20 ms passed. `clock` is that of the negotiated telephone-event.
    pub(crate) fn tick(&mut self, clock: u32) -> Tick {
        if matches!(self.state, State::Idle) {
            let Some((code, duration)) = self.waiting.pop_front() else { return Tick::default() };
            let of = duration.as_millis().div_ceil(TICK.as_millis()) as u32;
            self.state = State::Pressed { code, ticks: 0, of };
        }
        match self.state {
            State::Idle => Tick::default(),
            State::Pressed { code, ticks, of } => {
                let ticks = ticks + 1;
                // Six seconds at 48 kHz do not fit 16 bits. RFC 4733 §2.5.1.3 would start a segment; a digit
                // that long means "held down", which the largest number says as well.
                let duration = u16::try_from(ticks * clock / 50).unwrap_or(u16::MAX);
                let end = ticks >= of;
                self.state = if end {
                    State::Released { code, duration, left: ENDS - 1 }
                } else {
                    State::Pressed { code, ticks, of }
                };
                Tick {
                    packet: Some(Packet { first: ticks == 1, payload: payload(code, end, duration) }),
                    sent: None,
                }
            }
            State::Released { code, duration, left } => {
                let last = left == 1;
                self.state = match last {
                    true => State::Pause(PAUSE),
                    false => State::Released { code, duration, left: left - 1 },
                };
                let packet = Packet { first: false, payload: payload(code, true, duration) };
                Tick { packet: Some(packet), sent: if last { key(code) } else { None } }
            }
            State::Pause(left) => {
                self.state = if left > 1 { State::Pause(left - 1) } else { State::Idle };
                Tick::default()
            }
        }
    }
}

fn payload(code: u8, end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [code, u8::from(end) << 7 | VOLUME, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digits::code;

    #[test]
    fn a_digit_is_updates_three_ends_and_a_pause() {
        let mut sender = Sender::default();
        assert!(code('5').is_some_and(|c| sender.press(c, Duration::from_millis(100))));
        assert!(code('#').is_some_and(|c| sender.press(c, Duration::from_millis(40))));
        let ticks: Vec<Tick> = (0..14).map(|_| sender.tick(8000)).collect();
        let durations: Vec<_> = ticks
            .iter()
            .map(|t| t.packet.as_ref().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])))
            .collect();
        let five = [160, 320, 480, 640, 800, 800, 800].map(Some);
        assert_eq!(durations[..7], five);
        assert_eq!(durations[7..9], [None, None]);
        assert_eq!(durations[9..13], [160, 320, 320, 320].map(Some));
        let ends: Vec<usize> =
            (0..14).filter(|n| ticks[*n].packet.as_ref().is_some_and(|p| p.payload[1] & 0x80 != 0)).collect();
        assert_eq!(ends, [4, 5, 6, 10, 11, 12]);
        let firsts: Vec<usize> =
            (0..14).filter(|n| ticks[*n].packet.as_ref().is_some_and(|p| p.first)).collect();
        assert_eq!(firsts, [0, 9]);
        let sent: Vec<_> = ticks.iter().filter_map(|t| t.sent).collect();
        assert_eq!(sent, ['5', '#']);
    }

    #[test]
    fn the_queue_is_bounded_and_abandoned_digits_are_named() {
        let mut sender = Sender::default();
        for n in 0..WAITING {
            assert!(sender.press((n % 10) as u8, Duration::ZERO));
        }
        assert!(!sender.press(1, Duration::ZERO));
        sender.tick(48_000);
        let abandoned = sender.abandon();
        assert_eq!((abandoned.len(), abandoned[0], abandoned[11]), (WAITING, '0', '1'));
        assert_eq!(sender.tick(48_000), Tick::default());
    }

    #[test]
    fn the_longest_digit_does_not_overflow() {
        let mut sender = Sender::default();
        assert!(sender.press(0, Duration::MAX));
        let count = std::iter::from_fn(|| sender.tick(48_000).packet).count();
        assert_eq!(count, 302);
    }
}
