//! Nonces with authenticated time and origin, so that a server keeps no table of issued nonces (RFC 7616 §3.3).

use super::hash::{Hex, equal, keyed};
use crate::Instant;

/// How much of the keyed hash a nonce carries, in octets: 128 bits cannot be guessed.
const TAG: usize = 16;

/// The contents of an authentic nonce, ordered by time of issue.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nonce {
    pub(super) issued: Instant,
    pub(super) salt: u64,
}

impl Nonce {
    /// 64 hexadecimal digits: time, salt and keyed hash.
    pub(super) fn seal(self, key: &[u8; 32], realm: &str) -> String {
        let fields = self.fields();
        let mut octets = [0; 16 + TAG];
        octets[..16].copy_from_slice(&fields);
        octets[16..].copy_from_slice(&keyed(key, &[&fields, realm.as_bytes()])[..TAG]);
        Hex::of(&octets).as_str().to_owned()
    }

    /// Reads a nonce; `None` if it is not authentic.
    pub(super) fn open(text: &[u8], key: &[u8; 32], realm: &str) -> Option<Nonce> {
        if text.len() != 2 * (16 + TAG) {
            return None;
        }
        let mut octets = [0; 16 + TAG];
        for (octet, pair) in octets.iter_mut().zip(text.chunks_exact(2)) {
            *octet = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        let (fields, tag) = octets.split_at(16);
        if !equal(tag, &keyed(key, &[fields, realm.as_bytes()])[..TAG]) {
            return None;
        }
        let (issued, salt) = fields.split_at(8);
        let number = |half: &[u8]| half.iter().fold(0, |all, &octet| all << 8 | u64::from(octet));
        Some(Nonce { issued: Instant::from_nanos(number(issued)), salt: number(salt) })
    }

    fn fields(self) -> [u8; 16] {
        let mut fields = [0; 16];
        fields[..8].copy_from_slice(&self.issued.as_nanos().to_be_bytes());
        fields[8..].copy_from_slice(&self.salt.to_be_bytes());
        fields
    }
}

/// Lower case only: one nonce has one spelling, so that it cannot be replayed under another.
fn digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_nonces_are_refused() {
        let nonce = Nonce { issued: Instant::from_nanos(0x0123_4567_89ab_cdef), salt: 42 };
        let text = nonce.seal(&[7; 32], "r");
        assert_eq!(Nonce::open(text.as_bytes(), &[7; 32], "r"), Some(nonce));
        assert_eq!(Nonce::open(text.as_bytes(), &[8; 32], "r"), None);
        assert_eq!(Nonce::open(text.as_bytes(), &[7; 32], "s"), None);
        assert_eq!(Nonce::open(text.to_uppercase().as_bytes(), &[7; 32], "r"), None);
        assert_eq!(Nonce::open(&text.as_bytes()[1..], &[7; 32], "r"), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Nonce::open(&forged, &[7; 32], "r"), None, "digit {at}");
        }
    }
}
