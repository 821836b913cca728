//! Middleboxes that corrupt messages, before framing.

use bytes::{Bytes, BytesMut};
use offhook_wire::{Instant, Limits};

use crate::fate::MessageKey;
use crate::hash::{Digest, Draw};
use crate::scenario::{Corruption, Way};

/// The middlebox in front of a phone.
#[derive(Copy, Clone, Debug)]
pub(super) struct Tampering {
    pub(super) corruption: Corruption,
    pub(super) way: Way,
    /// The share of messages, in thousandths.
    pub(super) share: u16,
    pub(super) until: Instant,
}

/// Header rows that a middlebox inserts.
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
    /// The corrupted message, if this message is corrupted.
    pub(super) fn corrupt(
        &self,
        now: Instant,
        direction: usize,
        named: MessageKey,
        data: &Bytes,
    ) -> Option<Bytes> {
        let draw = &mut named.corruption_draw();
        let meant = now < self.until && self.way.directions().any(|way| way == direction);
        // Keep-alives are not corrupted.
        let corrupted = (meant && data.len() > 4 && draw.chance(self.share))
            .then(|| corrupt(self.corruption, draw, data))?;
        (corrupted != *data).then_some(corrupted)
    }
}

fn corrupt(corruption: Corruption, draw: &mut Draw, data: &Bytes) -> Bytes {
    let mut bytes = BytesMut::from(&data[..]);
    match corruption {
        Corruption::Flips => {
            for _ in 0..draw.between(1, 3) {
                let place = draw.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << draw.below(8);
            }
        }
        Corruption::Cuts => bytes.truncate(draw.between(1, data.len() as u64 - 1) as usize),
        Corruption::Junk => {
            let junk = (0..draw.between(1, 64)).map(|_| draw.word() as u8).collect::<Vec<u8>>();
            bytes.extend_from_slice(&junk);
        }
        Corruption::Bulk => {
            let row = format!("X-Bulk: {}\r\n", "x".repeat(Limits::DEFAULT.message));
            return insert(data, draw, row.as_bytes());
        }
        Corruption::Doubles => {
            let rows = rows(data);
            if let Some(&(start, end)) = rows.get(draw.below(rows.len() as u64) as usize) {
                return insert(data, draw, &data[start..end]);
            }
        }
        Corruption::Strips => {
            let rows = rows(data);
            if let Some(&(start, end)) = rows.get(draw.below(rows.len() as u64) as usize) {
                return [&data[..start], &data[end..]].concat().into();
            }
        }
        Corruption::Injects => {
            let row = format!("{}\r\n", draw.pick(&INJECTED));
            return insert(data, draw, row.as_bytes());
        }
    }
    bytes.freeze()
}

/// The start and end of each header row, including its line break.
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

/// The message with an additional row before one of its rows.
fn insert(data: &Bytes, draw: &mut Draw, row: &[u8]) -> Bytes {
    let rows = rows(data);
    match rows.get(draw.below(rows.len() as u64) as usize) {
        Some(&(place, _)) => [&data[..place], row, &data[place..]].concat().into(),
        None => data.clone(),
    }
}

/// The hash by which a corrupted message is recognized when it arrives.
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
    fn each_corruption_changes_the_message() {
        let data = Bytes::from_static(MESSAGE);
        for kind in Corruption::ALL {
            let corrupted = corrupt(kind, &mut Draw::new(1, "harm"), &data);
            assert_ne!(corrupted, data, "{kind}");
            assert_eq!(corrupted, corrupt(kind, &mut Draw::new(1, "harm"), &data), "always the same");
        }
        for short in [&b"x"[..], b"12345", b"\r\n\r\n\r\n"] {
            for kind in
                Corruption::ALL.into_iter().filter(|kind| short.len() > 4 || *kind != Corruption::Cuts)
            {
                let _survives = corrupt(kind, &mut Draw::new(2, "harm"), &Bytes::copy_from_slice(short));
            }
        }
    }
}
