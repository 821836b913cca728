//! Inputs and outputs of a session.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

/// An input of a session.
#[derive(Debug)]
pub enum MediaInput<'a> {
    /// A datagram was received.
    Received {
        /// The local address, as it was given to `add_local`.
        local: SocketAddr,
        /// The address of its sender.
        remote: SocketAddr,
        /// The whole datagram.
        data: &'a [u8],
    },
    /// Time passed. Has no effect when nothing is due.
    Wake,
}

/// An output of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaOutput {
    /// Send a datagram.
    Transmit {
        /// From this local address.
        local: SocketAddr,
        /// To this address.
        remote: SocketAddr,
        /// The whole datagram.
        data: Bytes,
    },
    /// An event for the host.
    Event(MediaEvent),
}

/// An event of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// ICE and DTLS are connected, for the first time or again.
    Connected,
    /// The path was lost. It may recover within [`MediaConfig::recovery_timeout`](crate::MediaConfig::recovery_timeout).
    Disconnected,
    /// Media failed. Reported once; only an ICE restart can recover it.
    Failed {
        /// The cause.
        cause: FailureCause,
    },
    /// The first frame of the peer's audio was decoded and played.
    FirstAudio,
    /// The peer sent a digit.
    Digit {
        /// One of `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// Its duration.
        duration: Duration,
        /// Detected as DTMF in the audio, and not received as a telephone-event.
        in_band: bool,
    },
    /// A digit was sent completely.
    DigitSent {
        /// The digit.
        digit: char,
    },
    /// A digit was not sent, because media failed or telephone-event was not negotiated.
    DigitFailed {
        /// The digit.
        digit: char,
    },
    /// The received audio changed to another tone, or to silence, for at least 60 ms.
    ToneChanged {
        /// The dominant frequency in Hz; `None` is silence.
        hz: Option<f32>,
        /// The level in dB relative to full scale.
        level_dbfs: f32,
    },
    /// The source ended; silence is sent from now on.
    SourceEnded,
}

/// The cause of a media failure.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FailureCause {
    /// No candidate pair worked in time.
    #[error("ICE found no path")]
    Ice,
    /// ICE connected, but DTLS did not in time, or the fingerprint was wrong.
    #[error("the DTLS handshake failed")]
    Dtls,
    /// The path was lost for too long.
    #[error("the path was lost")]
    Lost,
    /// The peer closed the DTLS association.
    #[error("the peer closed the path")]
    Closed,
}
