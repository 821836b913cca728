//! Generators and keys derived from one seed by label, so that each purpose has an independent sequence.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The seed of an exchange. Not `Debug`: all secrets are derived from it.
pub(crate) struct Entropy([u8; 32]);

impl Entropy {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(seed)
    }

    /// An independent generator for the purpose that `label` names.
    pub(crate) fn fork(&self, label: &str) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(label.as_bytes());
        ChaCha8Rng::from_seed(hash.finalize().into())
    }

    /// A key for the purpose that `label` names.
    pub(crate) fn key(&self, label: &str) -> [u8; 32] {
        let mut key = [0; 32];
        self.fork(label).fill_bytes(&mut key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_label_and_seed() {
        let one = Entropy::new([1; 32]);
        assert_eq!(one.key("a"), Entropy::new([1; 32]).key("a"));
        assert_ne!(one.key("a"), one.key("b"));
        assert_ne!(one.key("a"), Entropy::new([2; 32]).key("a"));
    }
}
