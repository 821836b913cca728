//! Sends one digit after another, a packet every 20 ms (RFC 4733 §2.5.1).

use std::collections::VecDeque;
use std::time::Duration;

use super::keypad::key_of_event;

const TICK: Duration = Duration::from_millis(20);
const MIN_DURATION: Duration = Duration::from_millis(40);
const MAX_DURATION: Duration = Duration::from_secs(6);
/// How often the last packet is sent (RFC 4733 §2.5.1.4).
const END_PACKETS: u32 = 3;
/// Ticks between the last packet of one digit and the first of the next. With the two retransmissions before it the
/// pause is 80 ms, more than the 40 ms that tone equipment behind a gateway needs (ITU-T Q.24).
const PAUSE_TICKS: u32 = 2;
/// The most digits in the queue.
const MAX_QUEUED: usize = 64;
/// -10 dBm0, as browsers send (RFC 4733 §2.3.3).
const VOLUME: u8 = 10;

/// A packet of a digit.
#[derive(Debug, PartialEq)]
pub(crate) struct Packet {
    /// The first packet gives the digit its timestamp and carries the marker.
    pub(crate) first: bool,
    pub(crate) payload: [u8; 4],
}

/// The result of a tick.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tick {
    pub(crate) packet: Option<Packet>,
    /// A digit that was sent completely.
    pub(crate) sent: Option<char>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Pressed {
        code: u8,
        ticks: u32,
        total_ticks: u32,
    },
    Released {
        code: u8,
        duration: u16,
        remaining: u32,
    },
    Pause(u32),
}

#[derive(Debug, Default)]
pub(crate) struct EventSender {
    queue: VecDeque<(u8, Duration)>,
    state: State,
}

impl EventSender {
    /// False when the queue is full.
    #[must_use]
    pub(crate) fn queue(&mut self, code: u8, duration: Duration) -> bool {
        let room = self.queue.len() < MAX_QUEUED;
        if room {
            self.queue.push_back((code, duration.clamp(MIN_DURATION, MAX_DURATION)));
        }
        room
    }

    /// True while a digit takes the place of the audio.
    pub(crate) fn is_sending(&self) -> bool {
        matches!(self.state, State::Pressed { .. } | State::Released { .. })
    }

    /// Drops and returns all digits that were not sent completely, the current one first.
    pub(crate) fn abandon(&mut self) -> Vec<char> {
        let current = match std::mem::take(&mut self.state) {
            State::Pressed { code, .. } | State::Released { code, .. } => Some(code),
            State::Idle | State::Pause(_) => None,
        };
        current
            .into_iter()
            .chain(self.queue.drain(..).map(|(code, _)| code))
            .filter_map(key_of_event)
            .collect()
    }

    /// Advances by 20 ms. `clock` is that of the negotiated telephone-event.
    pub(crate) fn tick(&mut self, clock: u32) -> Tick {
        if matches!(self.state, State::Idle) {
            let Some((code, duration)) = self.queue.pop_front() else { return Tick::default() };
            let total_ticks = duration.as_millis().div_ceil(TICK.as_millis()) as u32;
            self.state = State::Pressed { code, ticks: 0, total_ticks };
        }
        match self.state {
            State::Idle => Tick::default(),
            State::Pressed { code, ticks, total_ticks } => {
                let ticks = ticks + 1;
                // Six seconds at 48 kHz do not fit 16 bits. RFC 4733 §2.5.1.3 would start a segment; a digit
                // that long means "held down", which the largest value conveys as well.
                let duration = u16::try_from(ticks * clock / 50).unwrap_or(u16::MAX);
                let end = ticks >= total_ticks;
                self.state = if end {
                    State::Released { code, duration, remaining: END_PACKETS - 1 }
                } else {
                    State::Pressed { code, ticks, total_ticks }
                };
                Tick {
                    packet: Some(Packet { first: ticks == 1, payload: payload(code, end, duration) }),
                    sent: None,
                }
            }
            State::Released { code, duration, remaining } => {
                let last = remaining == 1;
                self.state = match last {
                    true => State::Pause(PAUSE_TICKS),
                    false => State::Released { code, duration, remaining: remaining - 1 },
                };
                let packet = Packet { first: false, payload: payload(code, true, duration) };
                Tick { packet: Some(packet), sent: if last { key_of_event(code) } else { None } }
            }
            State::Pause(remaining) => {
                self.state = if remaining > 1 { State::Pause(remaining - 1) } else { State::Idle };
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
    use crate::digits::event_code;

    #[test]
    fn digit_is_sent_as_updates_three_ends_and_a_pause() {
        let mut sender = EventSender::default();
        assert!(event_code('5').is_some_and(|c| sender.queue(c, Duration::from_millis(100))));
        assert!(event_code('#').is_some_and(|c| sender.queue(c, Duration::from_millis(40))));
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
    fn queue_is_bounded_and_abandon_returns_unsent_digits() {
        let mut sender = EventSender::default();
        for n in 0..MAX_QUEUED {
            assert!(sender.queue((n % 10) as u8, Duration::ZERO));
        }
        assert!(!sender.queue(1, Duration::ZERO));
        sender.tick(48_000);
        let abandoned = sender.abandon();
        assert_eq!((abandoned.len(), abandoned[0], abandoned[11]), (MAX_QUEUED, '0', '1'));
        assert_eq!(sender.tick(48_000), Tick::default());
    }

    #[test]
    fn longest_digit_does_not_overflow() {
        let mut sender = EventSender::default();
        assert!(sender.queue(0, Duration::MAX));
        let count = std::iter::from_fn(|| sender.tick(48_000).packet).count();
        assert_eq!(count, 302);
    }
}
