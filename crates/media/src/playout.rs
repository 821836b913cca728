//! The playout buffer: packets in any order on one side, 20 ms of sound every 20 ms on the other.
//!
//! It holds as little as the network allows. A gap in front of a later packet is a loss and is filled at
//! once. An empty buffer is a delay: sound is made up, and the packet that comes after all is played
//! after it, which leaves the buffer one frame deeper. What turns out not to be needed is dropped again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::FRAME;
use crate::codec::{Codec, Decoder};

/// Frames that wait before playing starts.
const INITIAL: u32 = 2;
/// The most that adaptation may ask for: 200 ms.
const DEEPEST: u32 = 10;
/// Packets that may wait: 2 s of 20 ms frames. More is a flood or a stall; the oldest go.
const PACKETS: usize = 100;
/// Gaps up to this are losses to be filled; longer ones are pauses of the sender. 120 ms.
const LOSS: u64 = 6 * FRAME as u64;
/// Frames made up in a row before silence takes over.
const MADE_UP: u32 = 5;
/// Frames between two looks at whether the buffer is deeper than it has to be: half a second.
const REVIEW: u32 = 25;
/// Frames too many from which they are dropped at once: 100 ms.
const JUMP: u64 = 5;
/// Reviews without trouble before less is tried: 20 s.
const CALM: u32 = 40;

/// 20 ms to play.
pub(crate) struct Played {
    pub(crate) samples: [i16; FRAME],
    /// Decoded from a packet, at least in part, and not made up.
    pub(crate) real: bool,
}

struct Packet {
    codec: Codec,
    payload: Arc<[u8]>,
    samples: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting until there is enough, for so many frames already.
    Filling(u32),
    /// The timestamp that is played next, in samples at 48 kHz.
    Playing(u64),
}

pub(crate) struct Playout {
    state: State,
    target: u32,
    packets: BTreeMap<u64, Packet>,
    decoder: Option<(Codec, Decoder)>,
    /// Decoded and not played yet.
    sound: VecDeque<i16>,
    /// The last timestamp as it was extended, and as it came.
    extended: Option<(u64, u32)>,
    made_up: u32,
    shallowest: u64,
    reviewed: u32,
    calm: u32,
    pub(crate) late: u64,
    pub(crate) concealed: u64,
}

