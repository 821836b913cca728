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
//! # A call in memory
//!
//! ```
//! use offhook_media::{Direction, MediaConfig, MediaEvent, MediaInput, MediaOutput, MediaSession, Source};
//! use offhook_wire::Instant;
//! # fn main() -> Result<(), offhook_media::MediaError> {
//! let (epoch, mut now) = (std::time::Instant::now(), Instant::ZERO);
//! let addresses = ["192.0.2.1:4000", "192.0.2.2:5000"].map(|a| a.parse().unwrap());
//! let mut ends = [0, 1].map(|n| MediaSession::new(MediaConfig::default(), [n; 32], epoch, now));
//! for (end, address) in ends.iter_mut().zip(addresses) {
//!     end.add_local(address);
//! }
//! ends[0].play(Source::tone(440.0));
//! let offer = ends[0].offer(now, Direction::SendRecv, false)?;
//! let answer = ends[1].answer(now, offer, Direction::SendRecv)?;
//! ends[0].apply(now, answer)?;
//! let mut heard = false;
//! while !heard {
//!     for n in [0, 1] {
//!         ends[n].handle(now, MediaInput::Wake);
//!         while let Some(output) = ends[n].poll() {
//!             match output {
//!                 MediaOutput::Transmit { local, remote, data } => {
//!                     ends[1 - n].handle(now, MediaInput::Received { local: remote, remote: local, data: &data });
//!                 }
//!                 MediaOutput::Event(event) => heard |= event == MediaEvent::FirstAudio,
//!             }
//!         }
//!     }
//!     // No clock is asked: a second takes as long as the work in it.
//!     now = ends.iter().filter_map(MediaSession::deadline).min().unwrap().max(now);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Randomness
//!
//! Everything random that a session decides comes from its seed: ICE credentials, SSRC, sequence numbers,
//! session ids. str0m draws from a thread-local generator; the session swaps its own state in
//! around every call. What stays random is cryptography: the DTLS certificate, unless
//! [`MediaConfig::certificate`] gives one, and the DTLS handshake: its keys and signatures, its hellos and when it
//! repeats what was lost. With [`MediaConfig::seeded_dtls`] the latter two come from the seed as well, and then two runs
//! of one seed exchange the same packets at the same times, whatever is lost, but not the same bytes.

mod codec;
mod config;
mod digits;
mod dtls;
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
