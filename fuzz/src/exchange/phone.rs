//! A phone: a user, a contact, and its requests.

use offhook_wire::digest::{Challenge, Password, Responder};
use offhook_wire::{Builder, HeaderName, Message, Method, NameAddr};

/// The domain of the exchange.
pub(super) const DOMAIN: &str = "example.com";

/// The users; their passwords are their names.
pub(super) const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// A phone of one of the users. There are more phones than users, so that calls are forked.
pub(super) struct Phone {
    pub(super) user: &'static str,
    pub(super) contact: String,
    /// The slot of the flow that it uses.
    pub(super) slot: usize,
    /// The last request outside of a dialog.
    pub(super) last: Vec<u8>,
    number: usize,
    sent: u32,
    responder: Responder,
}

/// The parts of a request.
pub(super) struct Draft<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) call_id: &'a str,
    pub(super) cseq: u32,
    /// Further rows, each with its line end.
    pub(super) rows: &'a str,
}

impl Phone {
    pub(super) fn new(number: usize) -> Self {
        let user = USERS[number % USERS.len()];
        Self {
            user,
            contact: format!("sip:{user}@p{number}.invalid;transport=ws"),
            slot: number,
            last: Vec::new(),
            number,
            sent: 0,
            responder: Responder::new(),
        }
    }

    /// A branch that no other request has.
    fn branch(&mut self) -> String {
        self.sent += 1;
        format!("z9hG4bKp{}x{}", self.number, self.sent)
    }

    /// The bytes of a request with a new branch.
    pub(super) fn write(&mut self, draft: &Draft<'_>) -> Vec<u8> {
        let branch = self.branch();
        let Draft { method, uri, from, to, call_id, cseq, rows } = draft;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/WS p{}.invalid;branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{rows}Content-Length: 0\r\n\r\n",
            self.number
        )
        .into_bytes()
    }

    /// A number for CSeq, greater than all before.
    pub(super) fn next_cseq(&self) -> u32 {
        self.sent + 1
    }

    /// A row with the answer to the challenge in a response, or with credentials for the nonce of the last one.
    pub(super) fn credentials(
        &mut self,
        challenge: Option<&Message>,
        method: &str,
        uri: &str,
        wrong: bool,
    ) -> Option<String> {
        let password = Password::plain(if wrong { "wrong" } else { self.user });
        let method = Method::from_bytes(method.as_bytes());
        let Some(challenge) = challenge else {
            let value = self.responder.reuse(self.user, &password, method, uri.as_bytes(), b"")?;
            return Some(format!("Authorization: {value}\r\nProxy-Authorization: {value}\r\n"));
        };
        let (asked, name) = match challenge.status()? {
            401 => (HeaderName::WwwAuthenticate, "Authorization"),
            407 => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
            _ => return None,
        };
        let challenge = Challenge::parse(challenge.header(asked)?).ok()?;
        let value = self
            .responder
            .answer(&challenge, self.user, &password, method, uri.as_bytes(), b"", "c0ffee")
            .ok()?;
        Some(format!("{name}: {value}\r\n"))
    }
}

/// A request that belongs to the transaction of another one: its CANCEL, or the ACK of a refusal.
pub(super) fn hop_by_hop(request: &Message, method: Method<'_>, to: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut builder = Builder::request(method, request.request_uri()?);
    builder.header(HeaderName::Via, request.values(HeaderName::Via).next()?);
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::MaxForwards] {
        let value = to.filter(|_| name == HeaderName::To).or_else(|| request.header(name))?;
        builder.header(name, value);
    }
    let number = request.cseq().ok()?.number.to_string();
    builder.parts(HeaderName::CSeq, &[number.as_bytes(), b" ", method.as_bytes()]);
    Some(builder.finish().to_vec())
}

/// One end's view of a dialog (RFC 3261 §12).
pub(super) struct Dialog {
    /// The slot of the flow that this end uses.
    pub(super) slot: usize,
    call_id: String,
    local: String,
    remote: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
}

impl Dialog {
    /// The view of the caller, from the 2xx that it received.
    pub(super) fn caller(slot: usize, ok: &Message) -> Option<Self> {
        let mut routes = texts(ok, HeaderName::RecordRoute);
        routes.reverse();
        let (local, remote) = (text(ok, HeaderName::From)?, text(ok, HeaderName::To)?);
        Self::new(slot, ok, local, remote, routes, ok.cseq().ok()?.number)
    }

    /// The view of the callee, from the request that it received and the tag that it chose.
    pub(super) fn callee(slot: usize, request: &Message, tag: &str) -> Option<Self> {
        let local = format!("{};tag={tag}", text(request, HeaderName::To)?);
        let remote = text(request, HeaderName::From)?;
        Self::new(slot, request, local, remote, texts(request, HeaderName::RecordRoute), 1)
    }

    fn new(
        slot: usize,
        message: &Message,
        local: String,
        remote: String,
        routes: Vec<String>,
        cseq: u32,
    ) -> Option<Self> {
        let contact = message.header(HeaderName::Contact).and_then(|value| NameAddr::parse(value).ok())?;
        let target = String::from_utf8_lossy(contact.uri).into_owned();
        Some(Self { slot, call_id: text(message, HeaderName::CallId)?, local, remote, target, routes, cseq })
    }

    /// The next request of this end, written by `phone`.
    pub(super) fn request(&mut self, phone: &mut Phone, method: &str) -> Vec<u8> {
        if method != "ACK" {
            self.cseq += 1;
        }
        let mut rows: String = self.routes.iter().map(|route| format!("Route: {route}\r\n")).collect();
        rows += &format!("Contact: <{}>\r\n", phone.contact);
        let Self { call_id, local, remote, target, cseq, .. } = self;
        phone.write(&Draft {
            method,
            uri: target,
            from: local,
            to: remote,
            call_id,
            cseq: *cseq,
            rows: &rows,
        })
    }
}

fn text(message: &Message, name: HeaderName) -> Option<String> {
    message.header(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn texts(message: &Message, name: HeaderName) -> Vec<String> {
    message.values(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}
