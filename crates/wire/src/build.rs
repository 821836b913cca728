//! Writing messages.

use crate::message::Entry;
use crate::scan::{is_token, skip_uri, trim};
use crate::{HeaderName, Message, Method};
use bytes::{BufMut, Bytes, BytesMut};

/// Somebody else's text would have become more than one header or one name.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Injection {
    /// The name is no token, or frames the message, which is the writer's business.
    #[error("not a name that may be set")]
    Name,
    /// The value has a CR, LF or NUL.
    #[error("a control character in a value")]
    Value,
}

/// Writes one message into one buffer, front to back.
///
/// Whatever is written stays on its line: folding that came in with a value from another message is undone,
/// so no value can add a header.
#[derive(Debug)]
pub struct Builder {
    out: BytesMut,
}

/// Most messages fit, those with an audio description included.
const USUAL: usize = 1000;

impl Builder {
    /// A request line.
    pub fn request(method: Method<'_>, uri: &[u8]) -> Self {
        let mut out = BytesMut::with_capacity(USUAL);
        put_start_word(&mut out, method.as_bytes());
        out.put_u8(b' ');
        put_start_word(&mut out, uri);
        out.put_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// A status line. The caller chooses the status, from 100 to 699.
    pub fn response(status: u16, reason: &str) -> Self {
        assert!((100..700).contains(&status), "{status} is no status code");
        let mut out = BytesMut::with_capacity(USUAL);
        out.put_slice(b"SIP/2.0 ");
        let digit = |unit: u16| b'0' + (status / unit % 10) as u8;
        out.put_slice(&[digit(100), digit(10), digit(1), b' ']);
        put_value(&mut out, reason.as_bytes());
        out.put_slice(b"\r\n");
        Self { out }
    }

    /// A response to `request` with all that RFC 3261 §8.2.6.2 copies: Via, From, To, Call-ID, CSeq; the
    /// Timestamp in a 100; and the Record-Route in a response that may form a dialog (§12.1.1).
    ///
    /// `to_tag` is added to a To that has no tag.
    pub fn reply(request: &Message, status: u16, reason: &str, to_tag: Option<&[u8]>) -> Self {
        let mut reply = Self::response(status, reason);
        let forms_dialog = (101..300).contains(&status) && request.method().is_some_and(Method::forms_dialog);
        let mut to = to_tag.filter(|_| request.to().map_or(true, |to| to.tag().is_none()));
        for row in request.entries() {
            match row.name {
                HeaderName::To => reply.copy(request, row, to.take()),
                HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                    reply.copy(request, row, None);
                }
                HeaderName::RecordRoute if forms_dialog => reply.copy(request, row, None),
                HeaderName::Timestamp if status == 100 => reply.copy(request, row, None),
                _ => {}
            }
        }
        reply
    }

    /// One row of `message`, with a tag.
    fn copy(&mut self, message: &Message, row: &Entry, tag: Option<&[u8]>) {
        self.out.put_slice(row.name.row_start().as_bytes());
        let value = row.value(message.bytes());
        if row.plain {
            self.out.put_slice(value);
        } else {
            put_value(&mut self.out, value);
        }
        if let Some(tag) = tag {
            self.out.put_slice(b";tag=");
            put_value(&mut self.out, tag);
        }
        self.out.put_slice(b"\r\n");
    }

    /// One row. Content-Length is written at the end by [`Builder::finish`] and [`Builder::body`], and an
    /// extension has no name here: see [`Builder::untrusted`].
    pub fn header(&mut self, name: HeaderName, value: impl AsRef<[u8]>) -> &mut Self {
        self.parts(name, &[value.as_ref()])
    }

    /// One row, its value in pieces.
    pub fn parts(&mut self, name: HeaderName, value: &[&[u8]]) -> &mut Self {
        assert!(!matches!(name, HeaderName::ContentLength | HeaderName::Other), "{name} is not set by hand");
        self.out.put_slice(name.row_start().as_bytes());
        let start = self.out.len();
        for part in value {
            self.out.put_slice(part);
        }
        // Nearly all values need no change.
        if first_break(&self.out[start..]).is_some() {
            self.out.truncate(start);
            for part in value {
                put_value(&mut self.out, part);
            }
        }
        self.out.put_slice(b"\r\n");
        self
    }

