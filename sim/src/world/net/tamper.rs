//! Middleboxes that break what they carry: whole messages, before they are framed.

use bytes::{Bytes, BytesMut};
use offhook_wire::{Instant, Limits};

use crate::fate::Named;
use crate::hash::{Digest, Draw};
use crate::scenario::{Harm, Way};

/// What a middlebox before one phone does.
#[derive(Copy, Clone, Debug)]
pub(super) struct Tampering {
    pub(super) harm: Harm,
    pub(super) way: Way,
    /// Of a thousand messages.
    pub(super) share: u16,
    pub(super) until: Instant,
}

/// Headers that someone in between might add.
const INJECTED: [&str; 10] = [
    "Via: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKinjected",
    "Content-Length: 7",
    "Require: nothing-that-exists",
    "Max-Forwards: 0",
    "Contact: <sip:mallory@192.0.2.66>",
    "Record-Route: <sip:192.0.2.66;lr>",
    "Route: <sip:192.0.2.66;lr>",
    "CSeq: 4294967295 NOTIFY",
    "To: <sip:mallory@192.0.2.66>;tag=injected",
    "X-Nothing: \u{fffd}\u{7}\t;;;\"",
];

impl Tampering {
    /// What is made of a message that goes this way now, if anything is.
    pub(super) fn harm(&self, now: Instant, direction: usize, named: Named, data: &Bytes) -> Option<Bytes> {
        let draw = &mut named.harm();
        let meant = now < self.until && self.way.directions().any(|way| way == direction);
        // Keep-alives are left alone: there is nothing in them to be broken.
        let harmed =
            (meant && data.len() > 4 && draw.chance(self.share)).then(|| harm(self.harm, draw, data))?;
        (harmed != *data).then_some(harmed)
    }
}

fn harm(harm: Harm, draw: &mut Draw, data: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&data[..]);
    match harm {
        Harm::Flips => {
            for _ in 0..draw.between(1, 3) {
                let place = draw.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << draw.below(8);
            }
        }
        Harm::Cuts => bytes.truncate(draw.between(1, data.len() as u64 - 1) as usize),
        Harm::Junk => {
            let junk = (0..draw.between(1, 64)).map(|_| draw.word() as u8).collect::<Vec<u8>>();
            bytes.extend_from_slice(&junk);
        }
        Harm::Bulk => {
            let row = format!("X-Bulk: {}\r\n", "x".repeat(Limits::DEFAULT.message));
            return insert(data, draw, row.as_bytes());
        }
        Harm::Doubles => {
            let rows = rows(data);
            if let Some(&(start, end)) = rows.get(draw.below(rows.len() as u64) as usize) {
                return insert(data, draw, &data[start..end]);
            }
        }
        Harm::Strips => {
            let rows = rows(data);
            if let Some(&(start, end)) = rows.get(draw.below(rows.len() as u64) as usize) {
                return [&data[..start], &data[end..]].concat().into();
            }
        }
        Harm::Injects => {
            let row = format!("{}\r\n", draw.pick(&INJECTED));
            return insert(data, draw, row.as_bytes());
        }
    }
    bytes.freeze()
}

/// Where each header row starts and ends, its line break with it.
fn rows(data: &[u8]) -> Vec<(usize, usize)> {
    let mut rows = Vec::new();
    let mut start = 0;
    while let Some(length) = data[start..].windows(2).position(|pair| pair == b"\r\n") {
        let end = start + length + 2;
        match (start, length) {
            (0, _) => {}
            (_, 0) => break,
            _ => rows.push((start, end)),
        }
        start = end;
    }
    rows
}

/// The message with a row more, before one of its rows.
fn insert(data: &Bytes, draw: &mut Draw, row: &[u8]) -> Bytes {
    let rows = rows(data);
    match rows.get(draw.below(rows.len() as u64) as usize) {
        Some(&(place, _)) => [&data[..place], row, &data[place..]].concat().into(),
        None => data.clone(),
    }
}

/// By what a harmed message is known again when it arrives.
pub(super) fn mark(data: &Bytes) -> u64 {
    Digest::new(0).bytes(data).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WS h;branch=z9hG4bK1\r\nTo: <sip:a>\r\n\r\nbody\r\n";

    #[test]
    fn rows_are_found_between_the_first_line_and_the_body() {
        let found: Vec<&[u8]> = rows(MESSAGE).into_iter().map(|(start, end)| &MESSAGE[start..end]).collect();
        assert_eq!(found, [&b"Via: SIP/2.0/WS h;branch=z9hG4bK1\r\n"[..], b"To: <sip:a>\r\n"]);
        assert!(rows(b"no message at all").is_empty());
    }

    #[test]
    fn each_harm_harms() {
        let data = Bytes::from_static(MESSAGE);
        for kind in Harm::ALL {
            let harmed = harm(kind, &mut Draw::new(1, "harm"), &data);
            assert_ne!(harmed, data, "{kind}");
            assert_eq!(harmed, harm(kind, &mut Draw::new(1, "harm"), &data), "always the same");
        }
        for short in [&b"x"[..], b"12345", b"\r\n\r\n\r\n"] {
            for kind in Harm::ALL.into_iter().filter(|kind| short.len() > 4 || *kind != Harm::Cuts) {
                let _survives = harm(kind, &mut Draw::new(2, "harm"), &Bytes::copy_from_slice(short));
            }
        }
    }
}
