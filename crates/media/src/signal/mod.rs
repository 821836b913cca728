//! What a piece of sound is: its level and its pitch.

mod fft;
mod listener;

pub(crate) use listener::Listener;

use crate::SAMPLE_RATE;
use fft::Fft;

/// What is heard in a stretch of sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// The dominant frequency in Hz between 50 and 3600; `None` in silence and in noise.
    pub hz: Option<f32>,
    /// The level in dB relative to full scale (a full-scale sine is -3), never below -96.
    pub level_dbfs: f32,
}

impl Heard {
    /// Nothing at all.
    pub const SILENCE: Self = Self { hz: None, level_dbfs: FLOOR };
}

const FLOOR: f32 = -96.0;
/// The pitch is sought at 8 kHz.
const DECIMATION: usize = 6;
const NARROW_RATE: f32 = SAMPLE_RATE as f32 / DECIMATION as f32;
const SIZE: usize = 2048;
const LOWEST: f32 = 50.0;
const HIGHEST: f32 = 3600.0;
/// The share of the power that a frequency and its neighbourhood must have to dominate.
const DOMINANT: f32 = 0.35;

/// The level of 48 kHz sound.
pub(crate) fn level(samples: &[i16]) -> f32 {
    let energy: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    let mean = energy / samples.len().max(1) as f64 / (32768.0 * 32768.0);
    (10.0 * mean.log10()).max(f64::from(FLOOR)) as f32
}

/// What is heard in up to 250 ms of 48 kHz sound.
pub(crate) fn dominant(samples: &[i16], silence_dbfs: f32) -> Heard {
    let level_dbfs = level(samples);
    if level_dbfs < silence_dbfs {
        return Heard { hz: None, level_dbfs };
    }
    let samples = &samples[samples.len().saturating_sub(SIZE * DECIMATION)..];
    // A running mean is low-pass enough here: the codecs leave little above 3.6 kHz that matters, and what
    // folds back is weaker than what it would have to outdo.
    let narrow: Vec<f32> = samples
        .chunks_exact(DECIMATION)
        .map(|chunk| chunk.iter().map(|s| f32::from(*s)).sum::<f32>() / DECIMATION as f32)
        .collect();
    let power = Fft::<SIZE>::power(&narrow);
    let bin = NARROW_RATE / SIZE as f32;
    let (lowest, highest) = ((LOWEST / bin) as usize, (HIGHEST / bin) as usize);
    let peak = (lowest..=highest).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap_or(lowest);
    // The main lobe of the window, for as many samples as there are.
    let lobe = 2 * SIZE / narrow.len().max(1) + 2;
    let near: f32 = power[peak.saturating_sub(lobe)..=(peak + lobe).min(SIZE / 2 - 1)].iter().sum();
    let total: f32 = power[1..SIZE / 2].iter().sum();
    let hz = (near >= DOMINANT * total).then(|| {
        // The top of a parabola through the logarithms of the peak and its neighbours.
        let [a, b, c] = [peak - 1, peak, peak + 1].map(|n| power[n].max(1e-12).ln());
        let curve = a - 2.0 * b + c;
        let shift = if curve.abs() < 1e-9 { 0.0 } else { 0.5 * (a - c) / curve };
        (peak as f32 + shift.clamp(-0.5, 0.5)) * bin
    });
    Heard { hz, level_dbfs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn sine(hz: f32, amplitude: f32, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| (amplitude * (TAU * hz * n as f32 / 48_000.0).sin()) as i16).collect()
    }

    #[test]
    fn tones_are_measured_within_two_hertz() {
        for samples in [4800, 9600] {
            for hz in [60.0, 101.3, 350.0, 440.0, 697.0, 880.0, 1633.0, 2600.0, 3399.0] {
                let heard = dominant(&sine(hz, 8000.0, samples), -50.0);
                let found = heard.hz.unwrap_or_else(|| panic!("{hz} not heard"));
                assert!((found - hz).abs() < 2.0, "{hz} heard as {found}");
                assert!((heard.level_dbfs + 15.26).abs() < 0.2, "{heard:?}");
            }
        }
    }

    #[test]
    fn silence_and_noise_have_no_pitch() {
        assert_eq!(dominant(&[0; 9600], -50.0), Heard::SILENCE);
        assert_eq!(dominant(&[], -50.0), Heard::SILENCE);
        assert_eq!(dominant(&sine(440.0, 50.0, 9600), -50.0).hz, None, "-59 dBFS is silence");
        let mut random = fastrand::Rng::with_seed(3);
        let noise: Vec<i16> = (0..9600).map(|_| random.i16(-8000..8000)).collect();
        assert_eq!(dominant(&noise, -50.0).hz, None);
    }

    #[test]
    fn the_louder_of_two_tones_dominates() {
        let (loud, soft) = (sine(500.0, 8000.0, 9600), sine(1200.0, 3000.0, 9600));
        let both: Vec<i16> = loud.iter().zip(&soft).map(|(a, b)| a + b).collect();
        assert!((dominant(&both, -50.0).hz.unwrap() - 500.0).abs() < 2.0);
    }
}
