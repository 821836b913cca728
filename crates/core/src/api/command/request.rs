use crate::AccountId;
use bytes::Bytes;

/// A request outside of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The account that sends it.
    pub account: AccountId,
    /// An address as in [`Dial::to`](crate::Dial::to).
    pub to: String,
    /// Additional header fields. Names that the phone writes itself are an error.
    pub headers: Vec<(String, String)>,
    /// The method, and what it carries.
    pub kind: RequestKind,
}

/// The method of a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind {
    /// MESSAGE (RFC 3428). One at a time to each address (§8).
    Message {
        /// The `Content-Type`.
        content_type: String,
        /// The body; at most 16 KiB. RFC 3428 §8 limits the whole MESSAGE to 1300 bytes, unless every hop is known to be safe from
        /// congestion. The phone checks this for UDP, where a longer one fails with 513. For other transports it is left to the program,
        /// because a server may forward the message over UDP.
        body: Bytes,
    },
    /// OPTIONS (RFC 3261 §11): what the peer supports.
    Options,
}

impl Request {
    /// A MESSAGE with plain text, from the first account.
    pub fn message(to: impl Into<String>, text: impl Into<String>) -> Self {
        let body = Bytes::from(text.into());
        Self::new(to, RequestKind::Message { content_type: "text/plain;charset=utf-8".to_owned(), body })
    }

    /// An OPTIONS, from the first account.
    pub fn options(to: impl Into<String>) -> Self {
        Self::new(to, RequestKind::Options)
    }

    /// A request from the first account.
    pub fn new(to: impl Into<String>, kind: RequestKind) -> Self {
        Self { account: AccountId(0), to: to.into(), headers: Vec::new(), kind }
    }

    /// From this account.
    #[must_use]
    pub fn with_account(mut self, account: AccountId) -> Self {
        self.account = account;
        self
    }

    /// With one more header field.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
