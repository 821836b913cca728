//! Conversions to and from the message types of the rsip crate, for programs that have them already.
//!
//! They lose what rsip cannot represent: the reason phrase of a known status, the spelling of header names, folding, and
//! `transport=udp` becomes `transport=UDP` in a Request-URI. rsip refuses IPv6 literals, unknown methods and transports,
//! and anything in a head that is not UTF-8. Where it would read something else than we did, the conversion fails.

use ::rsip::headers::Header;
use ::rsip::message::HasHeaders;
use bytes::{BufMut, Bytes, BytesMut};

use crate::build::{put_content_length, put_value};
use crate::{Fault, HeaderName, Limits, Message, reason_phrase};

/// Why a message cannot be converted. Does not contain rsip's error, which includes the whole message with passwords and keys.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RsipError {
    /// rsip cannot read this message.
    #[error("rsip refuses the message")]
    Refused,
    /// rsip reads another number of headers or another body.
    #[error("rsip reads the message differently")]
    Changed,
    /// The message of rsip has line breaks in a header.
    #[error("a value of the rsip message breaks its line")]
    Injection,
    /// The message of rsip is not a SIP message.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl TryFrom<&Message> for ::rsip::SipMessage {
    type Error = RsipError;

    fn try_from(message: &Message) -> Result<Self, RsipError> {
        // rsip supports neither compact names nor folding nor space before the colon: rewrite the head.
        let mut text = BytesMut::with_capacity(message.bytes().len() + 256);
        text.put_slice(message.start_line());
        for row in message.headers() {
            match row.name {
                HeaderName::Other => text.put_slice(row.raw_name),
                name => text.put_slice(name.canonical().as_bytes()),
            }
            text.put_slice(b": ");
            put_value(&mut text, row.value);
            text.put_slice(b"\r\n");
        }
        text.put_slice(b"\r\n");
        text.put_slice(message.body_bytes());
        let converted = ::rsip::SipMessage::try_from(&text[..]).map_err(|_| RsipError::Refused)?;
        let same = converted.headers().iter().count() == message.headers().count()
            && *converted.body() == message.body_bytes()
            && converted.is_request() == message.is_request();
        same.then_some(converted).ok_or(RsipError::Changed)
    }
}

impl TryFrom<&::rsip::SipMessage> for Message {
    type Error = RsipError;

    fn try_from(message: &::rsip::SipMessage) -> Result<Self, RsipError> {
        let start = match message {
            ::rsip::SipMessage::Request(request) => {
                format!("{} {} {}", request.method, request.uri, request.version)
            }
            ::rsip::SipMessage::Response(response) => {
                // Its Display writes "SessionProgress": the known statuses have no phrase in rsip.
                let code = response.status_code.code();
                let phrase = match &response.status_code {
                    ::rsip::StatusCode::Other(_, phrase) => phrase,
                    _ => reason_phrase(code),
                };
                format!("{} {code} {phrase}", response.version)
            }
        };
        let mut text = BytesMut::with_capacity(1024 + message.body().len());
        put_line(&mut text, &start)?;
        // Its Display corrupts a body that is not UTF-8, and its Content-Length is arbitrary.
        for header in message.headers().iter().filter(|header| !matches!(header, Header::ContentLength(_))) {
            put_line(&mut text, &header.to_string())?;
        }
        put_content_length(&mut text, message.body().len());
        text.put_slice(b"\r\n");
        text.put_slice(message.body());
        Ok(Message::parse(Bytes::from(text), &Limits::default())?)
    }
}

fn put_line(text: &mut BytesMut, line: &str) -> Result<(), RsipError> {
    if line.bytes().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return Err(RsipError::Injection);
    }
    text.put_slice(line.as_bytes());
    text.put_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use ::rsip::SipMessage;

    use super::*;

    const INVITE: &[u8] = b"INVITE sip:bob@b.example SIP/2.0\r\nv: SIP/2.0/UDP p.example;branch=z9hG4bK2\r\n\
        f: <sip:alice@a.example>;tag=1\r\nt :\r\n <sip:bob@b.example>\r\ni: x\r\nCSeq: 1 INVITE\r\nX-Own: y\r\n\
        l: 3\r\n\r\n\xff\x00z";

    fn read(bytes: &'static [u8]) -> Message {
        Message::parse(Bytes::from_static(bytes), &Limits::default()).unwrap()
    }

    #[test]
    fn messages_round_trip() {
        let message = read(INVITE);
        let theirs = SipMessage::try_from(&message).unwrap();
        let back = Message::try_from(&theirs).unwrap();
        assert_eq!((back.method(), back.request_uri()), (message.method(), message.request_uri()));
        let fields = |message: &Message| {
            let rows = message.headers().filter(|row| row.name != HeaderName::ContentLength);
            rows.map(|row| (row.name, row.value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(fields(&back), fields(&message));
        assert_eq!(back.body_bytes(), b"\xff\x00z");
    }

    #[test]
    fn responses_lose_their_phrase() {
        let theirs = SipMessage::try_from(&read(b"SIP/2.0 183 Es geht voran\r\nl: 0\r\n\r\n")).unwrap();
        let back = Message::try_from(&theirs).unwrap();
        assert_eq!((back.status(), back.reason()), (Some(183), &b"Session Progress"[..]));
        let theirs = SipMessage::try_from(&read(b"SIP/2.0 299 Na gut\r\nl: 0\r\n\r\n")).unwrap();
        assert_eq!(Message::try_from(&theirs).unwrap().reason(), b"Na gut");
    }

    #[test]
    fn unsupported_messages_are_errors_without_text() {
        let error = SipMessage::try_from(&read(b"SECRET sip:[::1] SIP/2.0\r\nl: 0\r\n\r\n")).unwrap_err();
        assert_eq!(error, RsipError::Refused);
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }

    #[test]
    fn conversion_cannot_inject_headers() {
        let SipMessage::Request(mut request) = SipMessage::try_from(&read(INVITE)).unwrap() else { panic!() };
        request.headers.push(Header::Other("X".into(), "1\r\nEvil: 2".into()));
        assert_eq!(Message::try_from(&request.clone().into()).unwrap_err(), RsipError::Injection);
        request.headers = Header::Other("X Y".into(), "1".into()).into();
        assert!(matches!(Message::try_from(&request.into()), Err(RsipError::Fault(_))));
    }
}
