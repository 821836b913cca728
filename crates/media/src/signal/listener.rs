//! Listens to what is played and says when it becomes something else.

use std::collections::VecDeque;

use super::{Heard, dominant, level};
use crate::FRAME;

/// The snapshot looks at 200 ms.
const WINDOW: usize = 10 * FRAME;
/// A change is looked for in the last 100 ms, so that it is seen soon after it is complete.
const RECENT: usize = 5 * FRAME;
/// Silence is looked for in the last 40 ms.
const SILENT: usize = 2 * FRAME;
/// Frames in a row that must agree before a change is believed: 60 ms.
const SURE: u32 = 3;
/// Tones this near are the same tone.
const SAME_HZ: f32 = 15.0;

pub(crate) struct Listener {
    silence_dbfs: f32,
    window: VecDeque<i16>,
    /// What was said last.
    current: Option<f32>,
    candidate: Option<f32>,
    agreed: u32,
}

impl Listener {
    pub(crate) fn new(silence_dbfs: f32) -> Self {
        Self {
            silence_dbfs,
            window: VecDeque::with_capacity(WINDOW + FRAME),
            current: None,
            candidate: None,
            agreed: 0,
        }
    }

    /// Hear 20 ms; gives what is heard when it became another tone, or silence.
    pub(crate) fn frame(&mut self, frame: &[i16; FRAME]) -> Option<Heard> {
        self.window.extend(frame);
        let excess = self.window.len().saturating_sub(WINDOW);
        self.window.drain(..excess);
        let samples = &*self.window.make_contiguous();
        let last = |length: usize| &samples[samples.len().saturating_sub(length)..];
        let silent = level(last(SILENT)) < self.silence_dbfs;
        let heard = if silent {
            Heard { hz: None, level_dbfs: level(last(SILENT)) }
        } else {
            let heard = dominant(last(RECENT), self.silence_dbfs);
            // Sound without a pitch, as speech often is, is neither a tone nor silence.
            heard.hz?;
            heard
        };
        if same(heard.hz, self.candidate) {
            self.agreed += 1;
        } else {
            self.agreed = 1;
        }
        self.candidate = heard.hz;
        if self.agreed >= SURE && !same(heard.hz, self.current) {
            self.current = heard.hz;
            return Some(heard);
        }
        None
    }

    /// What was heard in the last 200 ms.
    pub(crate) fn heard(&self) -> Heard {
        let samples: Vec<i16> = self.window.iter().copied().collect();
        dominant(&samples, self.silence_dbfs)
    }
}

fn same(a: Option<f32>, b: Option<f32>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < SAME_HZ,
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Player, Source};

    fn changes(listener: &mut Listener, source: Source, frames: usize) -> Vec<(usize, Option<f32>)> {
        let mut player = Player::default();
        player.play(source);
        let heard = (0..frames).filter_map(|n| Some((n, listener.frame(&player.next().0)?.hz)));
        heard.collect()
    }

    #[test]
    fn each_change_is_said_once_and_within_200_ms() {
        let mut listener = Listener::new(-50.0);
        assert_eq!(changes(&mut listener, Source::Silence, 20), []);
        for hz in [440.0, 880.0] {
            let said = changes(&mut listener, Source::tone(hz), 40);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].0 < 10 && (said[0].1.unwrap() - hz).abs() < 10.0, "{said:?}");
        }
        let said = changes(&mut listener, Source::Silence, 40);
        assert!(said.len() == 1 && said[0].0 < 8 && said[0].1.is_none(), "{said:?}");
    }

    #[test]
    fn a_hole_of_one_frame_is_not_silence() {
        let mut listener = Listener::new(-50.0);
        changes(&mut listener, Source::tone(440.0), 20);
        assert_eq!(changes(&mut listener, Source::Silence, 2), []);
        assert_eq!(changes(&mut listener, Source::tone(440.0), 20), []);
    }
}
