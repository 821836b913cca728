//! Errors of offers, answers and commands.

use thiserror::Error;

/// An error of a description or a command. Never contains text of the peer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MediaError {
    /// The description is not SDP (RFC 8866), or lacks a mandatory part.
    #[error("malformed description: {0}")]
    Malformed(&'static str),
    /// No codec in common: 488.
    #[error("no common codec")]
    NoCommonCodec,
    /// Unsupported media: 488.
    #[error("not supported: {0}")]
    NotSupported(Unsupported),
    /// An offer while another is pending, or an answer without an offer.
    #[error("wrong state: {0}")]
    WrongState(&'static str),
    /// No address was added with `add_local`.
    #[error("no local address")]
    NoLocalAddress,
    /// Not one of `0`-`9`, `*`, `#`, `A`-`D`.
    #[error("not a digit")]
    NotADigit,
    /// The peer did not negotiate telephone-event; send the digit by INFO.
    #[error("the peer does not support telephone-event")]
    NoTelephoneEvent,
    /// More than 64 digits are queued.
    #[error("too many digits queued")]
    TooManyDigits,
    /// ICE, DTLS or SRTP failed.
    #[error("media engine: {0}")]
    Engine(&'static str),
}

/// An unsupported feature that a peer offered.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// No audio line with a supported profile.
    #[error("no usable audio line")]
    NoAudio,
    /// Plain RTP (`RTP/AVP`, `RTP/AVPF`).
    #[error("plain RTP")]
    PlainRtp,
    /// SRTP keyed by `a=crypto` (RFC 4568).
    #[error("SRTP with keys in the description (SDES)")]
    Sdes,
    /// DTLS-SRTP without ICE.
    #[error("media without ICE")]
    NoIce,
    /// A certificate fingerprint with an unsupported hash function.
    #[error("fingerprint with an unsupported hash function")]
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
