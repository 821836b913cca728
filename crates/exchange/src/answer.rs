//! Responses of the exchange's own, as a user agent server (RFC 3261 §8.2.6).

use offhook_wire::{Builder, HeaderName, Message};

use crate::token::Seal;

/// A final response that the exchange gives itself, and the rows that belong to it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) rows: Vec<(HeaderName, Vec<u8>)>,
}

impl Answer {
    /// With the RFC's own phrase.
    pub(crate) fn new(status: u16) -> Self {
        Self { status, reason: phrase(status), rows: Vec::new() }
    }

    pub(crate) fn because(status: u16, reason: &'static str) -> Self {
        Self { status, reason, rows: Vec::new() }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: impl Into<Vec<u8>>) -> Self {
        self.rows.push((name, value.into()));
        self
    }

    /// The bytes of this answer to a request. The To tag is a hash of the request, so that a request answered twice hears the
    /// same tag (RFC 3261 §8.2.7) and an answer needs no memory.
    pub(crate) fn to(&self, seal: &Seal, request: &Message) -> bytes::Bytes {
        let tag = own_tag(seal, request);
        let mut builder = Builder::reply(request, self.status, self.reason, Some(tag.as_bytes()));
        for (name, value) in &self.rows {
            // Some values were heard from a peer. One that would break the line is left out.
            let _ = builder.untrusted(name.canonical().as_bytes(), value);
        }
        builder.finish()
    }
}

/// The 100 of RFC 3261 §16.2: it carries no tag of ours.
pub(crate) fn trying(request: &Message) -> bytes::Bytes {
    Builder::reply(request, 100, phrase(100), None).finish()
}

fn own_tag(seal: &Seal, request: &Message) -> String {
    let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or_default();
    let from = request.from().ok().and_then(|from| from.tag()).unwrap_or_default();
    let call_id = request.call_id().unwrap_or_default();
    format!("{:016x}", seal.mac("to-tag", &[branch, from, call_id]))
}

/// The phrases of RFC 3261 §21 that the exchange uses.
pub(crate) fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        487 => "Request Terminated",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        _ => "Refused",
    }
}
