//! Detects in-band DTMF (ITU-T Q.23, Q.24), for peers without telephone-event.

use std::f32::consts::TAU;
use std::time::Duration;

use super::keypad::ReceivedDigit;
use crate::FRAME;
use crate::codec::resample::Downsampler;

const RATE: f32 = 8000.0;
/// Samples in a block of 25.6 ms: the eight frequencies fall near the middle of their bins.
const BLOCK: usize = 205;
/// Samples between the starts of two blocks: 10 ms.
const HOP: usize = 80;
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// The least power of each tone, as a share of full scale: -36 dBFS.
const MIN_POWER: f32 = 2.5e-4;
/// The least share of the total power in the two tones; below it, the block is speech.
const MIN_PURITY: f32 = 0.7;
/// The least ratio of the strongest tone of a group to the second: 8 dB.
const MIN_CONTRAST: f32 = 6.3;
/// Twist (ITU-T Q.24): the high tone 4 dB above to 8 dB below the low one.
const TWIST: std::ops::RangeInclusive<f32> = 0.158..=2.51;
/// Consecutive blocks after which a key counts as pressed (40 ms of tone), and as released.
const DOWN_BLOCKS: u32 = 3;
const UP_BLOCKS: u32 = 3;

pub(crate) struct DtmfDetector {
    down: Downsampler,
    samples: Vec<f32>,
    /// The key of the last block, and in how many blocks in a row.
    last_block: (Option<char>, u32),
    /// The pressed key, and for how many blocks.
    pressed: Option<(char, u32)>,
}

impl DtmfDetector {
    pub(crate) fn new() -> Self {
        Self {
            down: Downsampler::new(),
            samples: Vec::with_capacity(BLOCK + FRAME / 6),
            last_block: (None, 0),
            pressed: None,
        }
    }

    /// Processes 20 ms. Returns a digit once its key is released.
    pub(crate) fn push(&mut self, frame: &[i16; FRAME]) -> Option<ReceivedDigit> {
        self.samples.extend(self.down.process(frame).into_iter().map(|s| f32::from(s) / 32768.0));
        let mut released = None;
        while self.samples.len() >= BLOCK {
            let key = key(&self.samples[..BLOCK]);
            released = self.on_block(key).or(released);
            self.samples.drain(..HOP);
        }
        released
    }

    fn on_block(&mut self, key: Option<char>) -> Option<ReceivedDigit> {
        self.last_block = if key == self.last_block.0 { (key, self.last_block.1 + 1) } else { (key, 1) };
        match (&mut self.pressed, self.last_block) {
            (None, (Some(key), DOWN_BLOCKS..)) => self.pressed = Some((key, DOWN_BLOCKS)),
            (Some((pressed, blocks)), (Some(key), _)) if *pressed == key => *blocks += 1,
            (Some((digit, blocks)), (_, UP_BLOCKS..)) => {
                // A block extends 15 ms beyond its hop, half of it at each end.
                let duration = Duration::from_millis(u64::from(*blocks) * 10 + 15);
                let released = ReceivedDigit { digit: *digit, duration };
                self.pressed = None;
                return Some(released);
            }
            _ => {}
        }
        None
    }
}

/// The key whose two tones are in this block.
fn key(block: &[f32]) -> Option<char> {
    let total: f32 = block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32;
    if total < 2.0 * MIN_POWER {
        return None;
    }
    let (row, low) = strongest(block, &ROWS)?;
    let (column, high) = strongest(block, &COLUMNS)?;
    let dtmf = low >= MIN_POWER
        && high >= MIN_POWER
        && TWIST.contains(&(high / low))
        && low + high >= MIN_PURITY * total;
    dtmf.then(|| KEYS[row][column])
}

/// The strongest tone of a group and its power; none if a second one is about as strong.
fn strongest(block: &[f32], group: &[f32; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|hz| power(block, hz));
    let best = (0..4).max_by(|a, b| powers[*a].total_cmp(&powers[*b]))?;
    let clear = (0..4).all(|n| n == best || powers[n] * MIN_CONTRAST <= powers[best]);
    clear.then(|| (best, powers[best]))
}

