//! Responses of the exchange's own, as a user agent server (RFC 3261 §8.2.6).

use offhook_wire::{Builder, HeaderName, Message, reason_phrase};

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
        Self { status, reason: reason_phrase(status), rows: Vec::new() }
    }

    /// What the exchange itself can do (RFC 3261 §11.2).
    pub(crate) fn capabilities() -> Self {
        Self::new(200).with(HeaderName::Allow, "REGISTER, OPTIONS")
    }

    /// With another phrase.
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
    Builder::reply(request, 100, reason_phrase(100), None).finish()
}

/// The To tag of our answers to a request.
pub(crate) fn own_tag(seal: &Seal, request: &Message) -> String {
    format!("{:016x}", seal.request("to-tag", request))
}
