//! The header fields that all requests of ours have (RFC 3261 §8.1.1).

use super::realms::Credentials;
use crate::Config;
use crate::base::decimal::decimal;
use offhook_wire::{Builder, HeaderName, Method};

/// The mandatory header fields of a request. Values are in parts.
pub(crate) struct Mandatory<'a> {
    pub(crate) via: &'a [&'a [u8]],
    /// The route set, if there is one: the values of Route header fields.
    pub(crate) routes: [&'a [&'a [u8]]; 2],
    pub(crate) from: &'a [&'a [u8]],
    pub(crate) to: &'a [&'a [u8]],
    pub(crate) call_id: &'a [u8],
    pub(crate) cseq: u32,
}

impl Mandatory<'_> {
    /// Begins a request with them.
    pub(crate) fn begin(&self, method: Method<'_>, uri: &[u8]) -> Builder {
        let mut b = Builder::request(method, uri);
        b.parts(HeaderName::Via, self.via);
        for route in self.routes.into_iter().filter(|route| !route.is_empty()) {
            b.parts(HeaderName::Route, route);
        }
        b.header(HeaderName::MaxForwards, b"70");
        b.parts(HeaderName::From, self.from);
        b.parts(HeaderName::To, self.to);
        b.header(HeaderName::CallId, self.call_id);
        b.parts(HeaderName::CSeq, &[decimal(self.cseq, &mut [0; 10]), b" ", method.as_bytes()]);
        b
    }
}

/// Adds the header fields that identify the phone and its user.
pub(crate) fn identify(b: &mut Builder, config: &Config, credentials: &Credentials) {
    b.header(HeaderName::UserAgent, &config.user_agent);
    for (name, value) in credentials {
        b.header(*name, value);
    }
}
