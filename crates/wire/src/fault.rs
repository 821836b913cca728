//! What can be wrong with a whole message.

use crate::{HeaderError, HeaderName};

/// Why a message is refused, and where. Carries no content of the message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Bytes from the start of the message to the place where it was noticed.
    pub offset: u32,
}

/// The kinds of [`Fault`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The first line is neither a request line nor a status line (RFC 3261 §7.1, §7.2).
    #[error("malformed start line")]
    StartLine,
    /// A header name is no token, is empty, or has no colon (RFC 3261 §7.3.1).
    #[error("malformed header name")]
    HeaderName,
    /// A line does not end in CRLF, or a NUL is outside a quoted pair (RFC 3261 §25.1).
    #[error("stray control character")]
    ControlCharacter,
    /// The data end before the empty line that ends the head (RFC 3261 §7).
    #[error("no end of headers")]
    HeadTruncated,
    /// A Content-Length that is not a number (RFC 3261 §20.14).
    #[error("malformed Content-Length")]
    ContentLength,
    /// Two Content-Lengths that differ: the end of the message is a matter of opinion.
    #[error("contradictory Content-Length")]
    ContentLengthConflict,
    /// A stream message without Content-Length (RFC 3261 §18.3).
    #[error("no Content-Length on a stream")]
    ContentLengthMissing,
    /// The body is shorter than Content-Length (RFC 3261 §18.3).
    #[error("truncated body")]
    BodyTruncated,
    /// The body is longer than Content-Length, where one frame is one message (RFC 7118 §5).
    #[error("more body than Content-Length")]
    BodyOverrun,
    /// Longer than [`Limits::message`](crate::Limits::message).
    #[error("message too large")]
    MessageTooLarge,
    /// A head longer than [`Limits::head`](crate::Limits::head).
    #[error("head too large")]
    HeadTooLarge,
    /// More rows than [`Limits::headers`](crate::Limits::headers).
    #[error("too many headers")]
    TooManyHeaders,
    /// A version other than SIP/2.0 (RFC 3261 §21.5.6).
    #[error("unsupported SIP version")]
    Version,
    /// A Request-URI that is no URI, or that has headers (RFC 3261 §19.1.1 table 1).
    #[error("malformed Request-URI")]
    RequestUri,
    /// A mandatory header is missing (RFC 3261 §8.1.1).
    #[error("{0} is missing")]
    Missing(HeaderName),
    /// A header that may occur once occurs twice (RFC 3261 §7.3.1).
    #[error("{0} occurs more than once")]
    Repeated(HeaderName),
    /// A mandatory header cannot be read.
    #[error("{0}")]
    Header(HeaderError),
    /// The method of CSeq is not the method of the request (RFC 3261 §8.1.1.5).
    #[error("the method of CSeq is another")]
    MethodMismatch,
}

impl FaultKind {
    /// The status code with which a request of this kind is refused.
    pub const fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::MessageTooLarge | Self::HeadTooLarge | Self::TooManyHeaders => 513,
            _ => 400,
        }
    }
}

impl FaultKind {
    pub(crate) fn at(self, offset: usize) -> Fault {
        Fault { kind: self, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_final_status_and_a_text_without_content() {
        assert_eq!(FaultKind::StartLine.status(), 400);
        assert_eq!(FaultKind::Version.status(), 505);
        assert_eq!(FaultKind::MessageTooLarge.status(), 513);
        assert_eq!(FaultKind::Missing(HeaderName::CallId).at(7).to_string(), "Call-ID is missing at byte 7");
    }
}
