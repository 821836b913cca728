//! Resampling.
//!
//! Between 48 and 8 kHz the factor is six, so a low-pass of 144 taps in polyphase form is enough: 24
//! multiplications per sample at 8 kHz. Files of any other rate are converted once, when they are read.

use std::f32::consts::PI;

use crate::FRAME;

const FACTOR: usize = 6;
const PHASE: usize = 24;
const TAPS: usize = FACTOR * PHASE;

/// A windowed sinc: flat to 3.4 kHz, -6 dB at 4 kHz, stop band from 4.6 kHz.
fn taps() -> [f32; TAPS] {
    let mut taps = [0.0; TAPS];
    let middle = (TAPS - 1) as f32 / 2.0;
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = n as f32 - middle;
        let window = 0.54 + 0.46 * (2.0 * PI * x / TAPS as f32).cos();
        *tap = sinc(x / FACTOR as f32) * window;
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

fn sinc(x: f32) -> f32 {
    if x.abs() < 1e-6 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// 48 kHz to 8 kHz.
pub(crate) struct Downsampler {
    taps: [f32; TAPS],
    delay_line: Vec<f32>,
}

impl Downsampler {
    pub(crate) fn new() -> Self {
        Self { taps: taps(), delay_line: vec![0.0; TAPS - FACTOR] }
    }

    pub(crate) fn process(&mut self, wide: &[i16; FRAME]) -> Vec<i16> {
        self.delay_line.extend(wide.iter().map(|s| f32::from(*s)));
        let narrow = (0..FRAME / FACTOR)
            .map(|n| {
                let window = &self.delay_line[n * FACTOR..n * FACTOR + TAPS];
                window.iter().zip(&self.taps).map(|(s, t)| s * t).sum::<f32>() as i16
            })
            .collect();
        self.delay_line.drain(..FRAME);
        narrow
    }
}

/// 8 kHz to 48 kHz.
pub(crate) struct Upsampler {
    taps: [f32; TAPS],
    delay_line: Vec<f32>,
}

impl Upsampler {
    pub(crate) fn new() -> Self {
        Self { taps: taps().map(|tap| tap * FACTOR as f32), delay_line: vec![0.0; PHASE - 1] }
    }

    pub(crate) fn process(&mut self, narrow: &[i16]) -> Vec<i16> {
        self.delay_line.extend(narrow.iter().map(|s| f32::from(*s)));
        let mut wide = Vec::with_capacity(narrow.len() * FACTOR);
        for n in 0..narrow.len() {
            let window = &self.delay_line[n..n + PHASE];
            for phase in 0..FACTOR {
                let taps = self.taps.iter().skip(phase).step_by(FACTOR).rev();
                wide.push(window.iter().zip(taps).map(|(s, t)| s * t).sum::<f32>() as i16);
            }
        }
        self.delay_line.drain(..narrow.len());
        wide
    }
}

/// Any rate to any other, for whole recordings.
pub(crate) fn convert(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    const REACH: isize = 16;
    if from == to {
        return samples.to_vec();
    }
    let length = samples.len() as u64 * u64::from(to) / u64::from(from);
    // When the rate decreases, the filter must cut at the new Nyquist frequency.
    let cut = (to as f64 / from as f64).min(1.0);
    let reach = (REACH as f64 / cut) as isize;
    (0..length)
        .map(|n| {
            let at = n as f64 * f64::from(from) / f64::from(to);
            let nearest = at as isize;
            let mut sum = 0.0;
            for k in nearest - reach + 1..=nearest + reach {
                let Some(sample) = usize::try_from(k).ok().and_then(|k| samples.get(k)) else { continue };
                let x = ((k as f64 - at) * cut) as f32;
                let window = 0.5 + 0.5 * (PI * x / REACH as f32).cos();
                sum += sample * sinc(x) * window;
            }
            sum * cut as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(samples: &[i16]) -> f32 {
        let energy: f32 = samples.iter().map(|s| f32::from(*s).powi(2)).sum();
        10.0 * (energy / samples.len() as f32).max(1e-9).log10()
    }

    fn wide(hz: f32, frames: usize) -> Vec<[i16; FRAME]> {
        (0..frames)
            .map(|f| {
                std::array::from_fn(|n| {
                    let t = (f * FRAME + n) as f32 / 48_000.0;
                    (10_000.0 * (2.0 * PI * hz * t).sin()) as i16
                })
            })
            .collect()
    }

    #[test]
    fn telephone_band_passes_and_aliases_are_filtered() {
        for (hz, passes) in [(300.0, true), (1000.0, true), (3300.0, true), (5000.0, false), (9000.0, false)]
        {
            let mut down = Downsampler::new();
            let narrow: Vec<i16> = wide(hz, 10).iter().flat_map(|f| down.process(f)).collect();
            assert_eq!(narrow.len(), 10 * FRAME / FACTOR);
            let change = level(&narrow[160..]) - level(&wide(hz, 1).concat());
            if passes {
                assert!(change.abs() < 0.5, "{hz} Hz changed by {change} dB");
            } else {
                assert!(change < -35.0, "{hz} Hz changed by {change} dB");
            }
        }
    }

    #[test]
    fn down_and_up_sampling_only_delays() {
        let frames = wide(800.0, 10);
        let (mut down, mut up) = (Downsampler::new(), Upsampler::new());
        let back: Vec<i16> = frames.iter().flat_map(|f| up.process(&down.process(f))).collect();
        let sent = frames.concat();
        let (from, length) = (2000, 4000);
        // The two filters together are TAPS - 1 samples long.
        let best = (0..200)
            .map(|delay| {
                let error: f32 = (from..from + length)
                    .map(|n| (f32::from(back[n + delay]) - f32::from(sent[n])).powi(2))
                    .sum();
                10.0 * (error / length as f32).max(1e-9).log10()
            })
            .fold(f32::INFINITY, f32::min);
        assert!(best < level(&sent) - 30.0, "signal to noise {}", level(&sent) - best);
    }
}
