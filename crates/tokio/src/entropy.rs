//! One random seed for each phone, from which everything else is derived.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// 32 bytes from the operating system.
pub(crate) fn seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

/// The seed of part `n` of a phone with this seed. Neither the seed nor another part can be computed from it: the seed of the core is in
/// its recording, those of the media stay secret.
pub(crate) fn part(seed: &[u8; 32], n: u64) -> [u8; 32] {
    let mut generator = ChaCha20Rng::from_seed(*seed);
    generator.set_stream(n);
    let mut part = [0; 32];
    generator.fill_bytes(&mut part);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ() {
        let seed = seed().expect("an operating system");
        assert_ne!(seed, super::seed().expect("an operating system"));
        assert_ne!(part(&seed, 0), seed);
        assert_ne!(part(&seed, 0), part(&seed, 1));
        assert_eq!(part(&seed, 1), part(&seed, 1));
    }
}
