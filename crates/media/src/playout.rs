//! The playout buffer: takes packets in any order, and returns 20 ms of audio every 20 ms.
//!
//! It adapts its depth to the network. A gap before a later packet is a loss and is concealed immediately. An empty buffer is a
//! delay: audio is concealed, and a packet that arrives late is played after it, which leaves the buffer one frame deeper. Excess depth
//! is dropped later.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::FRAME;
use crate::codec::{Codec, Decoder};

/// The initial and least target depth, in frames.
const MIN_TARGET: u32 = 2;
/// The greatest target depth: 200 ms.
const MAX_TARGET: u32 = 10;
/// The most packets in the buffer: 2 s of 20 ms frames. More are a flood or a stall; the oldest are dropped.
const MAX_PACKETS: usize = 100;
/// The longest gap that is concealed as a loss: 120 ms. Longer ones are pauses of the sender.
const MAX_GAP: u64 = 6 * FRAME as u64;
/// The most frames concealed in a row; silence follows.
const MAX_CONCEALED: u32 = 5;
/// Frames between two reviews of the depth: half a second.
const REVIEW_INTERVAL: u32 = 25;
/// The most excess frames that are dropped one at a time: 100 ms. More are dropped together.
const MAX_EXCESS: u64 = 5;
/// Reviews without a late packet after which the target is reduced: 20 s.
const STABLE_REVIEWS: u32 = 40;

/// 20 ms to play.
pub(crate) struct Played {
    pub(crate) samples: [i16; FRAME],
    /// At least a part was decoded from a packet, and not concealed.
    pub(crate) decoded: bool,
}

struct Packet {
    codec: Codec,
    payload: Arc<[u8]>,
    samples: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting until there is enough; the number of frames waited.
    Filling(u32),
    /// The timestamp to play next, in samples at 48 kHz.
    Playing(u64),
}

pub(crate) struct Playout {
    state: State,
    target: u32,
    packets: BTreeMap<u64, Packet>,
    decoder: Option<(Codec, Decoder)>,
    /// Decoded samples that were not played yet.
    samples: VecDeque<i16>,
    /// The last timestamp, extended and as received.
    extended: Option<(u64, u32)>,
    concealed_in_a_row: u32,
    least_depth: u64,
    frames_since_review: u32,
    stable_reviews: u32,
    pub(crate) late: u64,
    pub(crate) concealed: u64,
}

