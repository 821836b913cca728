//! Why an offer, an answer or a command was refused.

use thiserror::Error;

/// What went wrong with a description or a command. Never holds text from the peer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MediaError {
    /// The description is not SDP (RFC 8866) or lacks what it must have.
    #[error("malformed description: {0}")]
    Malformed(&'static str),
    /// No codec in common: 488.
    #[error("no common codec")]
    NoCommonCodec,
    /// A kind of media this engine does not speak: 488.
    #[error("not supported: {0}")]
    NotSupported(Unsupported),
    /// An offer while one is pending, an answer to nothing.
    #[error("wrong state: {0}")]
    WrongState(&'static str),
    /// No address was added with `add_local`.
    #[error("no local address")]
    NoLocalAddress,
    /// Not one of `0`-`9`, `*`, `#`, `A`-`D`.
    #[error("not a digit")]
    NotADigit,
    /// The peer did not negotiate telephone-event; send the digit by INFO.
    #[error("the peer takes no telephone-event")]
    NoTelephoneEvent,
    /// More digits are queued than anybody dials.
    #[error("too many digits queued")]
    TooManyDigits,
    /// ICE, DTLS or SRTP refused. The text is the engine's, about its own state.
    #[error("engine: {0}")]
    Engine(&'static str),
}

/// What a peer offered that this engine does not do.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// No audio line that could be taken.
    #[error("no usable audio line")]
    NoAudio,
    /// Plain RTP (`RTP/AVP`, `RTP/AVPF`).
    #[error("plain RTP")]
    PlainRtp,
    /// SRTP keyed by `a=crypto` (RFC 4568).
    #[error("SRTP keys in the description")]
    Sdes,
    /// DTLS-SRTP without ICE.
    #[error("no ICE")]
    NoIce,
    /// A certificate fingerprint by a hash function this engine does not have.
    #[error("fingerprint hash function")]
    Fingerprint,
}

impl MediaError {
    /// The SIP status that answers an offer refused for this reason (RFC 3261 §21.4).
    pub fn status(self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NoCommonCodec | Self::NotSupported(_) => 488,
            Self::WrongState(_) => 491,
            Self::NoLocalAddress
            | Self::NotADigit
            | Self::NoTelephoneEvent
            | Self::TooManyDigits
            | Self::Engine(_) => 500,
        }
    }
}
