//! Measures the level and the dominant tone of audio.

mod change;
mod fft;
mod tone;

pub(crate) use change::ChangeDetector;
pub use tone::ReceivedTone;
#[cfg(test)]
pub(crate) use tone::dominant_tone;
