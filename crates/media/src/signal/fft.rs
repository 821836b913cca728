//! A radix-2 fast Fourier transform of one size.

use std::f32::consts::PI;

pub(crate) struct Fft<const N: usize>;

impl<const N: usize> Fft<N> {
    /// The power spectrum of `samples` under a Hann window, padded with zeros to `N`.
    pub(crate) fn power(samples: &[f32]) -> Vec<f32> {
        assert!(N.is_power_of_two(), "radix 2");
        let used = samples.len().min(N);
        let mut re = vec![0.0f32; N];
        let mut im = vec![0.0f32; N];
        for (n, sample) in samples[..used].iter().enumerate() {
            let window = 0.5 - 0.5 * (2.0 * PI * (n as f32 + 0.5) / used as f32).cos();
            re[Self::reversed(n)] = sample * window;
        }
        let mut half = 1;
        while half < N {
            let step = -PI / half as f32;
            for k in 0..half {
                let (sin, cos) = (step * k as f32).sin_cos();
                for top in (k..N).step_by(2 * half) {
                    let bottom = top + half;
                    let (r, i) = (re[bottom] * cos - im[bottom] * sin, re[bottom] * sin + im[bottom] * cos);
                    (re[bottom], im[bottom]) = (re[top] - r, im[top] - i);
                    (re[top], im[top]) = (re[top] + r, im[top] + i);
                }
            }
            half *= 2;
        }
        re.iter().zip(&im).map(|(r, i)| r * r + i * i).collect()
    }

    fn reversed(n: usize) -> usize {
        n.reverse_bits() >> (usize::BITS - N.trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fft_agrees_with_the_definition() {
        let samples: Vec<f32> = (0..16).map(|n| ((n * 7 + 3) % 11) as f32 - 5.0).collect();
        let fast = Fft::<16>::power(&samples);
        for (k, fast) in fast.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in samples.iter().enumerate() {
                let window = 0.5 - 0.5 * (2.0 * PI * (n as f32 + 0.5) / 16.0).cos();
                let angle = -2.0 * PI * (k * n) as f32 / 16.0;
                re += sample * window * angle.cos();
                im += sample * window * angle.sin();
            }
            assert!((fast - (re * re + im * im)).abs() < 1e-2, "bin {k}");
        }
    }
}
