//! Sans-IO media for Offhook: one [`MediaSession`] per call.
//!
//! Inputs are datagrams, offers, answers and wake-ups, each with its time; outputs are datagrams, descriptions and [`MediaEvent`]s. A
//! session owns no socket, thread or clock: the host passes in received datagrams, sends those that [`MediaSession::poll`] returns,
//! and wakes the session at [`MediaSession::deadline`].
//!
//! str0m implements ICE, DTLS and SRTP. Everything above a decrypted RTP packet is here: the SDP of SIP peers (str0m rejects most of
//! it, so it is converted), Opus and G.711, the playout buffer, digits as telephone-events (RFC 4733) and in-band, tone detection,
//! recording and statistics.
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
//!     // Virtual time: it advances to the next deadline.
//!     now = ends.iter().filter_map(MediaSession::deadline).min().unwrap().max(now);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Offers before and after the answer
//!
//! [`check`] tells what an incoming offer would agree on, or why it must be refused, before a session exists. When several branches of
//! a forked INVITE answer one offer (RFC 3261 §13.2.2.4), [`MediaSession::fork`] makes a session for each further answer;
//! [`MediaSession::accepts`] selects the session of a datagram, since all of them use the same sockets.
//!
//! # Randomness
//!
//! ICE credentials, SSRC, sequence numbers and session ids come from the seed. str0m draws from a thread-local generator; the session
//! swaps its own state in around every call. Cryptography stays random: the DTLS certificate, unless [`MediaConfig::certificate`] is
//! set, and the DTLS handshake with its keys, signatures, hellos and times of retransmissions. With [`MediaConfig::seeded_dtls`] the
//! latter two come from the seed as well: then two runs of one seed exchange packets at the same times, whatever is lost, but not the
//! same bytes.

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
pub use session::{Agreed, MediaSession, check};
pub use signal::ReceivedTone;
pub use source::Source;
pub use statistics::{Received, Sent, Statistics};

/// The sample rate of all audio that enters and leaves a session: 48 kHz, mono.
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples in one frame of 20 ms.
pub const FRAME: usize = 960;
