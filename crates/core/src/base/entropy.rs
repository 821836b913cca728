use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::time::Duration;

/// The purpose of a draw. Each label has its own stream, so that a further draw for one purpose does not change another.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// Tags, Call-IDs, branches.
    Ids,
    /// Client nonces of digest authentication.
    Auth,
    /// Jitter of waits.
    Jitter,
}

/// All randomness of a phone, from one seed. `ChaCha8` is portable: the same seed gives the same draws everywhere.
///
/// Only the frequent label keeps a generator; those of the others are rebuilt at their position in the stream for each
/// draw, which keeps an idle phone small.
pub(crate) struct Entropy {
    ids: ChaCha8Rng,
    auth: u64,
    jitter: u64,
}

impl Entropy {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { ids: ChaCha8Rng::from_seed(seed), auth: 0, jitter: 0 }
    }

    pub(crate) fn fill(&mut self, label: Label, out: &mut [u8]) {
        let (stream, place) = match label {
            Label::Ids => return self.ids.fill_bytes(out),
            Label::Auth => (1, &mut self.auth),
            Label::Jitter => (2, &mut self.jitter),
        };
        let mut generator = ChaCha8Rng::from_seed(self.ids.get_seed());
        generator.set_stream(stream);
        generator.set_word_pos(u128::from(*place));
        generator.fill_bytes(out);
        *place += out.len().div_ceil(4) as u64;
    }

    /// How many words were drawn with each label.
    pub(crate) fn drawn(&self) -> [u64; 3] {
        [u64::try_from(self.ids.get_word_pos()).unwrap_or(u64::MAX), self.auth, self.jitter]
    }

    /// Continues the stream of identifiers at this position.
    pub(crate) fn seek_ids(&mut self, position: u64) {
        self.ids.set_word_pos(u128::from(position));
    }

    /// Restores the positions in the streams.
    pub(crate) fn restore(&mut self, drawn: [u64; 3]) {
        self.seek_ids(drawn[0]);
        [_, self.auth, self.jitter] = drawn;
    }

    pub(crate) fn u64(&mut self, label: Label) -> u64 {
        let mut bytes = [0; 8];
        self.fill(label, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A duration of `low ..= high`, every nanosecond as likely as any other.
    pub(crate) fn between(&mut self, label: Label, low: Duration, high: Duration) -> Duration {
        let span = high.saturating_sub(low).as_nanos() + 1;
        let draw = (u128::from(self.u64(label)) * span) >> 64;
        low.saturating_add(Duration::from_nanos(u64::try_from(draw).unwrap_or(u64::MAX)))
    }

    /// `N` characters of lower-case base 32, five random bits in each.
    pub(crate) fn token<const N: usize>(&mut self, label: Label) -> [u8; N] {
        let mut token = [0; N];
        self.fill(label, &mut token);
        for byte in &mut token {
            *byte = BASE32[usize::from(*byte & 31)];
        }
        token
    }
}

/// RFC 4648 §6 in lower case: each character is a `token` of SIP, and equal to itself whatever the case.
pub(crate) const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_of_a_seed_are_portable() {
        let mut entropy = Entropy::new([7; 32]);
        assert_eq!(
            (entropy.token::<12>(Label::Ids), entropy.u64(Label::Auth), entropy.u64(Label::Jitter)),
            (*b"eqlz746zgdb2", 7104848091822576730, 8541488576643880224)
        );
    }

    #[test]
    fn labels_have_independent_streams() {
        let (mut a, mut b) = (Entropy::new([1; 32]), Entropy::new([1; 32]));
        a.fill(Label::Jitter, &mut [0; 3]);
        a.u64(Label::Ids);
        assert_eq!(a.u64(Label::Auth), b.u64(Label::Auth));
        assert_ne!(a.u64(Label::Jitter), b.u64(Label::Jitter));
    }

    #[test]
    fn a_rebuilt_generator_continues_its_stream() {
        let (mut whole, mut parts) = (Entropy::new([2; 32]), Entropy::new([2; 32]));
        let mut expected = [0; 96];
        whole.fill(Label::Auth, &mut expected);
        let mut drawn = [0; 96];
        for part in drawn.chunks_mut(4) {
            parts.fill(Label::Auth, part);
        }
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_restored_entropy_continues_all_streams() {
        for drawn in 0..80 {
            let mut one = Entropy::new([4; 32]);
            for label in [Label::Ids, Label::Auth, Label::Jitter] {
                one.fill(label, &mut vec![0; drawn]);
            }
            let mut other = Entropy::new([4; 32]);
            other.restore(one.drawn());
            for label in [Label::Ids, Label::Auth, Label::Jitter] {
                assert_eq!(one.token::<70>(label), other.token::<70>(label), "after {drawn} bytes");
            }
        }
    }

    #[test]
    fn durations_are_within_their_range_and_in_both_halves() {
        let mut entropy = Entropy::new([3; 32]);
        let (low, high) = (Duration::from_secs(8), Duration::from_secs(9));
        let drawn: Vec<Duration> = (0..64).map(|_| entropy.between(Label::Jitter, low, high)).collect();
        assert!(drawn.iter().all(|d| (low..=high).contains(d)));
        let middle = Duration::from_millis(8500);
        assert!(drawn.iter().any(|d| *d < middle) && drawn.iter().any(|d| *d > middle));
        assert_eq!(entropy.between(Label::Jitter, low, low), low);
        assert_eq!(entropy.between(Label::Jitter, high, low), high, "an empty range is its lower end");
    }
}
