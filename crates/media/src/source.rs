//! The audio that a session sends.

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::sync::Arc;

use crate::{FRAME, SAMPLE_RATE};

/// The most frames of pushed audio in the queue: 200 ms. Older ones are dropped, so that a fast producer adds a bounded delay.
const MAX_PUSHED_FRAMES: usize = 10;

/// The audio to send.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// Digital silence.
    #[default]
    Silence,
    /// A sine.
    Tone {
        /// Its frequency in Hz.
        hz: f32,
        /// Its level in dB relative to a full-scale sine.
        level_dbfs: f32,
    },
    /// Recorded audio, 48 kHz mono (see [`Recording::from_wav`](crate::Recording::from_wav)).
    Wav {
        /// The samples.
        samples: Arc<[i16]>,
        /// Whether to start again at the end.
        repeat: bool,
    },
    /// Audio that the host pushes with [`MediaSession::push_audio`](crate::MediaSession::push_audio).
    Live,
}

impl Source {
    /// A sine at a comfortable level (-12 dBFS).
    pub fn tone(hz: f32) -> Self {
        Self::Tone { hz, level_dbfs: -12.0 }
    }
}

/// A source being played.
#[derive(Debug, Default)]
pub(crate) struct Player {
    source: Source,
    /// The phase of the tone, in turns.
    phase: f32,
    /// The position in the recording, in samples.
    position: usize,
    pushed: VecDeque<i16>,
}

impl Player {
    pub(crate) fn play(&mut self, source: Source) {
        *self = Self { source, ..Self::default() };
    }

    pub(crate) fn push(&mut self, samples: &[i16]) {
        self.pushed.extend(samples);
        let excess = self.pushed.len().saturating_sub(MAX_PUSHED_FRAMES * FRAME);
        self.pushed.drain(..excess);
    }

    /// The next 20 ms, and whether the source ended in them.
    pub(crate) fn next(&mut self) -> ([i16; FRAME], bool) {
        let mut frame = [0; FRAME];
        let mut ended = false;
        match &self.source {
            Source::Silence => {}
            Source::Tone { hz, level_dbfs } => {
                let amplitude = 32767.0 * 10f32.powf(level_dbfs.min(0.0) / 20.0);
                let step = hz / SAMPLE_RATE as f32;
                for sample in &mut frame {
                    *sample = (amplitude * (TAU * self.phase).sin()) as i16;
                    self.phase = (self.phase + step).fract();
                }
            }
            Source::Wav { samples, repeat } => {
                for sample in &mut frame {
                    if self.position == samples.len() && *repeat {
                        self.position = 0;
                    }
                    if let Some(recorded) = samples.get(self.position) {
                        *sample = *recorded;
                        self.position += 1;
                    }
                }
                ended = !repeat && self.position >= samples.len();
            }
            Source::Live => {
                for (sample, pushed) in
                    frame.iter_mut().zip(self.pushed.drain(..FRAME.min(self.pushed.len())))
                {
                    *sample = pushed;
                }
            }
        }
        if ended {
            self.source = Source::Silence;
        }
        (frame, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recording_ends_once_and_is_followed_by_silence() {
        let mut player = Player::default();
        player.play(Source::Wav { samples: vec![7; FRAME + 10].into(), repeat: false });
        let (first, ended) = player.next();
        assert!(first.iter().all(|s| *s == 7) && !ended);
        let (second, ended) = player.next();
        assert!(second[..10].iter().all(|s| *s == 7) && second[10..].iter().all(|s| *s == 0) && ended);
        assert_eq!(player.next(), ([0; FRAME], false));
    }

    #[test]
    fn repeated_recording_has_no_gap_and_empty_one_is_silence() {
        let mut player = Player::default();
        player.play(Source::Wav { samples: (0..100).collect(), repeat: true });
        let (frame, ended) = player.next();
        assert!(frame.iter().enumerate().all(|(n, s)| *s as usize == n % 100) && !ended);
        player.play(Source::Wav { samples: Arc::new([]), repeat: true });
        assert_eq!(player.next(), ([0; FRAME], false));
    }

    #[test]
    fn pushed_audio_is_limited_to_200_ms() {
        let mut player = Player::default();
        player.play(Source::Live);
        for n in 0..30 {
            player.push(&[n; FRAME]);
        }
        assert_eq!(player.next().0, [20; FRAME], "the oldest frames are gone");
        for _ in 0..9 {
            player.next();
        }
        assert_eq!(player.next().0, [0; FRAME]);
    }

    #[test]
    fn tone_is_continuous_across_frames() {
        let mut player = Player::default();
        player.play(Source::tone(441.0));
        let (a, b) = (player.next().0, player.next().0);
        let step = i32::from(b[0]) - i32::from(a[FRAME - 1]);
        assert!(step.abs() < 600, "a jump of {step} is a click");
    }
}