/// The highest power within the tolerance of an oscillator, 1.5 % (ITU-T Q.24): at high frequencies that is most of a bin.
fn power(block: &[f32], hz: f32) -> f32 {
    [0.988, 1.0, 1.012].iter().map(|off| goertzel(block, hz * off)).fold(0.0, f32::max)
}

/// The power of one frequency.
fn goertzel(block: &[f32], hz: f32) -> f32 {
    let coefficient = 2.0 * (TAU * hz / RATE).cos();
    let (mut s1, mut s2) = (0.0, 0.0);
    for sample in block {
        (s1, s2) = (sample + coefficient * s1 - s2, s1);
    }
    let magnitude = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
    2.0 * magnitude / (block.len() * block.len()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames with a sum of sines for `ms`, then silence for `pause`.
    fn tones(tones: &[(f32, f32)], ms: usize, pause: usize) -> Vec<[i16; FRAME]> {
        let samples: Vec<i16> = (0..(ms + pause) * 48)
            .map(|n| {
                let on = n < ms * 48;
                let sum: f32 = tones.iter().map(|(hz, a)| a * (TAU * hz * n as f32 / 48_000.0).sin()).sum();
                if on { sum as i16 } else { 0 }
            })
            .collect();
        samples.as_chunks().0.to_vec()
    }

    fn detect(frames: &[[i16; FRAME]]) -> Vec<ReceivedDigit> {
        let mut detector = DtmfDetector::new();
        let silence = [[0; FRAME]; 6];
        frames.iter().chain(&silence).filter_map(|frame| detector.push(frame)).collect()
    }

    #[test]
    fn each_key_is_detected_once_with_its_duration() {
        for (row, low) in ROWS.iter().enumerate() {
            for (column, high) in COLUMNS.iter().enumerate() {
                let keys = detect(&tones(&[(*low, 5000.0), (*high, 5000.0)], 100, 100));
                assert_eq!(keys.len(), 1, "{:?}", KEYS[row][column]);
                assert_eq!(keys[0].digit, KEYS[row][column]);
                assert!(keys[0].duration.as_millis().abs_diff(100) <= 30, "{keys:?}");
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_two_digits() {
        let once = tones(&[(770.0, 4000.0), (1336.0, 4000.0)], 60, 60);
        let keys = detect(&[once.clone(), once].concat());
        assert_eq!(keys.iter().map(|k| k.digit).collect::<String>(), "55");
    }

    #[test]
    fn other_sounds_are_not_detected() {
        let pair = |low, high| vec![(697.0, low), (1209.0, high)];
        assert_eq!(detect(&tones(&pair(5000.0, 5000.0), 20, 100)), [], "too short");
        assert_eq!(detect(&tones(&pair(5000.0, 0.0), 200, 100)), [], "one tone");
        assert_eq!(detect(&tones(&pair(1000.0, 9000.0), 200, 100)), [], "twist");
        assert_eq!(detect(&tones(&pair(150.0, 150.0), 200, 100)), [], "too faint");
        let chord = [(697.0, 4000.0), (1209.0, 4000.0), (440.0, 5000.0)];
        assert_eq!(detect(&tones(&chord, 200, 100)), [], "not pure");
        let two_rows = [(697.0, 4000.0), (770.0, 4000.0), (1209.0, 4000.0)];
        assert_eq!(detect(&tones(&two_rows, 200, 100)), [], "two rows");
    }

    #[test]
    fn allowed_deviation_and_twist_are_detected() {
        for (low, high) in [(1.015, 1.015), (0.985, 0.985), (1.0, 1.0)] {
            let keys = detect(&tones(&[(852.0 * low, 6000.0), (1477.0 * high, 3500.0)], 80, 80));
            assert_eq!(keys.iter().map(|k| k.digit).collect::<String>(), "9");
        }
    }
}
