//! The parts of an event that a peer wrote, for redaction. Every variant is named, so that a new one cannot be forgotten.

use super::CallEvent;
use bytes::Bytes;

/// A part of an event that may have secrets.
#[derive(Debug)]
pub enum Untrusted<'a> {
    /// Text of the peer: a URI, a name, a reason.
    Text(&'a mut String),
    /// A digit, which may be one of a PIN.
    Digit(&'a mut char),
    /// A body, and its `Content-Type`.
    Body(&'a mut String, &'a mut Bytes),
}

impl CallEvent {
    /// Calls `f` with each part that the peer wrote, and with each digit.
    pub fn for_each_untrusted(&mut self, mut f: impl FnMut(Untrusted<'_>)) {
        match self {
            Self::Incoming(incoming) => {
                f(Untrusted::Text(&mut incoming.from));
                incoming.display_name.iter_mut().for_each(|name| f(Untrusted::Text(name)));
                f(Untrusted::Text(&mut incoming.to));
            }
            Self::TransferRequested { target, referred_by, .. } => {
                f(Untrusted::Text(target));
                referred_by.iter_mut().for_each(|by| f(Untrusted::Text(by)));
            }
            Self::Referred { target, .. } | Self::Redirected { target } => f(Untrusted::Text(target)),
            Self::Digit { digit, .. } | Self::DigitSent { digit, .. } | Self::DigitFailed { digit, .. } => {
                f(Untrusted::Digit(digit));
            }
            Self::Info { content_type, body, .. } => f(Untrusted::Body(content_type, body)),
            Self::Ended(why) | Self::Status { why: Some(why), .. } => f(Untrusted::Text(&mut why.text)),
            Self::Status { why: None, .. }
            | Self::Progress { .. }
            | Self::Hold { .. }
            | Self::HoldFailed { .. }
            | Self::MediaTypes { .. }
            | Self::MediaTypesFailed { .. }
            | Self::MediaRestarted { .. }
            | Self::Transfer(_)
            | Self::TransferRequestEnded { .. }
            | Self::Media { .. }
            | Self::InfoOutcome { .. } => {}
        }
    }
}