    /// A row with a number.
    pub fn number(&mut self, name: HeaderName, value: u32) -> &mut Self {
        let mut digits = [0; 10];
        self.parts(name, &[decimal(value, &mut digits)])
    }

    /// A row with a name and a value from outside.
    ///
    /// # Errors
    ///
    /// [`Injection`] when the name is no token or is Content-Length, or when the value has a CR, LF or
    /// NUL. Nothing is written then.
    pub fn untrusted(&mut self, name: &[u8], value: &[u8]) -> Result<&mut Self, Injection> {
        if !is_token(name) || name.len() > 255 || HeaderName::from_bytes(name) == HeaderName::ContentLength {
            return Err(Injection::Name);
        }
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(Injection::Value);
        }
        self.out.put_slice(name);
        self.out.put_slice(b": ");
        self.out.put_slice(value);
        self.out.put_slice(b"\r\n");
        Ok(self)
    }

    /// The message without a body.
    pub fn finish(mut self) -> Bytes {
        self.out.put_slice(b"Content-Length: 0\r\n\r\n");
        self.out.freeze()
    }

    /// The message with a body.
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Bytes {
        self.header(HeaderName::ContentType, content_type);
        self.out.reserve(body.len() + 40);
        put_content_length(&mut self.out, body.len());
        self.out.put_slice(b"\r\n");
        self.out.put_slice(body);
        self.out.freeze()
    }
}

pub(crate) fn put_content_length(out: &mut impl BufMut, length: usize) {
    let mut digits = [0; 10];
    out.put_slice(b"Content-Length: ");
    out.put_slice(decimal(u32::try_from(length).expect("a body below 4 GiB"), &mut digits));
    out.put_slice(b"\r\n");
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// The first byte that does not belong on a line.
fn first_break(bytes: &[u8]) -> Option<usize> {
    memchr::memchr3(b'\r', b'\n', 0, bytes)
}

/// Puts `value` on one line: each run of CR, LF and NUL becomes a space. From a message those are folding,
/// which is equivalent to a space (RFC 3261 §7.3.1); from anywhere else they would be an injection.
/// The NUL of a quoted pair becomes a blank pair.
pub(crate) fn put_value(out: &mut impl BufMut, value: &[u8]) {
    let mut rest = value;
    while let Some(at) = first_break(rest) {
        out.put_slice(&rest[..at]);
        out.put_u8(b' ');
        let run = rest[at..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | 0)).count();
        rest = &rest[at + run..];
    }
    out.put_slice(rest);
}

/// A method or Request-URI, which the caller read from a checked place; a byte that would end the word is
/// left out.
pub(crate) fn put_start_word(out: &mut impl BufMut, word: &[u8]) {
    if skip_uri(word, 0) == word.len() {
        return out.put_slice(word);
    }
    for piece in word.split(|&byte| byte <= b' ' || byte == 0x7f) {
        out.put_slice(piece);
    }
}

