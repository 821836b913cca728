//! Speech codecs. Audio inside is always 48 kHz mono; each codec converts to and from its own rate.

mod g711;
mod opus;
pub(crate) mod resample;

use crate::FRAME;

/// A speech codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Opus (RFC 6716, RFC 7587).
    Opus,
    /// G.711 μ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
}

impl Codec {
    /// The RTP clock rate in Hz.
    pub const fn clock(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// The encoding name of `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The number of samples at 48 kHz in a payload of this codec; 0 when it cannot be played.
    pub(crate) fn samples(self, payload: &[u8]) -> usize {
        match self {
            Self::Opus => opus::samples(payload),
            Self::Pcmu | Self::Pcma => payload.len() * (48_000 / 8_000),
        }
    }
}

/// Encodes frames of 20 ms.
pub(crate) enum Encoder {
    Opus(Box<opus::Encoder>),
    G711(Box<g711::Encoder>),
}

impl Encoder {
    pub(crate) fn new(codec: Codec, opus_bitrate: u32) -> Self {
        match codec {
            Codec::Opus => Self::Opus(Box::new(opus::Encoder::new(opus_bitrate))),
            Codec::Pcmu => Self::G711(Box::new(g711::Encoder::new(g711::Law::Mu))),
            Codec::Pcma => Self::G711(Box::new(g711::Encoder::new(g711::Law::A))),
        }
    }

    pub(crate) fn encode(&mut self, frame: &[i16; FRAME]) -> Vec<u8> {
        match self {
            Self::Opus(encoder) => encoder.encode(frame),
            Self::G711(encoder) => encoder.encode(frame),
        }
    }
}

/// Decodes payloads to 48 kHz, and conceals lost ones.
pub(crate) enum Decoder {
    Opus(Box<opus::Decoder>),
    G711(Box<g711::Decoder>),
}

impl Decoder {
    pub(crate) fn new(codec: Codec) -> Self {
        match codec {
            Codec::Opus => Self::Opus(Box::new(opus::Decoder::new())),
            Codec::Pcmu => Self::G711(Box::new(g711::Decoder::new(g711::Law::Mu))),
            Codec::Pcma => Self::G711(Box::new(g711::Decoder::new(g711::Law::A))),
        }
    }

    /// The samples of one payload; `None` when it is invalid.
    pub(crate) fn decode(&mut self, payload: &[u8]) -> Option<Vec<i16>> {
        match self {
            Self::Opus(decoder) => decoder.decode(payload),
            Self::G711(decoder) => Some(decoder.decode(payload)),
        }
    }

    /// 20 ms in place of a lost frame: from the in-band FEC of `next`, the packet after it (RFC 6716 §2.1.7), or extrapolated
    /// from the frames before it.
    pub(crate) fn conceal(&mut self, next: Option<&[u8]>) -> Vec<i16> {
        match self {
            Self::Opus(decoder) => decoder.conceal(next),
            Self::G711(decoder) => decoder.conceal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::dominant_tone;
    use crate::source::{Player, Source};

    const ALL: [Codec; 3] = [Codec::Opus, Codec::Pcmu, Codec::Pcma];

    #[test]
    fn each_codec_preserves_a_tone() {
        for codec in ALL {
            for hz in [300.0, 440.0, 1000.0, 2500.0] {
                let mut player = Player::default();
                player.play(Source::tone(hz));
                let (mut encoder, mut decoder) = (Encoder::new(codec, 32_000), Decoder::new(codec));
                let mut heard = Vec::new();
                for _ in 0..30 {
                    let payload = encoder.encode(&player.next().0);
                    assert_eq!(codec.samples(&payload), FRAME, "{codec:?}");
                    heard.extend(decoder.decode(&payload).unwrap());
                }
                assert_eq!(heard.len(), 30 * FRAME);
                let found = dominant_tone(&heard[20 * FRAME..], -50.0);
                assert!((found.hz.unwrap() - hz).abs() < 2.0, "{codec:?} {hz}: {found:?}");
                assert!((-16.0..-13.0).contains(&found.level_dbfs), "{codec:?} {hz}: {found:?}");
            }
        }
    }

    #[test]
    fn lost_frame_is_concealed_and_a_long_loss_fades_out() {
        for codec in ALL {
            let mut player = Player::default();
            player.play(Source::tone(440.0));
            let (mut encoder, mut decoder) = (Encoder::new(codec, 32_000), Decoder::new(codec));
            for _ in 0..20 {
                let payload = encoder.encode(&player.next().0);
                decoder.decode(&payload).unwrap();
            }
            let lost = decoder.conceal(None);
            assert_eq!(lost.len(), FRAME);
            assert!(
                dominant_tone(&lost, -90.0).level_dbfs > -25.0,
                "{codec:?}: the first loss is not a hole"
            );
            let mut last = Vec::new();
            for _ in 0..40 {
                last = decoder.conceal(None);
            }
            assert!(dominant_tone(&last, -90.0).level_dbfs < -40.0, "{codec:?}: a tone must not hang");
        }
    }

    #[test]
    fn garbage_does_not_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for codec in ALL {
            let mut decoder = Decoder::new(codec);
            for _ in 0..3_000 {
                let length = random.usize(0..300);
                let payload: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                let samples = codec.samples(&payload);
                if let Some(sound) = decoder.decode(&payload) {
                    assert_eq!(sound.len(), samples, "{codec:?}");
                }
                assert_eq!(decoder.conceal(Some(&payload)).len(), FRAME);
            }
        }
    }
}
