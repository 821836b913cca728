//! One direction of a stream of bytes: segments with arrival times, in order.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;

use crate::hash::Draw;
use crate::scenario::Streaming;

/// The interval between two bytes of a trickle.
const PACE: Duration = Duration::from_millis(4);

/// The interval of coalescing: all data sent within it arrives together.
const GATHERED: Duration = Duration::from_millis(200);

/// The longest frame header with its mask (RFC 6455 §5.2).
const HEADER: usize = 14;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    in_flight: VecDeque<(Instant, Piece)>,
    /// The arrival of the last segment.
    last: Option<Instant>,
    /// Until when nothing arrives.
    stalled: Option<Instant>,
    /// Until when bytes arrive one by one, and when the next may.
    trickles: Option<Instant>,
    next_byte: Option<Instant>,
    /// After how many bytes the connection is reset.
    breaks: Option<usize>,
    /// When the world will look at it next.
    wake: Option<Instant>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// Nothing follows: a FIN, or a RST.
    End,
}

/// The result of delivering the due bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// All arrived.
    All,
    /// All arrived, and the stream has ended.
    End,
    /// Some arrived, and the connection was reset.
    Broken,
}

impl Pipe {
    /// The arrival of data with the delay of `at`: not before earlier data.
    pub(super) fn arrival(&mut self, at: Instant) -> Instant {
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }

    /// Sends bytes from `at` on, in segments according to `ways`. Returns the arrival of the last segment.
    pub(super) fn send(&mut self, at: Instant, bytes: Bytes, ways: &Streaming, draw: &mut Draw) -> Instant {
        let mut at = at;
        if draw.chance(ways.gather) {
            let grid = GATHERED.as_nanos() as u64;
            at = at.as_nanos().checked_next_multiple_of(grid).map_or(at, Instant::from_nanos);
        }
        let mut rest = bytes;
        if draw.chance(ways.split) {
            for _ in 0..draw.between(1, 4) {
                // Half of the splits are in the frame header.
                let within = if draw.chance(500) { rest.len().min(HEADER) } else { rest.len() };
                let piece = rest.split_to(draw.below(within as u64) as usize);
                if !piece.is_empty() {
                    self.enqueue(at, Piece::Bytes(piece));
                    at += pause(draw);
                }
            }
        }
        self.enqueue(at, Piece::Bytes(rest))
    }

    /// Ends the stream after all sent data.
    pub(super) fn end(&mut self, at: Instant) {
        self.enqueue(at, Piece::End);
    }

    fn enqueue(&mut self, at: Instant, piece: Piece) -> Instant {
        let at = self.arrival(at);
        self.in_flight.push_back((at, piece));
        at
    }

    /// Stalls until a time.
    pub(super) fn stall(&mut self, until: Instant) {
        self.stalled = self.stalled.max(Some(until));
    }

    /// Delivers bytes one at a time until a time.
    pub(super) fn trickle(&mut self, until: Instant) {
        self.trickles = self.trickles.max(Some(until));
    }

    /// Breaks after a number of bytes.
    pub(super) fn break_after(&mut self, bytes: usize) {
        self.breaks = Some(bytes);
    }

    /// Ends all faults.
    pub(super) fn heal(&mut self) {
        (self.stalled, self.trickles, self.breaks) = (None, None, None);
    }

    /// Drops all data in flight.
    pub(super) fn clear(&mut self) {
        self.in_flight.clear();
    }

    /// The time of the next delivery, unless it is scheduled. No data passes before `cut`.
    pub(super) fn wake(&mut self, cut: Instant) -> Option<Instant> {
        let due = self.due(cut).filter(|&due| self.wake.is_none_or(|wake| due < wake))?;
        self.wake = Some(due);
        Some(due)
    }

    /// Whether this is the time of the scheduled delivery.
    pub(super) fn is_awake(&mut self, now: Instant) -> bool {
        self.wake.take_if(|wake| *wake == now).is_some()
    }

    fn due(&self, cut: Instant) -> Option<Instant> {
        let &(at, ref piece) = self.in_flight.front()?;
        let at = at.max(cut).max(self.stalled.unwrap_or(at));
        let slow = matches!(piece, Piece::Bytes(_)) && self.trickles.is_some_and(|until| at < until);
        Some(if slow { at.max(self.next_byte.unwrap_or(at)) } else { at })
    }

    /// Delivers the due bytes in one read.
    pub(super) fn take(&mut self, now: Instant, cut: Instant, mut hand: impl FnMut(&[u8])) -> Delivered {
        while self.due(cut).is_some_and(|due| due <= now) {
            let Some((_, Piece::Bytes(bytes))) = self.in_flight.front_mut() else {
                self.in_flight.clear();
                return Delivered::End;
            };
            let slow = self.trickles.is_some_and(|until| now < until);
            let length = if slow { bytes.len().min(1) } else { bytes.len() };
            let mut piece = bytes.split_to(length);
            if bytes.is_empty() {
                self.in_flight.pop_front();
            }
            self.next_byte = slow.then(|| now + PACE);
            if let Some(breaks) = &mut self.breaks {
                let broken = *breaks <= length;
                piece.truncate(*breaks);
                *breaks -= piece.len();
                if broken {
                    hand(&piece);
                    return Delivered::Broken;
                }
            }
            hand(&piece);
        }
        Delivered::All
    }
}

/// The pause between two segments: none, a delayed acknowledgement, or a retransmission.
fn pause(draw: &mut Draw) -> Duration {
    let most = *draw.pick(&[0, 0, 1_000, 40_000, 400_000]);
    Duration::from_micros(draw.below(most + 1))
}
