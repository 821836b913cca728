//! A request to send.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Limits, Message, Method};

/// The content of a request without its Via, which depends on the link.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) method: Method<'static>,
    pub(crate) uri: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    /// Additional rows in order.
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Draft {
    /// A request outside a dialog, with a fresh Call-ID and From tag. `from` and `to` are URIs.
    pub(crate) fn new(method: Method<'static>, uri: &str, from: &str, to: &str) -> Self {
        Self {
            method,
            uri: uri.to_owned(),
            from: format!("<{from}>;tag={}", fresh("f")),
            to: format!("<{to}>"),
            call_id: fresh("call"),
            cseq: 1,
            rows: Vec::new(),
            body: Bytes::new(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.rows.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// As if the request were inside a dialog: with a To tag.
    #[must_use]
    pub(crate) fn tagged(mut self) -> Self {
        self.to.push_str(";tag=dialog");
        self
    }

    /// The bytes, with one Via.
    ///
    /// # Panics
    /// If a row contains a line end.
    pub(crate) fn write(&self, via: &str, branch: &str) -> Bytes {
        let mut builder = Builder::request(self.method, self.uri.as_bytes());
        builder.header(HeaderName::Via, format!("{via};branch={branch}"));
        builder.header(HeaderName::From, &self.from);
        builder.header(HeaderName::To, &self.to);
        builder.header(HeaderName::CallId, &self.call_id);
        let cseq = self.cseq.to_string();
        builder.parts(HeaderName::CSeq, &[cseq.as_bytes(), b" ", self.method.as_bytes()]);
        builder.number(HeaderName::MaxForwards, 70);
        for (name, value) in &self.rows {
            builder.untrusted(name.as_bytes(), value.as_bytes()).expect("a row of this program's own");
        }
        if self.body.is_empty() { builder.finish() } else { builder.body("text/plain", &self.body) }
    }
}

/// A unique text.
pub(crate) fn fresh(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{:x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A unique branch parameter (RFC 3261 §8.1.1.7).
pub(crate) fn branch() -> String {
    fresh("z9hG4bK")
}

/// Parses a message of the exchange; `None` if it is malformed.
pub(crate) fn read(data: Bytes) -> Option<Message> {
    Message::parse(data, &Limits { message: usize::MAX, head: usize::MAX, headers: 1024 }).ok()
}

/// A header value or URI as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A body of this length.
pub(crate) fn body(bytes: usize) -> Bytes {
    Bytes::from(vec![b'x'; bytes])
}