/// Appends `name` to `out` as a quoted display name with its escapes (RFC 3261 §25.1).
///
/// # Errors
///
/// [`Injection::Value`] when it has a control character other than a tab. Nothing is appended then.
pub fn quote_display_name(name: &str, out: &mut Vec<u8>) -> Result<(), Injection> {
    if name.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        return Err(Injection::Value);
    }
    out.push(b'"');
    for byte in trim(name.as_bytes()) {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, NameAddr};

    const INVITE: &[u8] = b"INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK2\r\n\
        v: SIP/2.0/UDP a;branch=z9hG4bK1\r\nRecord-Route: <sip:p;lr>\r\nTo:\r\n <sip:bob@b>\r\n\
        f: <sip:alice@a>;tag=1\r\ni: x\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\nContent-Length: 0\r\n\r\n";

    fn parse(data: Bytes) -> Message {
        Message::parse(data, &Limits::default()).unwrap()
    }

    #[test]
    fn request_round_trips() {
        let mut builder = Builder::request(Method::Other(b"FOO"), b"sip:a@b");
        builder
            .header(HeaderName::Via, "SIP/2.0/WSS x.invalid;branch=z9hG4bK1")
            .number(HeaderName::Expires, 4_294_967_295);
        builder.parts(HeaderName::CSeq, &[b"1", b" ", b"FOO"]).untrusted(b"X-Id", b"7").unwrap();
        let message = parse(builder.body("text/plain", b"hello"));
        assert_eq!(message.method(), Some(Method::Other(b"FOO")));
        assert_eq!(message.expires(), Ok(Some(u32::MAX)));
        assert_eq!(message.cseq().unwrap().number, 1);
        assert_eq!(message.named("x-id"), Some(&b"7"[..]));
        assert_eq!((message.content_length(), message.body_bytes()), (Ok(Some(5)), &b"hello"[..]));
    }

    #[test]
    fn reply_copies_the_mandatory_headers() {
        let request = parse(Bytes::from_static(INVITE));
        let mut reply = parse(Builder::reply(&request, 180, "Ringing", Some(b"77")).finish());
        assert_eq!((reply.status(), reply.reason()), (Some(180), &b"Ringing"[..]));
        let branches: Vec<_> = reply.vias().map(|via| via.unwrap().branch().unwrap().to_vec()).collect();
        assert_eq!(branches, [b"z9hG4bK2", b"z9hG4bK1"]);
        assert_eq!(reply.to().unwrap().tag(), Some(&b"77"[..]));
        assert_eq!(reply.record_routes().count(), 1);
        assert_eq!(reply.header(HeaderName::Timestamp), None);
        assert_eq!(reply.check(), Ok(()));
        let trying = parse(Builder::reply(&request, 100, "Trying", None).finish());
        assert_eq!(trying.header(HeaderName::Timestamp), Some(&b"54"[..]));
        assert_eq!((trying.to().unwrap().tag(), trying.record_routes().count()), (None, 0));
    }

    #[test]
    fn existing_to_tag_is_kept() {
        let request = String::from_utf8(INVITE.to_vec()).unwrap().replace("<sip:bob@b>", "<sip:bob@b>;tag=9");
        let reply = parse(Builder::reply(&parse(request.into()), 200, "OK", Some(b"77")).finish());
        assert_eq!(reply.to().unwrap().tag(), Some(&b"9"[..]));
    }

    #[test]
    fn values_cannot_add_a_header() {
        let mut builder = Builder::request(Method::Bye, b"sip:a@b\r\nEvil: 1");
        builder.header(HeaderName::Subject, "x\r\nEvil: 1").header(HeaderName::CallId, "a\n\0\rb");
        assert_eq!(builder.untrusted(b"X:", b"1").unwrap_err(), Injection::Name);
        assert_eq!(builder.untrusted(b"l", b"1").unwrap_err(), Injection::Name);
        assert_eq!(builder.untrusted(b"X", b"1\r\nEvil: 1").unwrap_err(), Injection::Value);
        let message = parse(builder.finish());
        assert_eq!(message.request_uri(), Some(&b"sip:a@bEvil:1"[..]));
        assert_eq!(message.header(HeaderName::Subject), Some(&b"x Evil: 1"[..]));
        assert_eq!(message.header(HeaderName::CallId), Some(&b"a b"[..]));
        assert_eq!(message.headers().count(), 3);
    }

    #[test]
    fn display_names_are_quoted() {
        let mut out = Vec::new();
        quote_display_name(r#"J "R" \ ü"#, &mut out).unwrap();
        out.extend_from_slice(b" <sip:a@b>");
        assert_eq!(NameAddr::parse(&out).unwrap().display_name().unwrap(), r#"J "R" \ ü"#);
        assert_eq!(quote_display_name("x\r\ny", &mut out), Err(Injection::Value));
    }
}
