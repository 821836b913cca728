//! The same work, done by the lower bound and by Offhook.

use super::bound;
use bytes::Bytes;
use offhook_wire::{Editor, Limits, Message};
use std::hint::black_box;

/// A repeatable piece of work.
pub type Work = Box<dyn FnMut()>;

/// What is measured.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Bench {
    /// From bytes to a message.
    Parse,
    /// The same, and then the branch of the top Via, both tags, Call-ID, both parts of CSeq, the host of the
    /// Contact, and Content-Length.
    ParseAndRead,
    /// From a message to bytes in a buffer that has room, row by row out of the table.
    Serialise,
}

impl Bench {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Parse, Self::ParseAndRead, Self::Serialise];

    /// The name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::ParseAndRead => "parse+8",
            Self::Serialise => "serialise",
        }
    }

    /// The ratio to stay below.
    pub fn goal(self) -> f64 {
        match self {
            Self::Parse | Self::ParseAndRead => 2.0,
            Self::Serialise => 1.5,
        }
    }
}

/// The work as the lower bound does it.
pub fn bound_work(bench: Bench, message: &'static [u8]) -> Work {
    match bench {
        Bench::Parse => Box::new(move || drop(black_box(bound_parse(message)))),
        Bench::ParseAndRead => Box::new(move || bound_read(message, &bound_parse(message))),
        Bench::Serialise => {
            let parsed = bound_parse(message);
            let mut out = Vec::with_capacity(2 * message.len());
            Box::new(move || {
                out.clear();
                bound::serialise(message, &parsed, &mut out);
                black_box(&out);
            })
        }
    }
}

fn bound_parse(message: &[u8]) -> bound::Message {
    let mut parsed = bound::Message::with_room();
    bound::parse(black_box(message), &mut parsed).expect("the samples are well-formed");
    parsed
}

fn bound_read(data: &[u8], parsed: &bound::Message) {
    use bound::Name;
    let value = |name| parsed.value(data, name).unwrap_or_default();
    black_box(bound::param(value(Name::Via), b"branch"));
    black_box(bound::param(value(Name::From), b"tag"));
    black_box(bound::param(value(Name::To), b"tag"));
    black_box(value(Name::CallId));
    black_box(bound::cseq(value(Name::CSeq)));
    black_box(bound::contact_host(value(Name::Contact)));
    black_box(bound::number(value(Name::ContentLength)));
}

/// The work as Offhook does it.
pub fn offhook_work(bench: Bench, message: &'static [u8]) -> Work {
    // Bytes that were received: shared, and counted as such.
    let data = Bytes::copy_from_slice(message);
    drop(data.clone());
    match bench {
        Bench::Parse => Box::new(move || drop(black_box(offhook_parse(&data)))),
        Bench::ParseAndRead => Box::new(move || offhook_read(&offhook_parse(&data))),
        Bench::Serialise => {
            let parsed = offhook_parse(&data);
            let mut out = Vec::with_capacity(2 * message.len());
            Box::new(move || {
                out.clear();
                Editor::new(black_box(&parsed)).write(&mut out);
                black_box(&out);
            })
        }
    }
}

fn offhook_parse(data: &Bytes) -> Message {
    Message::parse(black_box(data).clone(), &Limits::DEFAULT).expect("the samples are well-formed")
}

fn offhook_read(message: &Message) {
    black_box(message.via().map(|via| via.branch())).expect("a Via");
    black_box(message.from().map(|from| from.tag())).expect("a From");
    black_box(message.to().map(|to| to.tag())).expect("a To");
    black_box(message.call_id()).expect("a Call-ID");
    black_box(message.cseq()).expect("a CSeq");
    let contact = message.contact().expect("a good Contact or none");
    black_box(contact.map(|contact| contact.uri_parsed().map(|uri| uri.host)));
    black_box(message.content_length()).expect("a good Content-Length");
}

#[cfg(test)]
mod tests {
    use super::super::MESSAGES;
    use super::*;

    /// The ratio must compare equal work.
    #[test]
    fn both_read_the_same() {
        for sample in MESSAGES {
            let theirs = bound_parse(sample.bytes);
            let ours = offhook_parse(&Bytes::from_static(sample.bytes));
            let value = |name| theirs.value(sample.bytes, name).unwrap_or_default();
            assert_eq!(ours.via().unwrap().branch(), bound::param(value(bound::Name::Via), b"branch"));
            assert_eq!(ours.from().unwrap().tag(), bound::param(value(bound::Name::From), b"tag"));
            assert_eq!(ours.to().unwrap().tag(), bound::param(value(bound::Name::To), b"tag"));
            assert_eq!(ours.call_id().unwrap(), value(bound::Name::CallId));
            let cseq = ours.cseq().unwrap();
            assert_eq!(
                Some((u64::from(cseq.number), cseq.method.as_bytes())),
                bound::cseq(value(bound::Name::CSeq))
            );
            let host = ours.contact().unwrap().map(|contact| contact.uri_parsed().unwrap().host);
            assert_eq!(host, bound::contact_host(value(bound::Name::Contact)));
            let length = ours.content_length().unwrap().map(u64::from);
            assert_eq!(length, bound::number(value(bound::Name::ContentLength)));
            assert_eq!(ours.headers().count(), theirs.rows.len());
        }
    }

    #[test]
    fn an_unmodified_message_is_written_byte_for_byte() {
        for sample in MESSAGES {
            let mut out = Vec::new();
            Editor::new(&offhook_parse(&Bytes::from_static(sample.bytes))).write(&mut out);
            assert_eq!(out, sample.bytes, "{}", sample.name);
            out.clear();
            bound::serialise(sample.bytes, &bound_parse(sample.bytes), &mut out);
            assert_eq!(out, sample.bytes, "{}", sample.name);
        }
    }
}
