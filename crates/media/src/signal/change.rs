//! Detects changes of the tone in played audio.

use std::collections::VecDeque;

use super::tone::{ReceivedTone, dominant_tone, level};
use crate::FRAME;

/// Samples of `received_tone`: 200 ms.
const WINDOW: usize = 10 * FRAME;
/// Samples in which a new tone is detected: the last 100 ms.
const TONE_WINDOW: usize = 5 * FRAME;
/// Samples in which silence is detected: the last 40 ms.
const SILENCE_WINDOW: usize = 2 * FRAME;
/// Consecutive frames that must agree on a change: 60 ms.
const MIN_AGREEING: u32 = 3;
/// The difference below which two tones are the same, in Hz.
const TOLERANCE_HZ: f32 = 15.0;

pub(crate) struct ChangeDetector {
    silence_dbfs: f32,
    window: VecDeque<i16>,
    /// The tone reported last; none for silence.
    current: Option<f32>,
    candidate: Option<f32>,
    agreeing: u32,
}

impl ChangeDetector {
    pub(crate) fn new(silence_dbfs: f32) -> Self {
        Self {
            silence_dbfs,
            window: VecDeque::with_capacity(WINDOW + FRAME),
            current: None,
            candidate: None,
            agreeing: 0,
        }
    }

    /// Processes 20 ms. Returns a change to another tone, or to silence.
    pub(crate) fn push(&mut self, frame: &[i16; FRAME]) -> Option<ReceivedTone> {
        self.window.extend(frame);
        let excess = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..excess);
        let samples = &*self.window.make_contiguous();
        let last = |length: usize| &samples[samples.len().saturating_sub(length)..];
        let silent = level(last(SILENCE_WINDOW)) < self.silence_dbfs;
        let tone = if silent {
            ReceivedTone { hz: None, level_dbfs: level(last(SILENCE_WINDOW)) }
        } else {
            let tone = dominant_tone(last(TONE_WINDOW), self.silence_dbfs);
            // Audio without a dominant frequency, such as speech, is neither a tone nor silence.
            tone.hz?;
            tone
        };
        if same(tone.hz, self.candidate) {
            self.agreeing += 1;
        } else {
            self.agreeing = 1;
        }
        self.candidate = tone.hz;
        if self.agreeing >= MIN_AGREEING && !same(tone.hz, self.current) {
            self.current = tone.hz;
            return Some(tone);
        }
        None
    }

    /// The tone in the last 200 ms.
    pub(crate) fn received_tone(&self) -> ReceivedTone {
        let samples: Vec<i16> = self.window.iter().copied().collect();
        dominant_tone(&samples, self.silence_dbfs)
    }
}

fn same(a: Option<f32>, b: Option<f32>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < TOLERANCE_HZ,
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Player, Source};

    fn detect(detector: &mut ChangeDetector, source: Source, frames: usize) -> Vec<(usize, Option<f32>)> {
        let mut player = Player::default();
        player.play(source);
        let tone = (0..frames).filter_map(|n| Some((n, detector.push(&player.next().0)?.hz)));
        tone.collect()
    }

    #[test]
    fn each_change_is_reported_once_within_200_ms() {
        let mut detector = ChangeDetector::new(-50.0);
        assert_eq!(detect(&mut detector, Source::Silence, 20), []);
        for hz in [440.0, 880.0] {
            let changes = detect(&mut detector, Source::tone(hz), 40);
            assert_eq!(changes.len(), 1, "{changes:?}");
            assert!(changes[0].0 < 10 && (changes[0].1.unwrap() - hz).abs() < 10.0, "{changes:?}");
        }
        let changes = detect(&mut detector, Source::Silence, 40);
        assert!(changes.len() == 1 && changes[0].0 < 8 && changes[0].1.is_none(), "{changes:?}");
    }

    #[test]
    fn short_gap_is_not_silence() {
        let mut detector = ChangeDetector::new(-50.0);
        detect(&mut detector, Source::tone(440.0), 20);
        assert_eq!(detect(&mut detector, Source::Silence, 2), []);
        assert_eq!(detect(&mut detector, Source::tone(440.0), 20), []);
    }
}
