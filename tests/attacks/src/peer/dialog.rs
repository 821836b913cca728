//! The state of a dialog (RFC 3261 §12).

use offhook_wire::{HeaderName, Message, Method};

use super::draft::{Draft, text};

#[derive(Clone)]
pub(crate) struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    /// The Contact of the other end.
    target: String,
    routes: Vec<String>,
    cseq: u32,
}

impl Dialog {
    /// The caller's side (RFC 3261 §12.1.2). None if the response forms no dialog.
    pub(crate) fn of_caller(invite: &Draft, response: &Message) -> Option<Self> {
        let mut routes: Vec<String> = response.values(HeaderName::RecordRoute).map(text).collect();
        routes.reverse();
        Some(Self {
            call_id: invite.call_id.clone(),
            local: invite.from.clone(),
            remote: text(response.header(HeaderName::To)?),
            target: text(response.contact().ok()??.uri),
            routes,
            cseq: invite.cseq + 1,
        })
    }

    /// The callee's side (RFC 3261 §12.1.1), which answered with this To tag.
    pub(crate) fn of_callee(invite: &Message, tag: &str) -> Option<Self> {
        Some(Self {
            call_id: text(invite.call_id().ok()?),
            local: format!("{};tag={tag}", text(invite.header(HeaderName::To)?)),
            remote: text(invite.header(HeaderName::From)?),
            target: text(invite.contact().ok()??.uri),
            routes: invite.values(HeaderName::RecordRoute).map(text).collect(),
            cseq: 1,
        })
    }

    /// The next request. Without the route set it can be routed only by its Request-URI.
    pub(crate) fn next(&mut self, method: Method<'static>, routed: bool) -> Draft {
        self.cseq += 1;
        let routes = self.routes.iter().filter(|_| routed);
        Draft {
            method,
            uri: self.target.clone(),
            from: self.local.clone(),
            to: self.remote.clone(),
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            rows: routes.map(|route| ("Route".to_owned(), route.clone())).collect(),
            body: bytes::Bytes::new(),
        }
    }

    /// The ACK to the 2xx (RFC 3261 §13.2.2.4).
    pub(crate) fn ack(&self) -> Draft {
        let mut ack = self.clone().next(Method::Ack, true);
        ack.cseq = self.cseq - 1;
        ack
    }
}
