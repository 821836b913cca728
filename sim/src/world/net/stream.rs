//! A stream of bytes, one way: in pieces, each with its time, none before the one that was sent before it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;

use crate::hash::Draw;
use crate::scenario::Streaming;

/// The time from one byte of a trickle to the next.
const PACE: Duration = Duration::from_millis(4);

/// What a way that gathers waits for: all that is sent from one multiple of it to the next arrives together.
const GATHERED: Duration = Duration::from_millis(200);

/// The longest frame header with its mask (RFC 6455 §5.2).
const HEADER: usize = 14;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    in_flight: VecDeque<(Instant, Piece)>,
    /// When the last piece arrives.
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

/// What became of the bytes that were due.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// They arrived.
    All,
    /// They arrived, and nothing follows.
    End,
    /// Some arrived, and there the connection broke.
    Broken,
}

impl Pipe {
    /// The time at which something that is sent to arrive at `at` does arrive: not before what was sent before.
    pub(super) fn arrival(&mut self, at: Instant) -> Instant {
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }

    /// Sends bytes of which the first arrive at `at`, in as many pieces as the way likes. Says when the last arrive.
    pub(super) fn send(&mut self, at: Instant, bytes: Bytes, ways: &Streaming, draw: &mut Draw) -> Instant {
        let mut at = at;
        if draw.chance(ways.gather) {
            let grid = GATHERED.as_nanos() as u64;
            at = Instant::from_nanos(at.as_nanos().next_multiple_of(grid));
        }
        let mut rest = bytes;
        if draw.chance(ways.split) {
            for _ in 0..draw.between(1, 4) {
                // Half of the cuts go through the header of the frame.
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

    /// Ends the stream behind all that was sent.
    pub(super) fn end(&mut self, at: Instant) {
        self.enqueue(at, Piece::End);
    }

    fn enqueue(&mut self, at: Instant, piece: Piece) -> Instant {
        let at = self.arrival(at);
        self.in_flight.push_back((at, piece));
        at
    }

    /// Lets nothing arrive until then.
    pub(super) fn stall(&mut self, until: Instant) {
        self.stalled = self.stalled.max(Some(until));
    }

    /// Lets bytes arrive one by one until then.
    pub(super) fn trickle(&mut self, until: Instant) {
        self.trickles = self.trickles.max(Some(until));
    }

    /// Breaks when so many more bytes have arrived.
    pub(super) fn break_after(&mut self, bytes: usize) {
        self.breaks = Some(bytes);
    }

    /// Ends all that is wrong with it.
    pub(super) fn heal(&mut self) {
        (self.stalled, self.trickles, self.breaks) = (None, None, None);
    }

    /// Loses all that is on the way.
    pub(super) fn clear(&mut self) {
        self.in_flight.clear();
    }

    /// When the world has to look at it, if it does not know that already. Nothing passes before `cut`.
    pub(super) fn wake(&mut self, cut: Instant) -> Option<Instant> {
        let due = self.due(cut).filter(|&due| self.wake.is_none_or(|wake| due < wake))?;
        self.wake = Some(due);
        Some(due)
    }

    /// Whether this is the time for which the world was asked to look.
    pub(super) fn is_awake(&mut self, now: Instant) -> bool {
        self.wake.take_if(|wake| *wake == now).is_some()
    }

    fn due(&self, cut: Instant) -> Option<Instant> {
        let &(at, ref piece) = self.in_flight.front()?;
        let at = at.max(cut).max(self.stalled.unwrap_or(at));
        let slow = matches!(piece, Piece::Bytes(_)) && self.trickles.is_some_and(|until| at < until);
        Some(if slow { at.max(self.next_byte.unwrap_or(at)) } else { at })
    }

    /// Hands over what is due: in one go, as it would be read.
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

/// Between two pieces: nothing to speak of, a delayed acknowledgement, or a retransmission.
fn pause(draw: &mut Draw) -> Duration {
    let most = *draw.pick(&[0, 0, 1_000, 40_000, 400_000]);
    Duration::from_micros(draw.below(most + 1))
}
