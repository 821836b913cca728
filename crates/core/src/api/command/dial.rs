use crate::{AccountId, MediaTypes};

/// The callee of a new call and the options of its INVITE.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dial {
    /// The account to call from.
    pub account: AccountId,
    /// `sip:…`, `sips:…`, `tel:…`, or a user name or number of the account's own domain.
    pub to: String,
    /// Additional header fields for the INVITE. Names that the phone writes itself are an error.
    pub headers: Vec<(String, String)>,
    /// The types of media that the call is to have; at least one. What the callee accepts of them is told when the call is established
    /// ([`CallEvent::MediaTypes`](crate::CallEvent::MediaTypes), unless it is audio only).
    pub types: MediaTypes,
}

impl Dial {
    /// A call from the first account.
    pub fn to(to: impl Into<String>) -> Self {
        Self { account: AccountId(0), to: to.into(), headers: Vec::new(), types: MediaTypes::AUDIO }
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

    /// With these types of media.
    #[must_use]
    pub fn with_types(mut self, types: MediaTypes) -> Self {
        self.types = types;
        self
    }
}

/// How DTMF digits are sent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DtmfPath {
    /// RTP if telephone-event was negotiated, else INFO.
    #[default]
    Auto,
    /// RTP telephone-event (RFC 4733).
    Rtp,
    /// SIP INFO with `application/dtmf-relay`.
    Info,
}
