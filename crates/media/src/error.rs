//! Errors of offers, answers and commands.

use thiserror::Error;

/// An error of a description or a command. Never contains text of the peer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MediaError {
    /// The description is not SDP (RFC 8866), or lacks a mandatory part.
    #[error("malformed description: {0}")]
    Malformed(&'static str),
    /// No codec in common: 488, warn-code 305 (RFC 3261 §20.43).
    #[error("no common codec")]
    NoCommonCodec,
    /// No transport in common: no audio line has a supported one. 488, warn-code 302.
    #[error("no common transport: {0}")]
    NoCommonTransport(Unsupported),
    /// No media in common: there is no audio line, or only rejected ones (port 0, RFC 3264 §6). 488, warn-code 304.
    #[error("no audio line")]
    NoCommonMedia,
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

/// Why the transport of a peer's audio line is not supported.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// A transport protocol (RFC 8866 §5.14) that is not RTP on UDP.
    #[error("transport protocol of the audio line")]
    Protocol,
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
            Self::NoCommonCodec | Self::NoCommonTransport(_) | Self::NoCommonMedia => 488,
            Self::WrongState(_) => 491,
            Self::NoLocalAddress
            | Self::NotADigit
            | Self::NoTelephoneEvent
            | Self::TooManyDigits
            | Self::Engine(_) => 500,
        }
    }
}
