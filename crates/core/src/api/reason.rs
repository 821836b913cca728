use offhook_wire::{HeaderName, Message, Reason};
use std::fmt;

/// Why a call ended: by which party, for which cause, and with which SIP status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndReason {
    /// The party that ended the call.
    pub by: EndedBy,
    /// The cause.
    pub cause: Cause,
    /// The SIP status code that ended the call, or that a `Reason: SIP;cause=…` header named (RFC 3326).
    pub code: Option<u16>,
    /// The `text` of a `Reason` header, else the reason phrase; what happened, if this phone ended the call. May be empty. Untrusted.
    pub text: String,
}

impl EndReason {
    /// The reason with these fields.
    pub fn new(by: EndedBy, cause: Cause, code: Option<u16>, text: &str) -> Self {
        Self { by, cause, code, text: text.to_owned() }
    }
}

/// The reason that a final response to our INVITE gives. A `Reason` header, which a proxy copied from another branch, is more
/// specific than a 487 or 480 (RFC 3326 §2).
pub(crate) fn reason_of_final(code: u16, message: &Message) -> EndReason {
    let (_, text) = reason_of(message);
    let text = if text.is_empty() { String::from_utf8_lossy(message.reason()).into_owned() } else { text };
    EndReason { by: EndedBy::Peer, cause: Cause::of_final(code), code: Some(code), text }
}

/// The code and text of a message's `Reason: SIP;cause=…;text="…"` (RFC 3326), if it has one.
pub(crate) fn reason_of(message: &Message) -> (Option<u16>, String) {
    for value in message.values(HeaderName::Reason) {
        let Ok(reason) = Reason::parse(value) else { continue };
        if reason.protocol.eq_ignore_ascii_case(b"SIP") {
            return (reason.cause(), reason.text().unwrap_or_default().into_owned());
        }
    }
    (None, String::new())
}

/// The party that ended a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// This phone: its user, or one of its rules.
    Us,
    /// The peer, or a server on its behalf.
    Peer,
    /// Neither party: a time-out, a lost connection, or a failed media path.
    Network,
}

/// Why a call ended, or why a registration attempt or a request outside of a dialog failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// An established call was hung up (BYE).
    HungUp,
    /// The caller cancelled the call before the answer (CANCEL, 487).
    Cancelled,
    /// Another device of the callee answered (RFC 3326 `SIP;cause=200`).
    AnsweredElsewhere,
    /// Another device of the callee declined for all (600, 603 by `Reason`).
    DeclinedElsewhere,
    /// 486, 600.
    Busy,
    /// 603, 403 and other refusals of the request as such.
    Rejected,
    /// 404, 410, 484, 485, 604: the address does not exist.
    NotFound,
    /// The callee was alerted and did not answer in time: 408, 480 after ringing, or our own limit.
    NoAnswer,
    /// 480, 503 and the like: the callee cannot be reached now.
    Unavailable,
    /// No common codec or refused description: 415, 488, 606.
    NotAcceptable,
    /// 401 or 407, and there were no credentials for the realm, or wrong ones.
    Unauthorized,
    /// 3xx, without a target that [`Config::redirect_policy`](crate::Config::redirect_policy) allows to follow.
    Redirected,
    /// Our transfer succeeded, and the phone ended the call.
    Transferred,
    /// The peer did not answer a request within 64·T1 (RFC 3261 §17), or never sent the ACK (§13.3.1.4).
    TimedOut,
    /// There was no connection for the request, or it was lost before the response.
    NotConnected,
    /// The media engine failed: no description, no path within the limit, or a lost one.
    MediaFailed,
    /// Any other 4xx, 5xx or 6xx.
    OtherFailure,
    /// The peer violated the protocol in a way that ends the call (a 2xx without an answer, 481).
    Protocol,
}

impl Cause {
    /// A `snake_case` identifier for logs and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::HungUp => "hung_up",
            Cause::Cancelled => "cancelled",
            Cause::AnsweredElsewhere => "answered_elsewhere",
            Cause::DeclinedElsewhere => "declined_elsewhere",
            Cause::Busy => "busy",
            Cause::Rejected => "rejected",
            Cause::NotFound => "not_found",
            Cause::NoAnswer => "no_answer",
            Cause::Unavailable => "unavailable",
            Cause::NotAcceptable => "not_acceptable",
            Cause::Unauthorized => "unauthorized",
            Cause::Redirected => "redirected",
            Cause::Transferred => "transferred",
            Cause::TimedOut => "timed_out",
            Cause::NotConnected => "not_connected",
            Cause::MediaFailed => "media_failed",
            Cause::OtherFailure => "other_failure",
            Cause::Protocol => "protocol",
        }
    }

    /// The cause that a final response with `code` to our INVITE gives.
    pub(crate) fn of_final(code: u16) -> Cause {
        match code {
            300..=399 => Cause::Redirected,
            401 | 407 => Cause::Unauthorized,
            402 | 403 | 405 | 406 | 413 | 414 | 416 | 420 | 421 | 433 | 436..=439 | 603 | 607 | 608 => {
                Cause::Rejected
            }
            404 | 410 | 484 | 485 | 604 => Cause::NotFound,
            408 => Cause::NoAnswer,
            415 | 488 | 606 => Cause::NotAcceptable,
            480 | 502 | 503 | 504 => Cause::Unavailable,
            486 | 600 => Cause::Busy,
            487 => Cause::Cancelled,
            481 => Cause::Protocol,
            _ => Cause::OtherFailure,
        }
    }
}

/// The words of [`Cause::as_str`], for people: `"not connected"`.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}
