//! Recorded audio and WAV files.

use std::io::Cursor;
use std::time::Duration;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use thiserror::Error;

use crate::codec::resample;
use crate::{FRAME, SAMPLE_RATE};

/// The longest file that [`Recording::from_wav`] reads, in seconds: ten minutes.
const MAX_SECONDS: u32 = 600;

/// Recorded audio: 48 kHz, mono, 16 bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The samples, oldest first.
    pub samples: Vec<i16>,
}

/// The reason why a WAV file cannot be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WavError {
    /// Not a WAV file with 8-bit to 32-bit integer or float samples.
    #[error("not a readable WAV file")]
    Unreadable,
    /// Longer than ten minutes.
    #[error("longer than ten minutes")]
    TooLong,
}

impl Recording {
    /// Its duration.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.samples.len() as u64 * 1000 / u64::from(SAMPLE_RATE))
    }

    /// Encodes it as a WAV file.
    pub fn to_wav(&self) -> Vec<u8> {
        let spec = WavSpec {
            channels: 1,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::with_capacity(44 + self.samples.len() * 2));
        let mut writer = WavWriter::new(&mut file, spec).expect("writing to memory does not fail");
        let mut block = writer.get_i16_writer(self.samples.len() as u32);
        for sample in &self.samples {
            block.write_sample(*sample);
        }
        block.flush().expect("writing to memory does not fail");
        writer.finalize().expect("seeking in memory does not fail");
        file.into_inner()
    }

    /// Reads a WAV file of any sample rate from 4 to 192 kHz. Channels are averaged.
    ///
    /// # Errors
    ///
    /// [`WavError`] when it is not a WAV file of such a rate, or is longer than ten minutes.
    pub fn from_wav(bytes: &[u8]) -> Result<Self, WavError> {
        let mut reader = WavReader::new(Cursor::new(bytes)).map_err(|_| WavError::Unreadable)?;
        let spec = reader.spec();
        if spec.channels == 0 || !(4_000..=192_000).contains(&spec.sample_rate) {
            return Err(WavError::Unreadable);
        }
        if reader.duration() / spec.sample_rate >= MAX_SECONDS {
            return Err(WavError::TooLong);
        }
        let interleaved: Vec<f32> = match spec.sample_format {
            SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
            SampleFormat::Int => {
                let scale = 2f32.powi(1 - i32::from(spec.bits_per_sample));
                reader.samples::<i32>().map(|s| s.map(|s| s as f32 * scale)).collect::<Result<_, _>>()
            }
        }
        .map_err(|_| WavError::Unreadable)?;
        let channels = usize::from(spec.channels);
        let mono: Vec<f32> =
            interleaved.chunks_exact(channels).map(|c| c.iter().sum::<f32>() / channels as f32).collect();
        let samples = resample::convert(&mono, spec.sample_rate, SAMPLE_RATE)
            .into_iter()
            .map(|s| (s * 32767.0).clamp(-32768.0, 32767.0) as i16)
            .collect();
        Ok(Self { samples })
    }
}

/// Collects frames up to a maximum duration.
#[derive(Debug)]
pub(crate) struct Recorder {
    on: bool,
    cap: usize,
    samples: Vec<i16>,
}

impl Recorder {
    pub(crate) fn new(cap: Duration) -> Self {
        let cap = usize::try_from(cap.as_millis()).unwrap_or(usize::MAX);
        Self { on: false, cap: cap.saturating_mul(SAMPLE_RATE as usize / 1000), samples: Vec::new() }
    }

    pub(crate) fn record(&mut self, on: bool) {
        self.on = on;
    }

    pub(crate) fn push(&mut self, frame: &[i16; FRAME]) {
        if self.on {
            let room = self.cap.saturating_sub(self.samples.len()).min(FRAME);
            self.samples.extend_from_slice(&frame[..room]);
        }
    }

    pub(crate) fn take(&mut self) -> Recording {
        Recording { samples: std::mem::take(&mut self.samples) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::dominant_tone;
    use crate::source::{Player, Source};

    fn tone(hz: f32, frames: usize) -> Vec<i16> {
        let mut player = Player::default();
        player.play(Source::tone(hz));
        (0..frames).flat_map(|_| player.next().0).collect()
    }

    #[test]
    fn wav_files_round_trip() {
        let recording = Recording { samples: tone(440.0, 50) };
        assert_eq!(recording.duration(), Duration::from_secs(1));
        let again = Recording::from_wav(&recording.to_wav()).unwrap();
        assert_eq!(again.samples.len(), recording.samples.len());
        assert!(again.samples.iter().zip(&recording.samples).all(|(a, b)| a.abs_diff(*b) <= 2));
    }

    #[test]
    fn stereo_at_another_rate_is_converted_to_48_khz_mono() {
        let spec = WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 24,
            sample_format: SampleFormat::Int,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).unwrap();
        for n in 0..44_100 {
            let left = 4e6 * (std::f32::consts::TAU * 600.0 * n as f32 / 44_100.0).sin();
            writer.write_sample(left as i32).unwrap();
            writer.write_sample(0).unwrap();
        }
        writer.finalize().unwrap();
        let read = Recording::from_wav(file.get_ref()).unwrap();
        assert_eq!(read.duration(), Duration::from_secs(1));
        let heard = dominant_tone(&read.samples[4800..], -60.0);
        assert!((heard.hz.unwrap() - 600.0).abs() < 2.0, "{heard:?}");
    }

    #[test]
    fn invalid_files_are_refused() {
        let good = Recording { samples: tone(440.0, 2) }.to_wav();
        for cut in 0..44 {
            let _ = Recording::from_wav(&good[..cut]);
        }
        assert_eq!(Recording::from_wav(b"RIFF"), Err(WavError::Unreadable));
        assert_eq!(Recording::from_wav(&[0; 100]), Err(WavError::Unreadable));
        for at in 0..44 {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = Recording::from_wav(&bad);
        }
    }

    #[test]
    fn recording_stops_at_its_cap() {
        let mut recorder = Recorder::new(Duration::from_millis(30));
        recorder.push(&[1; FRAME]);
        recorder.record(true);
        for _ in 0..5 {
            recorder.push(&[2; FRAME]);
        }
        let samples = recorder.take().samples;
        assert_eq!(samples.len(), 1440);
        assert!(samples.iter().all(|s| *s == 2));
    }
}