impl Playout {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Filling(0),
            target: INITIAL,
            packets: BTreeMap::new(),
            decoder: None,
            sound: VecDeque::new(),
            extended: None,
            made_up: 0,
            shallowest: u64::MAX,
            reviewed: 0,
            calm: 0,
            late: 0,
            concealed: 0,
        }
    }

    /// Forget the stream: another source begins, or the peer was put on hold.
    pub(crate) fn reset(&mut self) {
        self.packets.clear();
        self.sound.clear();
        self.decoder = None;
        self.extended = None;
        self.state = State::Filling(0);
        self.made_up = 0;
    }

    /// A packet came. Timestamps are those of RTP, in the clock of the codec.
    pub(crate) fn push(&mut self, codec: Codec, timestamp: u32, payload: Arc<[u8]>) {
        let samples = codec.samples(&payload) as u64;
        if samples == 0 {
            return;
        }
        let at = self.extend(timestamp) * u64::from(48_000 / codec.clock());
        if let State::Playing(next) = self.state {
            if at + samples <= next {
                self.late += 1;
                self.deepen();
                return;
            }
            if at == next && (1..=MADE_UP).contains(&self.made_up) && self.packets.is_empty() {
                // It was only delayed: the sound made up meanwhile deepened the buffer already.
                self.deepen();
            }
        }
        self.packets.insert(at, Packet { codec, payload, samples });
        while self.packets.len() > PACKETS {
            self.packets.pop_first();
        }
    }

    /// The next 20 ms.
    pub(crate) fn pull(&mut self) -> Played {
        self.fill();
        let mut real = false;
        while self.sound.len() < FRAME {
            match self.step() {
                Step::Decoded => real = true,
                Step::MadeUp => {}
                Step::Nothing => break,
            }
        }
        let mut samples = [0; FRAME];
        let ready = self.sound.len().min(FRAME);
        for (sample, played) in samples.iter_mut().zip(self.sound.drain(..ready)) {
            *sample = played;
        }
        self.review();
        Played { samples, real }
    }

    /// How much waits.
    pub(crate) fn buffered(&self) -> Duration {
        let samples = self.depth() + self.sound.len() as u64;
        Duration::from_micros(samples * 1_000 / 48)
    }

    fn depth(&self) -> u64 {
        self.packets.values().map(|packet| packet.samples).sum()
    }

    fn deepen(&mut self) {
        self.calm = 0;
        self.target = (self.target + 1).min(DEEPEST);
    }

    /// Start playing once there is enough, or once it has waited long enough for more.
    fn fill(&mut self) {
        let State::Filling(waited) = self.state else { return };
        let Some(first) = self.packets.first_key_value().map(|(at, _)| *at) else { return };
        if waited >= self.target || self.depth() > u64::from(self.target) * FRAME as u64 {
            self.state = State::Playing(first);
            self.made_up = 0;
            (self.shallowest, self.reviewed) = (u64::MAX, 0);
        } else {
            self.state = State::Filling(waited + 1);
        }
    }

    /// Make some sound.
    fn step(&mut self) -> Step {
        let State::Playing(next) = self.state else {
            // The tail of what was made up before playing stopped is gone already: silence.
            return Step::Nothing;
        };
        let Some((at, _)) = self.packets.first_key_value() else {
            return self.starve();
        };
        let at = *at;
        // What was made up while nothing was there has covered that much of the gap.
        let covered = u64::from(std::mem::take(&mut self.made_up)) * FRAME as u64;
        let next = next.max(at.min(next + covered));
        if at > next + LOSS {
            // The sender paused. Fill up anew, or the first delay after the pause would be heard.
            self.state = State::Filling(0);
            return Step::Nothing;
        }
        if at > next {
            let packet = &self.packets[&at];
            let follows = at <= next + FRAME as u64;
            let next_payload = (follows && packet.codec == Codec::Opus).then(|| packet.payload.clone());
            let made = self.conceal(next_payload.as_deref());
            let needed = (at - next).min(FRAME as u64);
            self.sound.extend(&made[..needed as usize]);
            self.state = State::Playing(next + needed);
            self.concealed += 1;
            return Step::MadeUp;
        }
        let Some((at, packet)) = self.packets.pop_first() else { return Step::Nothing };
        if at + packet.samples <= next {
            return Step::MadeUp;
        }
        self.state = State::Playing(at + packet.samples);
        if self.decoder.as_ref().is_none_or(|(codec, _)| *codec != packet.codec) {
            self.decoder = Some((packet.codec, Decoder::new(packet.codec)));
        }
        let decoder = self.decoder.as_mut().map(|(_, decoder)| decoder);
        match decoder.and_then(|decoder| decoder.decode(&packet.payload)) {
            Some(sound) => {
                // What overlaps was played already.
                self.sound.extend(&sound[(next - at) as usize..]);
                Step::Decoded
            }
            None => {
                let made = self.conceal(None);
                self.sound.extend(&made);
                Step::MadeUp
            }
        }
    }

    /// There is no packet. The timestamp does not move: whatever comes late is still played.
    fn starve(&mut self) -> Step {
        self.made_up += 1;
        if self.made_up > MADE_UP {
            self.state = State::Filling(0);
            return Step::Nothing;
        }
        self.concealed += 1;
        let made = self.conceal(None);
        self.sound.extend(&made);
        Step::MadeUp
    }

    fn conceal(&mut self, next: Option<&[u8]>) -> Vec<i16> {
        match &mut self.decoder {
            Some((_, decoder)) => decoder.conceal(next),
            None => vec![0; FRAME],
        }
    }

    /// Drop a frame when the buffer was never as shallow as it may be; try less after a calm while.
    fn review(&mut self) {
        if !matches!(self.state, State::Playing(_)) {
            return;
        }
        self.shallowest = self.shallowest.min(self.depth());
        self.reviewed += 1;
        if self.reviewed < REVIEW {
            return;
        }
        let excess = (self.shallowest / FRAME as u64).saturating_sub(u64::from(self.target));
        // A frame at a time is hardly heard. After a stall that would take a minute, in which two people talk
        // past each other: then a jump is better.
        let dropped = if excess > JUMP { excess } else { excess.min(1) };
        let before = self.sound.len();
        for _ in 0..dropped {
            self.step();
            self.sound.truncate(before);
        }
        self.calm += 1;
        if self.calm >= CALM && self.target > INITIAL {
            self.calm = 0;
            self.target -= 1;
        }
        (self.shallowest, self.reviewed) = (u64::MAX, 0);
    }

    /// Undo the wrap of a timestamp: the nearest one to the last.
    fn extend(&mut self, timestamp: u32) -> u64 {
        // Far from zero, so that what comes before the first packet does not go below it.
        let extended = match self.extended {
            None => (1 << 40) + u64::from(timestamp),
            Some((last, wrapped)) => {
                last.wrapping_add_signed(i64::from(timestamp.wrapping_sub(wrapped).cast_signed()))
            }
        };
        self.extended = Some((extended, timestamp));
        extended
    }
}

enum Step {
    Decoded,
    MadeUp,
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A μ-law frame that says its number: 160 bytes of the same value.
    fn frame(n: u32) -> (u32, Arc<[u8]>) {
        let start = 0xffff_ff00u32; // wraps soon
        (start.wrapping_add(n * 160), vec![(n % 100) as u8; 160].into())
    }

    fn push(playout: &mut Playout, n: u32) {
        let (timestamp, payload) = frame(n);
        playout.push(Codec::Pcmu, timestamp, payload);
    }

