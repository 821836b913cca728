//! A portable hash and random number generator, the same on all machines and in all builds.
//!
//! Fates of packets, generated scenarios and the hash of a run use it. It is not cryptographic, and must never change: recorded hashes
//! and seeds would become invalid.

use std::time::Duration;

const SPREAD: u64 = 0xa076_1d64_78bd_642f;
const TWIST: u64 = 0xe703_7ed1_a0b4_28db;

/// The XOR of both halves of a 128-bit product.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A running hash over words and bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// A hash that depends on `key`.
    pub fn new(key: u64) -> Self {
        Self(fold(key ^ SPREAD, TWIST))
    }

    /// Adds a number.
    #[must_use]
    pub fn word(self, word: u64) -> Self {
        Self(fold(self.0 ^ word ^ TWIST, SPREAD ^ self.0.rotate_left(32)) ^ word.rotate_left(17))
    }

    /// Adds bytes and their length, so that `"ab" + "c"` is not `"a" + "bc"`.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self = self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last)).word(bytes.len() as u64)
    }

    /// The hash so far.
    pub fn finish(self) -> u64 {
        fold(self.0 ^ SPREAD, TWIST.rotate_left(11) ^ self.0)
    }
}

/// A random number generator.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// A generator for one purpose. Each label has an independent sequence, so that an additional draw for one purpose does not
    /// change the others.
    pub fn new(seed: u64, label: &str) -> Self {
        Self(Digest::new(seed).bytes(label.as_bytes()).finish())
    }

    /// A generator seeded with a hash, for example for the fate of one packet.
    pub fn from_digest(digest: Digest) -> Self {
        Self(digest.finish())
    }

    /// The next number.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(SPREAD);
        fold(self.0, self.0 ^ TWIST)
    }

    /// A number in `0..bound`; zero if `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with this probability, in thousandths.
    pub fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// One of the items.
    ///
    /// # Panics
    /// If `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A time in `low..=high`, to the millisecond.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// A seed for a node.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for chunk in seed.as_chunks_mut::<8>().0 {
            *chunk = self.word().to_le_bytes();
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_fixed() {
        let hash = Digest::new(7).bytes(b"INVITE").word(1).finish();
        let mut draw = Draw::new(42, "phone");
        let drawn = [draw.word(), draw.below(1000), draw.between(5, 6)];
        assert_eq!((hash, drawn), (5_805_940_214_893_089_974, [15_847_745_627_067_902_092, 976, 5]));
    }

    #[test]
    fn lengths_and_labels_change_the_result() {
        let hash = |parts: &[&[u8]]| parts.iter().fold(Digest::new(1), |d, part| d.bytes(part)).finish();
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"a\0"]), hash(&[b"a"]));
        assert_ne!(Draw::new(1, "a").word(), Draw::new(1, "b").word());
    }

    #[test]
    fn draws_are_uniform() {
        let mut draw = Draw::new(3, "fair");
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[draw.below(10) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_500..10_500).contains(&count)), "{counts:?}");
        let chances = (0..10_000).filter(|_| draw.chance(250)).count();
        assert!((2_400..2_600).contains(&chances), "{chances}");
    }
}
