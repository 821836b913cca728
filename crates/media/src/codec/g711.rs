//! G.711 at 8 kHz, with resampling and packet loss concealment.

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

use super::resample::{Downsampler, Upsampler};
use crate::FRAME;

/// Samples of 20 ms at 8 kHz.
const NARROW_FRAME: usize = 160;
/// The longest pitch period: 20 ms, 50 Hz.
const LONGEST_PERIOD: usize = 160;
/// The shortest pitch period: 2.5 ms, 400 Hz, as in G.711 appendix I.
const SHORTEST_PERIOD: usize = 20;
/// Samples that are correlated to find the period.
const CORRELATED: usize = 160;
const HISTORY: usize = LONGEST_PERIOD + CORRELATED;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Law {
    Mu,
    A,
}

pub(crate) struct Encoder {
    law: Law,
    down: Downsampler,
}

impl Encoder {
    pub(crate) fn new(law: Law) -> Self {
        Self { law, down: Downsampler::new() }
    }

    pub(crate) fn encode(&mut self, frame: &[i16; FRAME]) -> Vec<u8> {
        let encode = match self.law {
            Law::Mu => encode_ulaw,
            Law::A => encode_alaw,
        };
        self.down.process(frame).into_iter().map(encode).collect()
    }
}

pub(crate) struct Decoder {
    law: Law,
    up: Upsampler,
    /// The last samples at 8 kHz, oldest first.
    history: [i16; HISTORY],
    /// Frames concealed in a row.
    concealed: u32,
    /// The pitch period that they repeat, in samples.
    period: usize,
}

impl Decoder {
    pub(crate) fn new(law: Law) -> Self {
        Self { law, up: Upsampler::new(), history: [0; HISTORY], concealed: 0, period: LONGEST_PERIOD }
    }

    pub(crate) fn decode(&mut self, payload: &[u8]) -> Vec<i16> {
        let decode = match self.law {
            Law::Mu => decode_ulaw,
            Law::A => decode_alaw,
        };
        let narrow: Vec<i16> = payload.iter().map(|byte| decode(*byte)).collect();
        self.concealed = 0;
        self.append_history(&narrow);
        self.up.process(&narrow)
    }

    /// Repeats the last pitch period, fading to silence within 100 ms.
    pub(crate) fn conceal(&mut self) -> Vec<i16> {
        if self.concealed == 0 {
            self.period = self.find_period();
        }
        let (from, to) = match self.concealed {
            0 => (1.0, 0.8),
            n @ 1..=4 => (1.0 - 0.2 * n as f32, 0.8 - 0.2 * n as f32),
            _ => (0.0, 0.0),
        };
        self.concealed += 1;
        let mut narrow = [0; NARROW_FRAME];
        let mut period = [0; LONGEST_PERIOD];
        let period = &mut period[..self.period];
        period.copy_from_slice(&self.history[HISTORY - self.period..]);
        for (n, sample) in narrow.iter_mut().enumerate() {
            *sample = period[n % period.len()];
        }
        // The history is not faded, or the next period would be faded twice.
        self.append_history(&narrow);
        for (n, sample) in narrow.iter_mut().enumerate() {
            let gain = from + (to - from) * n as f32 / NARROW_FRAME as f32;
            *sample = (f32::from(*sample) * gain) as i16;
        }
        self.up.process(&narrow)
    }

    fn append_history(&mut self, narrow: &[i16]) {
        let new = &narrow[narrow.len().saturating_sub(HISTORY)..];
        self.history.copy_within(new.len().., 0);
        self.history[HISTORY - new.len()..].copy_from_slice(new);
    }

    /// The lag at which the last 20 ms correlate best with the samples before them.
    fn find_period(&self) -> usize {
        let recent = &self.history[HISTORY - CORRELATED..];
        let score = |lag: usize| {
            let before = &self.history[HISTORY - CORRELATED - lag..HISTORY - lag];
            let mut product = 0.0;
            let mut energy = 1.0;
            for (a, b) in recent.iter().zip(before) {
                product += f32::from(*a) * f32::from(*b);
                energy += f32::from(*b) * f32::from(*b);
            }
            product / energy.sqrt()
        };
        (SHORTEST_PERIOD..=LONGEST_PERIOD)
            .max_by(|a, b| score(*a).total_cmp(&score(*b)))
            .unwrap_or(LONGEST_PERIOD)
    }
}
