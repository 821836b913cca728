//! Messages of a rogue: neither checked nor escaped.

use std::fmt::Write as _;

use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method, reason_phrase};

/// The methods of a rogue that lists them.
pub(super) const ALLOW: &str = "INVITE, ACK, BYE, UPDATE, PRACK";

/// A message before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The first line.
    pub(super) start: String,
    rows: Vec<(String, String)>,
    body: Vec<u8>,
    /// Of a request: the branch that matches its responses.
    pub(super) branch: String,
    /// Of a request: its CSeq number.
    pub(super) cseq: u32,
    /// Of a request: the number of challenges it answered.
    pub(super) tried: u8,
    /// Of a request: the user whose password is guessed; `None` for the credentials of the rogue.
    pub(super) guesses: Option<String>,
}

impl Draft {
    /// A request without header rows.
    pub(super) fn request(method: &str, uri: &str) -> Self {
        Self { start: format!("{method} {uri} SIP/2.0"), ..Self::empty() }
    }

    fn empty() -> Self {
        Self {
            start: String::new(),
            rows: Vec::new(),
            body: Vec::new(),
            branch: String::new(),
            cseq: 0,
            tried: 0,
            guesses: None,
        }
    }

    /// A response with the header fields that RFC 3261 §8.2.6.2 copies, and Record-Route (§12.1.1).
    pub(super) fn reply(request: &Message, code: u16, tag: Option<&str>) -> Self {
        let mut draft = Self { start: status_line(code), ..Self::empty() };
        let routed = (101..300).contains(&code) && request.method() == Some(Method::Invite);
        for row in request.headers() {
            let mut value = String::from_utf8_lossy(row.value).into_owned();
            match row.name {
                HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {}
                HeaderName::RecordRoute if routed => {}
                HeaderName::To => {
                    if let (Some(tag), Ok(None)) = (tag, request.to().map(|to| to.tag())) {
                        let _ = write!(value, ";tag={tag}");
                    }
                }
                _ => continue,
            }
            draft.rows.push((row.name.to_string(), value));
        }
        draft
    }

    pub(super) fn method(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    pub(super) fn is_response(&self) -> bool {
        self.start.starts_with("SIP/2.0 ")
    }

    /// The same response with another code.
    pub(super) fn with_code(mut self, code: u16) -> Self {
        self.start = status_line(code);
        self
    }

    /// Adds a header row.
    #[must_use]
    pub(super) fn row(mut self, name: &str, value: impl Into<String>) -> Self {
        self.rows.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the first row of this name, or adds one.
    #[must_use]
    pub(super) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.into(),
            None => self.rows.push((name.to_owned(), value.into())),
        }
        self
    }

    /// Removes the rows of this name.
    #[must_use]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.rows.retain(|(known, _)| known != name);
        self
    }

    /// The value of the first row of this name; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.rows.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    #[must_use]
    pub(super) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.set("Content-Type", content_type)
    }

    #[must_use]
    pub(super) fn bodiless(mut self) -> Self {
        self.body.clear();
        self.without("Content-Type")
    }

    /// Sets or removes the tag of To or From.
    #[must_use]
    pub(super) fn tagged(self, name: &str, tag: Option<&str>) -> Self {
        let value = self.get(name);
        let bare = value.split(";tag=").next().unwrap_or_default().to_owned();
        self.set(name, tag.map_or_else(|| bare.clone(), |tag| format!("{bare};tag={tag}")))
    }

    /// The CANCEL of this request, or the ACK of its non-2xx response (RFC 3261 §9.1, §17.1.1.3).
    pub(super) fn companion(&self, method: &str) -> Self {
        let uri = self.start.split(' ').nth(1).unwrap_or_default();
        let mut companion = Self::request(method, uri);
        let kept = ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID"];
        companion.rows =
            self.rows.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned().collect();
        companion.branch.clone_from(&self.branch);
        companion.cseq = self.cseq;
        companion.row("CSeq", format!("{} {method}", self.cseq))
    }

    /// A response to the phone itself: without the Via rows of the proxies.
    #[must_use]
    pub(super) fn past_the_proxies(mut self) -> Self {
        let last = self.rows.iter().rposition(|(name, _)| name == "Via");
        let mut place = 0;
        self.rows.retain(|(name, _)| {
            place += 1;
            name != "Via" || Some(place - 1) == last
        });
        self
    }

    pub(super) fn write(&self) -> Bytes {
        let mut text = String::with_capacity(700);
        let _ = write!(text, "{}\r\n", self.start);
        for (name, value) in &self.rows {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if self.get("Content-Length").is_empty() {
            let _ = write!(text, "Content-Length: {}\r\n", self.body.len());
        }
        text.push_str("\r\n");
        let mut data = text.into_bytes();
        data.extend_from_slice(&self.body);
        data.into()
    }
}

/// A request without a final response.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) call: String,
    pub(super) draft: Draft,
}

impl Sent {
    pub(super) fn new(call: &str, draft: &Draft) -> Self {
        Self { call: call.to_owned(), draft: draft.clone() }
    }
}

fn status_line(code: u16) -> String {
    format!("SIP/2.0 {code} {}", reason_phrase(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook_wire::Limits;

    fn invite() -> Message {
        let draft = Draft::request("INVITE", "sip:bob@b")
            .row("Via", "SIP/2.0/WS proxy;branch=z9hG4bK2")
            .row("Via", "SIP/2.0/WS phone;branch=z9hG4bK1")
            .row("Record-Route", "<sip:proxy;lr>")
            .row("From", "<sip:alice@a>;tag=1")
            .row("To", "<sip:bob@b>")
            .row("Call-ID", "x")
            .row("CSeq", "1 INVITE");
        Message::parse(draft.write(), &Limits::default()).expect("a valid message")
    }

    #[test]
    fn a_reply_is_valid_until_changed() {
        let reply = Draft::reply(&invite(), 180, Some("7"));
        let read = |draft: &Draft| Message::parse(draft.write(), &Limits::default()).expect("a message");
        let mut message = read(&reply);
        assert_eq!(message.check(), Ok(()));
        assert_eq!((message.vias().count(), message.record_routes().count()), (2, 1));
        assert_eq!(message.to().expect("To").tag(), Some(&b"7"[..]));
        let untagged = read(&reply.clone().tagged("To", None));
        assert_eq!(untagged.to().expect("To").tag(), None);
        let straight = read(&reply.past_the_proxies());
        assert_eq!(straight.via().expect("Via").branch(), Some(&b"z9hG4bK1"[..]));
        assert_eq!(straight.vias().count(), 1);
    }
}
