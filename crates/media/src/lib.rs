//! Sans-IO media for Offhook: one [`MediaSession`] a call.
//!
//! A session takes datagrams, offers, answers and wake-ups, all with the time they happened at, and
//! gives back datagrams, descriptions and [`MediaEvent`]s. It owns no socket, thread or clock: the host
//! delivers what arrives, sends what [`MediaSession::poll`] hands out, and wakes it at
//! [`MediaSession::deadline`].
//!
//! Inside, str0m does ICE, DTLS and SRTP. Everything above a decrypted RTP packet is here: what SIP
//! peers write into SDP ([`sdp`](self) is a shim, because str0m refuses most of it), Opus and G.711, the
//! playout buffer, digits by RTP (RFC 4733) and by tone, tone detection, recording and statistics.
//!
//! # Randomness
//!
//! Everything random that a session decides comes from its seed: ICE credentials, SSRC, sequence numbers,
//! session ids. str0m draws from a thread-local generator; the session swaps its own state in
//! around every call. What stays random is cryptography: the DTLS certificate, unless
//! [`MediaConfig::certificate`] gives one, and the keys and nonces of the DTLS handshake. So two runs of one
//! seed exchange the same packets at the same times, but not the same bytes.

mod codec;
mod config;
mod digits;
mod error;
mod io;
mod playout;
mod recording;
mod sdp;
mod session;
mod signal;
mod source;
mod statistics;
mod transport;

pub use codec::Codec;
pub use config::{Certificate, MediaConfig};
pub use error::{MediaError, Unsupported};
pub use io::{FailureCause, MediaEvent, MediaInput, MediaOutput};
pub use offhook_wire::sdp::Direction;
pub use recording::{Recording, WavError};
pub use session::MediaSession;
pub use signal::Heard;
pub use source::Source;
pub use statistics::{Received, Sent, Statistics};

/// Samples a second of all audio that enters and leaves a session: 48 kHz, mono.
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples in one frame of 20 ms.
pub const FRAME: usize = 960;
