//! What a host may choose about a session.

use std::fmt;
use std::time::Duration;

use str0m::config::DtlsCert;

use crate::codec::Codec;

/// The choices for one session. The default suits a voice call with a browser or a SIP server.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Codecs to offer and to accept, most wanted first. The first one both ends have is sent.
    pub codecs: Vec<Codec>,
    /// Offer and accept telephone-event (RFC 4733).
    pub telephone_event: bool,
    /// Listen for DTMF tones in the audio of a peer that did not negotiate telephone-event.
    pub tone_digits: bool,
    /// Send the source to a peer that we hold, as music for it. Else it gets silence from the moment on at which the hold is agreed.
    pub music_on_hold: bool,
    /// The DTLS certificate. `None` makes a fresh one, which is the one thing not drawn from the seed.
    pub certificate: Option<Certificate>,
    /// Draw what DTLS leaves to chance from the seed as well: when it repeats what was lost, and the random bytes of its
    /// hellos and nonces. Keys and signatures stay random. It is for simulations, which want the same packets at the
    /// same times again even when the handshake loses some; a peer in the world should not be able to foresee a hello.
    pub seeded_dtls: bool,
    /// How long ICE and DTLS may take together, from the moment both descriptions are known.
    pub connect_timeout: Duration,
    /// How long a path that went away may stay away.
    pub recovery_timeout: Duration,
    /// The longest recording kept; what comes after is not recorded. 48 kHz of 16 bits is 96 kB a second.
    pub recording_cap: Duration,
    /// Sound below this level, in dB relative to full scale, is silence.
    pub silence_dbfs: f32,
    /// Opus bit rate in bits a second.
    pub opus_bitrate: u32,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma],
            telephone_event: true,
            tone_digits: true,
            music_on_hold: false,
            certificate: None,
            seeded_dtls: false,
            connect_timeout: Duration::from_secs(10),
            recovery_timeout: Duration::from_secs(15),
            recording_cap: Duration::from_secs(300),
            silence_dbfs: -50.0,
            opus_bitrate: 32_000,
        }
    }
}

/// A DTLS certificate and its private key. One may serve many sessions.
#[derive(Clone)]
pub struct Certificate(pub(crate) DtlsCert);

impl Certificate {
    /// Make a self-signed certificate from the operating system's randomness. `None` if that fails.
    pub fn generate() -> Option<Self> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().map(Self)
    }

    /// Take an existing certificate and its private key, both DER.
    pub fn from_der(certificate: Vec<u8>, private_key: Vec<u8>) -> Self {
        Self(DtlsCert { certificate, private_key })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(***)")
    }
}
