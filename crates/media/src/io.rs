//! What goes into a session and what comes out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

/// Something that happened outside.
#[derive(Debug)]
pub enum MediaInput<'a> {
    /// A datagram came in.
    Received {
        /// The local address, as it was given to `add_local`.
        local: SocketAddr,
        /// Who sent it.
        remote: SocketAddr,
        /// The whole datagram.
        data: &'a [u8],
    },
    /// Time passed. Harmless when nothing is due.
    Wake,
}

/// Something the host has to do or to know.
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
    /// Something happened.
    Event(MediaEvent),
}

/// What a session notices.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// ICE and DTLS are up (again): media flows.
    Connected,
    /// The path went away. It may come back until the recovery time is over.
    Disconnected,
    /// There will be no media: said once, after which only an ICE restart helps.
    Failed {
        /// Why.
        cause: FailureCause,
    },
    /// The first frame of the peer's audio was decoded and played.
    FirstAudio,
    /// The peer pressed a key.
    Digit {
        /// One of `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long it was pressed.
        duration: Duration,
        /// Heard as a tone in the audio, and not received as a telephone-event.
        by_tone: bool,
    },
    /// A digit of ours went out completely.
    DigitSent {
        /// Which.
        digit: char,
    },
    /// A digit of ours will not go out, because the media failed.
    DigitFailed {
        /// Which.
        digit: char,
    },
    /// What is heard became another tone, or became silence, and stayed so.
    ToneChanged {
        /// The dominant frequency in Hz; `None` is silence.
        hz: Option<f32>,
        /// The level in dB relative to full scale.
        level_dbfs: f32,
    },
    /// The source played to its end; silence is sent from here on.
    SourceEnded,
}

/// Why the media path is not there.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FailureCause {
    /// No pair of addresses worked in time.
    #[error("ICE found no path")]
    Ice,
    /// A path was there but DTLS did not finish in time, or the fingerprint was wrong.
    #[error("DTLS did not come up")]
    Dtls,
    /// The path was there and went away for too long.
    #[error("the path was lost")]
    Lost,
    /// The peer closed the DTLS association.
    #[error("the peer closed the path")]
    Closed,
}
