//! The configuration of a session.

use std::fmt;
use std::time::Duration;

use str0m::config::DtlsCert;

use crate::codec::Codec;

/// The configuration of a session. The default suits a voice call with a browser or a SIP server.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// Codecs to offer and to accept, in order of preference. The first one that both ends support is sent.
    pub codecs: Vec<Codec>,
    /// Offer and accept telephone-event (RFC 4733).
    pub telephone_event: bool,
    /// Detect in-band DTMF of a peer that did not negotiate telephone-event.
    pub in_band_digits: bool,
    /// Send the source to a held peer, as music on hold. Otherwise it gets silence as soon as the hold is agreed.
    pub music_on_hold: bool,
    /// The DTLS certificate. `None` generates one, which is not drawn from the seed.
    pub certificate: Option<Certificate>,
    /// Draw the randomness of DTLS from the seed: the times of retransmissions, and the random bytes of its hellos and nonces. Keys and
    /// signatures stay random. For simulations only, which need the same packets at the same times even when the handshake loses
    /// some; a real peer must not be able to predict a hello.
    pub seeded_dtls: bool,
    /// The time for ICE and DTLS together, after both descriptions are known.
    pub connect_timeout: Duration,
    /// The time for which a path may be lost before media fails.
    pub recovery_timeout: Duration,
    /// The longest recording; later audio is not recorded. A second takes 96 kB.
    pub recording_cap: Duration,
    /// Audio below this level, in dB relative to full scale, is silence.
    pub silence_dbfs: f32,
    /// The bit rate of Opus, in bits per second.
    pub opus_bitrate: u32,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma],
            telephone_event: true,
            in_band_digits: true,
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

/// A DTLS certificate and its private key. Many sessions may share one.
#[derive(Clone)]
pub struct Certificate(pub(crate) DtlsCert);

impl Certificate {
    /// Generates a self-signed certificate from the operating system's randomness. `None` if that fails.
    pub fn generate() -> Option<Self> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().map(Self)
    }

    /// An existing certificate and its private key, both DER.
    pub fn from_der(certificate: Vec<u8>, private_key: Vec<u8>) -> Self {
        Self(DtlsCert { certificate, private_key })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(***)")
    }
}
