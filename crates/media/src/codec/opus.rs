//! Opus (opus-rs) at 48 kHz, mono, 20 ms.

use opus_rs::{Application, OpusDecoder, OpusEncoder};

use crate::FRAME;

/// The longest packet in samples: 120 ms (RFC 6716 §3.2.5).
const MAX_SAMPLES: usize = 6 * FRAME;
/// The largest frame in bytes (RFC 6716 §3.2.1).
const MAX_FRAME_BYTES: usize = 1275;

/// The number of samples at 48 kHz in a packet (RFC 6716 §3.1, §3.2); 0 if it is invalid.
pub(crate) fn samples(packet: &[u8]) -> usize {
    // A lone TOC byte is a frame that the sender omitted (DTX).
    let [toc, second, ..] = *packet else { return 0 };
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(second & 0x3f),
    };
    let all = frame * count;
    if all <= MAX_SAMPLES { all } else { 0 }
}

pub(crate) struct Encoder {
    inner: OpusEncoder,
    packet: [u8; MAX_FRAME_BYTES],
}

impl Encoder {
    pub(crate) fn new(bitrate: u32) -> Self {
        let mut inner =
            OpusEncoder::new(48_000, 1, Application::Voip).expect("48 kHz mono is a format of Opus");
        inner.bitrate_bps = bitrate.clamp(6_000, 510_000) as i32;
        // Half the CPU time of the default, without an audible difference for speech.
        inner.complexity = 5;
        // With in-band FEC a single loss is hardly audible. Below this rate it does not fit, and opus-rs 0.1.40 divides by
        // zero around 20 kbit/s.
        inner.use_inband_fec = bitrate >= 28_000;
        inner.packet_loss_perc = 10;
        Self { inner, packet: [0; MAX_FRAME_BYTES] }
    }

    pub(crate) fn encode(&mut self, frame: &[i16; FRAME]) -> Vec<u8> {
        let length = self.inner.encode_i16(frame, FRAME, &mut self.packet).unwrap_or(0);
        self.packet[..length].to_vec()
    }
}

pub(crate) struct Decoder {
    inner: OpusDecoder,
    sound: Vec<f32>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        let inner = OpusDecoder::new(48_000, 1).expect("48 kHz mono is a format of Opus");
        Self { inner, sound: vec![0.0; MAX_SAMPLES] }
    }

    pub(crate) fn decode(&mut self, packet: &[u8]) -> Option<Vec<i16>> {
        let samples = samples(packet);
        if samples == 0 {
            return None;
        }
        let decoded = self.inner.decode(packet, samples, &mut self.sound).ok()?;
        (decoded == samples).then(|| to_i16(&self.sound[..samples]))
    }

    pub(crate) fn conceal(&mut self, next: Option<&[u8]>) -> Vec<i16> {
        let made = match next.filter(|packet| samples(packet) > 0) {
            Some(packet) => self.inner.decode_fec(packet, FRAME, &mut self.sound),
            None => self.inner.decode(&[], FRAME, &mut self.sound),
        };
        match made {
            Ok(FRAME) => to_i16(&self.sound[..FRAME]),
            _ => vec![0; FRAME],
        }
    }
}

fn to_i16(sound: &[f32]) -> Vec<i16> {
    // `as` saturates, and makes a NaN zero.
    sound.iter().map(|s| (s * 32768.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_encoded_and_decoded() {
        let mut random = fastrand::Rng::with_seed(5);
        for bitrate in [0, 6_000, 12_000, 18_000, 20_000, 24_000, 27_999, 28_000, 48_000, 510_000, u32::MAX] {
            let (mut encoder, mut decoder) = (Encoder::new(bitrate), Decoder::new());
            for n in 0..12 {
                let loud = [0, 300, 30_000][n / 4];
                let packet = encoder.encode(&std::array::from_fn(|_| random.i16(-loud..=loud)));
                assert_eq!(decoder.decode(&packet).map(|sound| sound.len()), Some(FRAME), "{bitrate}");
            }
        }
    }

    #[test]
    fn stereo_becomes_mono() {
        // Some peers send it although our description does not ask for it (RFC 7587 §6.1).
        let mut encoder = OpusEncoder::new(48_000, 2, Application::Audio).unwrap();
        encoder.bitrate_bps = 64_000;
        let mut decoder = Decoder::new();
        let mut heard = Vec::new();
        for n in 0..20 {
            let sound: Vec<i16> = (0..2 * FRAME)
                .map(|k| (8000.0 * (0.0576 * (n * FRAME + k / 2) as f32).sin()) as i16)
                .collect();
            let mut packet = [0; MAX_FRAME_BYTES];
            let length = encoder.encode_i16(&sound, FRAME, &mut packet).unwrap();
            heard.extend(decoder.decode(&packet[..length]).unwrap());
        }
        let found = crate::signal::dominant_tone(&heard[10 * FRAME..], -50.0);
        assert!((found.hz.unwrap() - 440.0).abs() < 2.0, "{found:?}");
    }

    #[test]
    fn durations_follow_the_table_of_configurations() {
        assert_eq!(samples(&[0x78, 0]), 960, "hybrid, 20 ms");
        assert_eq!(samples(&[0x08, 0]), 960, "SILK, 20 ms");
        assert_eq!(samples(&[0x18, 0]), 2880, "SILK, 60 ms");
        assert_eq!(samples(&[0x80, 0]), 120, "CELT, 2.5 ms");
        assert_eq!(samples(&[0x09, 0]), 1920, "two frames");
        assert_eq!(samples(&[0x0b, 0x06]), 5760, "six frames: 120 ms");
        assert_eq!(samples(&[0x0b, 0x07]), 0, "longer than any packet may be");
        assert_eq!(samples(&[0x0b, 0x00]), 0, "no frame at all");
        assert_eq!((samples(&[]), samples(&[0x08])), (0, 0));
    }
}
