//! Hears DTMF in the audio (ITU-T Q.23, Q.24), for peers without telephone-event.

use std::f32::consts::TAU;
use std::time::Duration;

use super::receiver::Received;
use crate::FRAME;
use crate::codec::resample::Down;

const RATE: f32 = 8000.0;
/// 25.6 ms: the eight frequencies fall near the middle of their bins.
const BLOCK: usize = 205;
/// A look every 10 ms.
const HOP: usize = 80;
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Each tone at least this loud, as a share of full-scale power: -36 dBFS.
const FAINTEST: f32 = 2.5e-4;
/// The two tones hold this share of all power, or it is speech.
const PURE: f32 = 0.7;
/// The strongest of a group beats the second of its group by 8 dB.
const CLEAR: f32 = 6.3;
/// Twist (ITU-T Q.24): the high tone 4 dB above to 8 dB below the low one.
const TWIST: std::ops::RangeInclusive<f32> = 0.158..=2.51;
/// Looks that must agree for a key to be down (40 ms of tone) and to be up again.
const DOWN: u32 = 3;
const UP: u32 = 3;

pub(crate) struct Detector {
    down: Down,
    line: Vec<f32>,
    /// The key of the last look and for how many looks; the key that is down and for how many.
    seen: (Option<char>, u32),
    pressed: Option<(char, u32)>,
}

impl Detector {
    pub(crate) fn new() -> Self {
        Self {
            down: Down::new(),
            line: Vec::with_capacity(BLOCK + FRAME / 6),
            seen: (None, 0),
            pressed: None,
        }
    }

    /// Hear 20 ms; gives a key once it is released.
    pub(crate) fn frame(&mut self, frame: &[i16; FRAME]) -> Option<Received> {
        self.line.extend(self.down.process(frame).into_iter().map(|s| f32::from(s) / 32768.0));
        let mut released = None;
        while self.line.len() >= BLOCK {
            let key = key(&self.line[..BLOCK]);
            released = self.look(key).or(released);
            self.line.drain(..HOP);
        }
        released
    }

    fn look(&mut self, key: Option<char>) -> Option<Received> {
        self.seen = if key == self.seen.0 { (key, self.seen.1 + 1) } else { (key, 1) };
        match (&mut self.pressed, self.seen) {
            (None, (Some(key), DOWN..)) => self.pressed = Some((key, DOWN)),
            (Some((pressed, looks)), (Some(key), _)) if *pressed == key => *looks += 1,
            (Some((digit, looks)), (_, UP..)) => {
                // The block reaches 15 ms beyond the hop at both ends, of which half counts.
                let duration = Duration::from_millis(u64::from(*looks) * 10 + 15);
                let released = Received { digit: *digit, duration };
                self.pressed = None;
                return Some(released);
            }
            _ => {}
        }
        None
    }
}

/// The key whose two tones this block is.
fn key(block: &[f32]) -> Option<char> {
    let total: f32 = block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32;
    if total < 2.0 * FAINTEST {
        return None;
    }
    let (row, low) = strongest(block, &ROWS)?;
    let (column, high) = strongest(block, &COLUMNS)?;
    let dtmf =
        low >= FAINTEST && high >= FAINTEST && TWIST.contains(&(high / low)) && low + high >= PURE * total;
    dtmf.then(|| KEYS[row][column])
}

/// Which of a group is there, and its power; none if two are about as strong.
fn strongest(block: &[f32], group: &[f32; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|hz| power(block, hz));
    let best = (0..4).max_by(|a, b| powers[*a].total_cmp(&powers[*b]))?;
    let clear = (0..4).all(|n| n == best || powers[n] * CLEAR <= powers[best]);
    clear.then(|| (best, powers[best]))
}

/// Oscillators may be 1.5 % off (ITU-T Q.24), which is most of a bin at the top: look there too.
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

    fn heard(frames: &[[i16; FRAME]]) -> Vec<Received> {
        let mut detector = Detector::new();
        let quiet = [[0; FRAME]; 6];
        frames.iter().chain(&quiet).filter_map(|frame| detector.frame(frame)).collect()
    }

    #[test]
    fn every_key_is_heard_once_with_its_length() {
        for (row, low) in ROWS.iter().enumerate() {
            for (column, high) in COLUMNS.iter().enumerate() {
                let keys = heard(&tones(&[(*low, 5000.0), (*high, 5000.0)], 100, 100));
                assert_eq!(keys.len(), 1, "{:?}", KEYS[row][column]);
                assert_eq!(keys[0].digit, KEYS[row][column]);
                assert!(keys[0].duration.as_millis().abs_diff(100) <= 30, "{keys:?}");
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_two_digits() {
        let once = tones(&[(770.0, 4000.0), (1336.0, 4000.0)], 60, 60);
        let keys = heard(&[once.clone(), once].concat());
        assert_eq!(keys.iter().map(|k| k.digit).collect::<String>(), "55");
    }

    #[test]
    fn what_is_not_dtmf_is_not_heard() {
        let pair = |low, high| vec![(697.0, low), (1209.0, high)];
        assert_eq!(heard(&tones(&pair(5000.0, 5000.0), 20, 100)), [], "too short");
        assert_eq!(heard(&tones(&pair(5000.0, 0.0), 200, 100)), [], "one tone");
        assert_eq!(heard(&tones(&pair(1000.0, 9000.0), 200, 100)), [], "twist");
        assert_eq!(heard(&tones(&pair(150.0, 150.0), 200, 100)), [], "too faint");
        let chord = [(697.0, 4000.0), (1209.0, 4000.0), (440.0, 5000.0)];
        assert_eq!(heard(&tones(&chord, 200, 100)), [], "not pure");
        let two_rows = [(697.0, 4000.0), (770.0, 4000.0), (1209.0, 4000.0)];
        assert_eq!(heard(&tones(&two_rows, 200, 100)), [], "two rows");
    }

    #[test]
    fn allowed_deviation_and_twist_are_heard() {
        for (low, high) in [(1.015, 1.015), (0.985, 0.985), (1.0, 1.0)] {
            let keys = heard(&tones(&[(852.0 * low, 6000.0), (1477.0 * high, 3500.0)], 80, 80));
            assert_eq!(keys.iter().map(|k| k.digit).collect::<String>(), "9");
        }
    }
}