    fn real(playout: &mut Playout, frames: usize) -> usize {
        (0..frames).filter(|_| playout.pull().real).count()
    }

    #[test]
    fn everything_is_played_once_in_order_across_the_wrap() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in 0..200 {
            push(&mut playout, n);
            played += usize::from(playout.pull().real);
        }
        played += real(&mut playout, 10);
        assert_eq!((played, playout.late), (200, 0));
        assert!(playout.concealed <= u64::from(MADE_UP), "only the end was made up");
    }

    #[test]
    fn reordered_packets_are_put_in_order_and_duplicates_dropped() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in (0..200).step_by(2) {
            push(&mut playout, n + 1);
            push(&mut playout, n);
            push(&mut playout, n);
            played += real(&mut playout, 2);
        }
        played += real(&mut playout, 10);
        assert_eq!(played, 200);
    }

    #[test]
    fn a_loss_is_filled_and_delays_nothing() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in 0..100 {
            if n % 10 != 5 {
                push(&mut playout, n);
            }
            played += real(&mut playout, 1);
        }
        played += real(&mut playout, 10);
        assert_eq!(played, 90);
        assert!((10..=10 + u64::from(MADE_UP)).contains(&playout.concealed), "{}", playout.concealed);
    }

    #[test]
    fn jitter_makes_the_buffer_deeper_and_calm_makes_it_shallow_again() {
        let mut playout = Playout::new();
        // Bursts of four: every packet but the last of each burst is late by up to 60 ms.
        for burst in 0..50 {
            for n in 0..4 {
                push(&mut playout, burst * 4 + n);
            }
            real(&mut playout, 4);
        }
        let before = playout.concealed;
        for burst in 50..100 {
            for n in 0..4 {
                push(&mut playout, burst * 4 + n);
            }
            real(&mut playout, 4);
        }
        assert_eq!(playout.concealed, before, "it learnt");
        let deep = playout.buffered();
        for n in 400..3_400 {
            push(&mut playout, n);
            real(&mut playout, 1);
        }
        assert!(playout.buffered() <= Duration::from_millis(80), "{:?} -> {:?}", deep, playout.buffered());
        assert!(playout.concealed - before < 10);
    }

    #[test]
    fn packets_may_be_of_any_length() {
        for ms in [10, 30, 60] {
            let mut playout = Playout::new();
            let mut filled = 0;
            for n in 0..1_200 / ms {
                playout.push(Codec::Pcma, n * ms * 8, vec![0x10; ms as usize * 8].into());
                while filled + 20 <= n * ms {
                    playout.pull();
                    filled += 20;
                }
            }
            assert_eq!((playout.late, playout.concealed), (0, 0), "{ms} ms");
            assert!(playout.buffered() <= Duration::from_millis(120), "{ms} ms: {:?}", playout.buffered());
        }
    }

    #[test]
    fn a_gap_that_was_made_up_does_not_delay_what_follows() {
        let mut playout = Playout::new();
        for digit in 0..10 {
            // A sender that says nothing while it sends a digit of 100 ms.
            for n in digit * 30..digit * 30 + 25 {
                push(&mut playout, n);
                playout.pull();
            }
            assert!(real(&mut playout, 5) <= 3);
        }
        assert!(playout.buffered() <= Duration::from_millis(80), "{:?}", playout.buffered());
    }

    #[test]
    fn a_stall_is_not_a_delay_for_ever() {
        let mut playout = Playout::new();
        for n in 0..50 {
            push(&mut playout, n);
            playout.pull();
        }
        // The host stood still for a second, and everything came at once.
        for n in 50..100 {
            push(&mut playout, n);
        }
        assert!(playout.buffered() > Duration::from_millis(900));
        for n in 100..160 {
            push(&mut playout, n);
            playout.pull();
        }
        assert!(playout.buffered() <= Duration::from_millis(100), "{:?}", playout.buffered());
    }

    #[test]
    fn a_pause_is_silence_and_what_follows_is_played() {
        let mut playout = Playout::new();
        for n in 0..50 {
            push(&mut playout, n);
            playout.pull();
        }
        for _ in 0..10 {
            playout.pull();
        }
        assert!((0..10).all(|_| playout.pull().samples == [0; FRAME]));
        let mut played = 0;
        for n in 90..140 {
            push(&mut playout, n);
            played += real(&mut playout, 1);
        }
        assert!(played >= 47, "{played}");
    }

    #[test]
    fn a_flood_is_bounded() {
        let mut playout = Playout::new();
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            let payload: Vec<u8> = vec![0; random.usize(0..400)];
            playout.push(Codec::Pcmu, random.u32(..), payload.into());
            if random.u8(..) < 10 {
                playout.pull();
            }
            assert!(playout.packets.len() <= PACKETS && playout.sound.len() < 10 * FRAME);
        }
    }
}
