//! The level and the dominant frequency of a piece of audio.

use super::fft::Fft;
use crate::SAMPLE_RATE;

/// The level and the dominant frequency of a piece of audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReceivedTone {
    /// The dominant frequency in Hz, from 50 to 3600; `None` in silence and in noise.
    pub hz: Option<f32>,
    /// The level in dB relative to full scale (a full-scale sine is -3), never below -96.
    pub level_dbfs: f32,
}

impl ReceivedTone {
    /// Digital silence.
    pub const SILENCE: Self = Self { hz: None, level_dbfs: FLOOR };
}

const FLOOR: f32 = -96.0;
/// The spectrum is computed at 8 kHz.
const DECIMATION: usize = 6;
const NARROW_RATE: f32 = SAMPLE_RATE as f32 / DECIMATION as f32;
const SIZE: usize = 2048;
const LOWEST: f32 = 50.0;
const HIGHEST: f32 = 3600.0;
/// The least share of the total power in the main lobe of the dominant frequency.
const DOMINANT: f32 = 0.35;

/// The level of 48 kHz audio.
pub(crate) fn level(samples: &[i16]) -> f32 {
    let energy: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    let mean = energy / samples.len().max(1) as f64 / (32768.0 * 32768.0);
    (10.0 * mean.log10()).max(f64::from(FLOOR)) as f32
}

/// The level and the dominant frequency of up to 250 ms of 48 kHz audio.
pub(crate) fn dominant_tone(samples: &[i16], silence_dbfs: f32) -> ReceivedTone {
    let level_dbfs = level(samples);
    if level_dbfs < silence_dbfs {
        return ReceivedTone { hz: None, level_dbfs };
    }
    let samples = &samples[samples.len().saturating_sub(SIZE * DECIMATION)..];
    // A moving average is a sufficient low-pass filter: the codecs leave little power above 3.6 kHz, and aliases are weaker
    // than the tone.
    let narrow: Vec<f32> = samples
        .chunks_exact(DECIMATION)
        .map(|chunk| chunk.iter().map(|s| f32::from(*s)).sum::<f32>() / DECIMATION as f32)
        .collect();
    let power = Fft::<SIZE>::power(&narrow);
    let bin = NARROW_RATE / SIZE as f32;
    let (lowest, highest) = ((LOWEST / bin) as usize, (HIGHEST / bin) as usize);
    let peak = (lowest..=highest).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap_or(lowest);
    // The width of the main lobe of the window, in bins.
    let lobe = 2 * SIZE / narrow.len().max(1) + 2;
    let near: f32 = power[peak.saturating_sub(lobe)..=(peak + lobe).min(SIZE / 2 - 1)].iter().sum();
    let total: f32 = power[1..SIZE / 2].iter().sum();
    let hz = (near >= DOMINANT * total).then(|| {
        // The maximum of a parabola through the logarithms of the peak and its neighbours.
        let [a, b, c] = [peak - 1, peak, peak + 1].map(|n| power[n].max(1e-12).ln());
        let curve = a - 2.0 * b + c;
        let shift = if curve.abs() < 1e-9 { 0.0 } else { 0.5 * (a - c) / curve };
        (peak as f32 + shift.clamp(-0.5, 0.5)) * bin
    });
    ReceivedTone { hz, level_dbfs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn sine(hz: f32, amplitude: f32, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| (amplitude * (TAU * hz * n as f32 / 48_000.0).sin()) as i16).collect()
    }

    #[test]
    fn frequencies_are_accurate_to_two_hertz() {
        for samples in [4800, 9600] {
            for hz in [60.0, 101.3, 350.0, 440.0, 697.0, 880.0, 1633.0, 2600.0, 3399.0] {
                let heard = dominant_tone(&sine(hz, 8000.0, samples), -50.0);
                let found = heard.hz.unwrap_or_else(|| panic!("{hz} Hz not detected"));
                assert!((found - hz).abs() < 2.0, "{hz} Hz detected as {found} Hz");
                assert!((heard.level_dbfs + 15.26).abs() < 0.2, "{heard:?}");
            }
        }
    }

    #[test]
    fn silence_and_noise_have_no_frequency() {
        assert_eq!(dominant_tone(&[0; 9600], -50.0), ReceivedTone::SILENCE);
        assert_eq!(dominant_tone(&[], -50.0), ReceivedTone::SILENCE);
        assert_eq!(dominant_tone(&sine(440.0, 50.0, 9600), -50.0).hz, None, "-59 dBFS is silence");
        let mut random = fastrand::Rng::with_seed(3);
        let noise: Vec<i16> = (0..9600).map(|_| random.i16(-8000..8000)).collect();
        assert_eq!(dominant_tone(&noise, -50.0).hz, None);
    }

    #[test]
    fn the_louder_of_two_tones_dominates() {
        let (loud, soft) = (sine(500.0, 8000.0, 9600), sine(1200.0, 3000.0, 9600));
        let both: Vec<i16> = loud.iter().zip(&soft).map(|(a, b)| a + b).collect();
        assert!((dominant_tone(&both, -50.0).hz.unwrap() - 500.0).abs() < 2.0);
    }
}