impl Playout {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Filling(0),
            target: MIN_TARGET,
            packets: BTreeMap::new(),
            decoder: None,
            samples: VecDeque::new(),
            extended: None,
            concealed_in_a_row: 0,
            least_depth: u64::MAX,
            frames_since_review: 0,
            stable_reviews: 0,
            late: 0,
            concealed: 0,
        }
    }

    /// Forgets the stream: another source starts, or the peer was put on hold.
    pub(crate) fn reset(&mut self) {
        self.packets.clear();
        self.samples.clear();
        self.decoder = None;
        self.extended = None;
        self.state = State::Filling(0);
        self.concealed_in_a_row = 0;
    }

    /// Adds a packet. Timestamps are those of RTP, in the clock of the codec.
    pub(crate) fn push(&mut self, codec: Codec, timestamp: u32, payload: Arc<[u8]>) {
        let samples = codec.samples(&payload) as u64;
        if samples == 0 {
            return;
        }
        let at = self.extend(timestamp) * u64::from(48_000 / codec.clock());
        if let State::Playing(next) = self.state {
            if at + samples <= next {
                self.late += 1;
                self.increase_target();
                return;
            }
            if at == next && (1..=MAX_CONCEALED).contains(&self.concealed_in_a_row) && self.packets.is_empty()
            {
                // It was only delayed: the concealment in the meantime has already deepened the buffer.
                self.increase_target();
            }
        }
        self.packets.insert(at, Packet { codec, payload, samples });
        while self.packets.len() > MAX_PACKETS {
            self.packets.pop_first();
        }
    }

    /// The next 20 ms.
    pub(crate) fn pull(&mut self) -> Played {
        self.start_if_ready();
        let mut decoded = false;
        while self.samples.len() < FRAME {
            match self.step() {
                Step::Decoded => decoded = true,
                Step::Concealed => {}
                Step::Nothing => break,
            }
        }
        let mut samples = [0; FRAME];
        let ready = self.samples.len().min(FRAME);
        for (sample, played) in samples.iter_mut().zip(self.samples.drain(..ready)) {
            *sample = played;
        }
        self.adapt();
        Played { samples, decoded }
    }

    /// The duration of all buffered audio.
    pub(crate) fn buffered(&self) -> Duration {
        let samples = self.depth() + self.samples.len() as u64;
        Duration::from_micros(samples * 1_000 / 48)
    }

    fn depth(&self) -> u64 {
        self.packets.values().map(|packet| packet.samples).sum()
    }

    fn increase_target(&mut self) {
        self.stable_reviews = 0;
        self.target = (self.target + 1).min(MAX_TARGET);
    }

    /// Starts playing once the target depth is reached, or has been waited for.
    fn start_if_ready(&mut self) {
        let State::Filling(frames_waited) = self.state else { return };
        let Some(first) = self.packets.first_key_value().map(|(at, _)| *at) else { return };
        if frames_waited >= self.target || self.depth() > u64::from(self.target) * FRAME as u64 {
            self.state = State::Playing(first);
            self.concealed_in_a_row = 0;
            (self.least_depth, self.frames_since_review) = (u64::MAX, 0);
        } else {
            self.state = State::Filling(frames_waited + 1);
        }
    }

    /// Produces some samples.
    fn step(&mut self) -> Step {
        let State::Playing(next) = self.state else {
            // All concealed audio was played before playing stopped: silence.
            return Step::Nothing;
        };
        let Some((at, _)) = self.packets.first_key_value() else {
            return self.conceal_underrun();
        };
        let at = *at;
        // Concealment during an underrun has covered that much of the gap.
        let concealed_samples = u64::from(std::mem::take(&mut self.concealed_in_a_row)) * FRAME as u64;
        let next = next.max(at.min(next + concealed_samples));
        if at > next + MAX_GAP {
            // The sender paused. Fill the buffer again, or the first delay after the pause would be audible.
            self.state = State::Filling(0);
            return Step::Nothing;
        }
        if at > next {
            let packet = &self.packets[&at];
            let follows = at <= next + FRAME as u64;
            let next_payload = (follows && packet.codec == Codec::Opus).then(|| packet.payload.clone());
            let concealed = self.conceal(next_payload.as_deref());
            let needed = (at - next).min(FRAME as u64);
            self.samples.extend(&concealed[..needed as usize]);
            self.state = State::Playing(next + needed);
            self.concealed += 1;
            return Step::Concealed;
        }
        let Some((at, packet)) = self.packets.pop_first() else { return Step::Nothing };
        if at + packet.samples <= next {
            return Step::Concealed;
        }
        self.state = State::Playing(at + packet.samples);
        if self.decoder.as_ref().is_none_or(|(codec, _)| *codec != packet.codec) {
            self.decoder = Some((packet.codec, Decoder::new(packet.codec)));
        }
        let decoder = self.decoder.as_mut().map(|(_, decoder)| decoder);
        match decoder.and_then(|decoder| decoder.decode(&packet.payload)) {
            Some(samples) => {
                // The overlap was played already.
                self.samples.extend(&samples[(next - at) as usize..]);
                Step::Decoded
            }
            None => {
                let concealed = self.conceal(None);
                self.samples.extend(&concealed);
                Step::Concealed
            }
        }
    }

    /// There is no packet. The timestamp does not advance: late packets are still played.
    fn conceal_underrun(&mut self) -> Step {
        self.concealed_in_a_row += 1;
        if self.concealed_in_a_row > MAX_CONCEALED {
            self.state = State::Filling(0);
            return Step::Nothing;
        }
        self.concealed += 1;
        let concealed = self.conceal(None);
        self.samples.extend(&concealed);
        Step::Concealed
    }

    fn conceal(&mut self, next: Option<&[u8]>) -> Vec<i16> {
        match &mut self.decoder {
            Some((_, decoder)) => decoder.conceal(next),
            None => vec![0; FRAME],
        }
    }

    /// Drops frames when the depth stayed above the target, and reduces the target when it was sufficient for a while.
    fn adapt(&mut self) {
        if !matches!(self.state, State::Playing(_)) {
            return;
        }
        self.least_depth = self.least_depth.min(self.depth());
        self.frames_since_review += 1;
        if self.frames_since_review < REVIEW_INTERVAL {
            return;
        }
        let excess = (self.least_depth / FRAME as u64).saturating_sub(u64::from(self.target));
        // Dropping one frame at a time is hardly audible. After a stall it would take a minute to remove the delay: then a jump is
        // better.
        let dropped = if excess > MAX_EXCESS { excess } else { excess.min(1) };
        let before = self.samples.len();
        for _ in 0..dropped {
            self.step();
            self.samples.truncate(before);
        }
        self.stable_reviews += 1;
        if self.stable_reviews >= STABLE_REVIEWS && self.target > MIN_TARGET {
            self.stable_reviews = 0;
            self.target -= 1;
        }
        (self.least_depth, self.frames_since_review) = (u64::MAX, 0);
    }

    /// Extends a timestamp to 64 bits: the value nearest to the last one.
    fn extend(&mut self, timestamp: u32) -> u64 {
        // Far from zero, so that earlier packets than the first do not wrap.
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
    Concealed,
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A μ-law frame: 160 bytes of the value `n % 100`.
    fn frame(n: u32) -> (u32, Arc<[u8]>) {
        let start = 0xffff_ff00u32; // wraps soon
        (start.wrapping_add(n * 160), vec![(n % 100) as u8; 160].into())
    }

    fn push(playout: &mut Playout, n: u32) {
        let (timestamp, payload) = frame(n);
        playout.push(Codec::Pcmu, timestamp, payload);
    }

    fn decoded(playout: &mut Playout, frames: usize) -> usize {
        (0..frames).filter(|_| playout.pull().decoded).count()
    }

    #[test]
    fn packets_are_played_once_in_order_across_the_timestamp_wrap() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in 0..200 {
            push(&mut playout, n);
            played += usize::from(playout.pull().decoded);
        }
        played += decoded(&mut playout, 10);
        assert_eq!((played, playout.late), (200, 0));
        assert!(playout.concealed <= u64::from(MAX_CONCEALED), "only the end was concealed");
    }

    #[test]
    fn packets_are_reordered_and_duplicates_dropped() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in (0..200).step_by(2) {
            push(&mut playout, n + 1);
            push(&mut playout, n);
            push(&mut playout, n);
            played += decoded(&mut playout, 2);
        }
        played += decoded(&mut playout, 10);
        assert_eq!(played, 200);
    }

    #[test]
    fn loss_is_concealed_without_delay() {
        let mut playout = Playout::new();
        let mut played = 0;
        for n in 0..100 {
            if n % 10 != 5 {
                push(&mut playout, n);
            }
            played += decoded(&mut playout, 1);
        }
        played += decoded(&mut playout, 10);
        assert_eq!(played, 90);
        assert!((10..=10 + u64::from(MAX_CONCEALED)).contains(&playout.concealed), "{}", playout.concealed);
    }

    #[test]
    fn depth_follows_jitter() {
        let mut playout = Playout::new();
        // Bursts of four: every packet but the last of each burst is late by up to 60 ms.
        for burst in 0..50 {
            for n in 0..4 {
                push(&mut playout, burst * 4 + n);
            }
            decoded(&mut playout, 4);
        }
        let before = playout.concealed;
        for burst in 50..100 {
            for n in 0..4 {
                push(&mut playout, burst * 4 + n);
            }
            decoded(&mut playout, 4);
        }
        assert_eq!(playout.concealed, before, "the target was increased");
        let deep = playout.buffered();
        for n in 400..3_400 {
            push(&mut playout, n);
            decoded(&mut playout, 1);
        }
        assert!(playout.buffered() <= Duration::from_millis(80), "{:?} -> {:?}", deep, playout.buffered());
        assert!(playout.concealed - before < 10);
    }

    #[test]
    fn packets_of_any_duration_are_played() {
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
    fn concealed_gap_does_not_delay_later_packets() {
        let mut playout = Playout::new();
        for digit in 0..10 {
            // A sender that sends no audio during a digit of 100 ms.
            for n in digit * 30..digit * 30 + 25 {
                push(&mut playout, n);
                playout.pull();
            }
            assert!(decoded(&mut playout, 5) <= 3);
        }
        assert!(playout.buffered() <= Duration::from_millis(80), "{:?}", playout.buffered());
    }

    #[test]
    fn delay_after_a_stall_is_removed() {
        let mut playout = Playout::new();
        for n in 0..50 {
            push(&mut playout, n);
            playout.pull();
        }
        // The host was suspended for a second, and all packets arrived together.
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
    fn pause_is_silence_and_later_packets_are_played() {
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
            played += decoded(&mut playout, 1);
        }
        assert!(played >= 47, "{played}");
    }

    #[test]
    fn flood_is_bounded() {
        let mut playout = Playout::new();
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            let payload: Vec<u8> = vec![0; random.usize(0..400)];
            playout.push(Codec::Pcmu, random.u32(..), payload.into());
            if random.u8(..) < 10 {
                playout.pull();
            }
            assert!(playout.packets.len() <= MAX_PACKETS && playout.samples.len() < 10 * FRAME);
        }
    }
}
