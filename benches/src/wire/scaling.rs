//! Shapes of messages on which a naive parser is quadratic.

use super::work::Work;
use bytes::Bytes;
use offhook_wire::{HeaderName, Limits, Message, Uri};
use std::hint::black_box;

/// A kind of message of arbitrary size.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// The rows after the mandatory ones, with this number of repetitions.
    rows: fn(usize) -> String,
}

const REPETITIONS: usize = 1500;

pub(super) const SHAPES: [Shape; 11] = [
    Shape { name: "many rows", rows: |n| "X-Row: value\r\n".repeat(n) },
    Shape { name: "many Vias", rows: |n| "Via: SIP/2.0/UDP h.example.com;branch=z9hG4bKx\r\n".repeat(n) },
    Shape {
        name: "many Vias in one row",
        rows: |n| format!("Via: SIP/2.0/UDP h{}\r\n", ", SIP/2.0/UDP h;branch=z9hG4bKx".repeat(n)),
    },
    Shape {
        name: "many Contacts in one row",
        rows: |n| format!("m: <sip:a@b>{}\r\n", ", \"x, y\" <sip:a,c@b>;q=0.1".repeat(n)),
    },
    Shape { name: "many parameters", rows: |n| format!("m: <sip:a@b>{}\r\n", ";name=value".repeat(n)) },
    Shape { name: "many URI parameters", rows: |n| format!("m: <sip:a@b{}>\r\n", ";name=value".repeat(n)) },
    Shape { name: "many folds", rows: |n| format!("Subject: x{}\r\n", "\r\n fold".repeat(n)) },
    Shape {
        name: "many escapes in a quote",
        rows: |n| format!("m: \"{}\" <sip:a@b>\r\n", "\\\"\\\\".repeat(n)),
    },
    Shape { name: "quotes without an end", rows: |n| format!("m: {}<sip:a@b>\r\n", ",\"".repeat(2 * n + 1)) },
    Shape { name: "brackets without an end", rows: |n| format!("m: {}\r\n", ",<".repeat(n)) },
    Shape {
        name: "white space",
        rows: |n| format!("m:{}<sip:a@b>{};x\r\n", " ".repeat(8 * n), "\t".repeat(8 * n)),
    },
];

impl Shape {
    /// Parsing a message of `size` times the usual size and reading all of it.
    pub(super) fn work(&self, size: usize) -> Work {
        let rows = (self.rows)(size * REPETITIONS);
        let text = format!(
            "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\n\
            Call-ID: x\r\nCSeq: 1 BYE\r\n{rows}\r\n"
        );
        let limits = Limits { message: 1 << 22, head: 1 << 22, headers: 1 << 16 };
        let data = Bytes::from(text);
        Box::new(move || {
            let mut message = Message::parse(data.clone(), &limits).expect("the shapes are well-formed");
            black_box(message.check()).expect("the shapes mean something");
            black_box(message.vias().filter(|via| via.is_ok()).count());
            for address in message.addresses(HeaderName::Contact).flatten() {
                black_box(address.param("last"));
                black_box(Uri::parse(address.uri).map(|uri| uri.params.get("last"))).expect("a URI");
            }
        })
    }
}
