//! The hash functions of RFC 7616 and RFC 8760, and comparison in constant time.

use std::hint::black_box;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};

/// The algorithms of RFC 7616 §3.3; the session variants hash the nonces into A1 (§3.4.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `MD5`, and what a challenge without the parameter means.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256` (RFC 8760).
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`: SHA-512/256, not a truncated SHA-512 (RFC 8760 §2.2).
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
}

impl Algorithm {
    /// All of them, weakest first.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];

    /// The token on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// Reads the token; case makes no difference (RFC 3261 §7.3.1).
    pub fn from_bytes(token: &[u8]) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|known| known.name().as_bytes().eq_ignore_ascii_case(token))
    }

    /// The algorithm without `-sess`.
    pub const fn base(self) -> Algorithm {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => Algorithm::Md5,
            Algorithm::Sha256 | Algorithm::Sha256Sess => Algorithm::Sha256,
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => Algorithm::Sha512_256,
        }
    }

    /// Whether this is a session variant.
    pub const fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess)
    }

    /// How many hexadecimal digits the hash has.
    pub const fn hex_len(self) -> usize {
        match self.base() {
            Algorithm::Md5 => 32,
            _ => 64,
        }
    }

    /// Greater is stronger. A session variant is no stronger hash.
    pub(super) const fn strength(self) -> u8 {
        match self.base() {
            Algorithm::Md5 => 0,
            Algorithm::Sha256 => 1,
            _ => 2,
        }
    }
}

/// A hash being computed.
pub(super) enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha512_256(Sha512_256),
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm.base() {
            Algorithm::Md5 => Hasher::Md5(Md5::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            _ => Hasher::Sha512_256(Sha512_256::new()),
        }
    }

    pub(super) fn part(mut self, data: &[u8]) -> Self {
        match &mut self {
            Hasher::Md5(hasher) => hasher.update(data),
            Hasher::Sha256(hasher) => hasher.update(data),
            Hasher::Sha512_256(hasher) => hasher.update(data),
        }
        self
    }

    pub(super) fn finish(self) -> Hex {
        match self {
            Hasher::Md5(hasher) => Hex::of(&hasher.finalize()),
            Hasher::Sha256(hasher) => Hex::of(&hasher.finalize()),
            Hasher::Sha512_256(hasher) => Hex::of(&hasher.finalize()),
        }
    }
}

/// Up to 32 octets as lower-case hexadecimal digits, without an allocation.
#[derive(Clone)]
pub(super) struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Hex {
    pub(super) fn of(octets: &[u8]) -> Hex {
        let mut digits = [0; 64];
        for (pair, octet) in digits.chunks_exact_mut(2).zip(octets) {
            pair[0] = b"0123456789abcdef"[usize::from(octet >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(octet & 15)];
        }
        Hex { digits, len: octets.len() * 2 }
    }

    /// Takes digits over, in lower case. `None` if they are no digits or too many.
    pub(super) fn from_digits(text: &[u8]) -> Option<Hex> {
        let mut digits = [0; 64];
        let target = digits.get_mut(..text.len())?;
        if !text.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        target.copy_from_slice(text);
        target.make_ascii_lowercase();
        Some(Hex { digits, len: text.len() })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("hexadecimal digits are ASCII")
    }
}

/// HMAC-SHA-256 (RFC 2104) over the concatenation of `parts`.
pub(super) fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut pad = [0x36; 64];
    for (octet, secret) in pad.iter_mut().zip(key) {
        *octet ^= secret;
    }
    let mut inner = Sha256::new_with_prefix(pad);
    for part in parts {
        inner.update(part);
    }
    for octet in &mut pad {
        *octet ^= 0x36 ^ 0x5c;
    }
    Sha256::new_with_prefix(pad).chain_update(inner.finalize()).finalize().into()
}

/// Compares without telling by its duration where the first difference is.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
    left.len() == right.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_match_published_vectors() {
        // RFC 1321 §A.5; FIPS 180-4 examples of NIST for "abc".
        let of = |algorithm| Hasher::new(algorithm).part(b"a").part(b"bc").finish().as_str().to_owned();
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            of(Algorithm::Sha256Sess),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            of(Algorithm::Sha512_256),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
        );
        assert!(Algorithm::ALL.iter().all(|a| of(*a).len() == a.hex_len()));
    }

    #[test]
    fn keyed_hash_is_hmac() {
        // RFC 4231 §4.3 has the key "Jefe": shorter keys are padded with zeros (RFC 2104 §2).
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = keyed(&key, &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            Hex::of(&mac).as_str(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn constant_time_equality() {
        assert!(equal(b"", b"") && equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab") && !equal(b"", b"a"));
    }

    #[test]
    fn names_round_trip_in_any_case() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_bytes(algorithm.name().as_bytes()), Some(algorithm));
            assert_eq!(Algorithm::from_bytes(algorithm.name().to_lowercase().as_bytes()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_bytes(b"SHA-512"), None);
        assert_eq!(Algorithm::from_bytes(b"AKAv1-MD5"), None);
    }
}
