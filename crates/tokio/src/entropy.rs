//! Randomness, once for each phone: everything else is drawn from the seed inside.

/// 32 bytes from the operating system.
pub(crate) fn seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

/// The seed of the `n`th part of something that was seeded with `seed`. Complemented, so that no part shares the
/// seed of the whole.
pub(crate) fn part(seed: &[u8; 32], n: u64) -> [u8; 32] {
    let mut part = seed.map(|byte| !byte);
    for (byte, count) in part.iter_mut().zip(n.to_le_bytes()) {
        *byte ^= count;
    }
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
