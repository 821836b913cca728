use crate::Transport;
use crate::base::entropy::{BASE32, Entropy, Label};
use crate::base::name::ClientTx;
use crate::base::path::Path;
use std::num::NonZeroU32;

/// The magic cookie of RFC 3261 §8.1.1.7.
pub(super) const COOKIE: &[u8] = b"z9hG4bK";

const DIGITS: usize = 24;
/// The bits of half of the digits.
const HALF: u32 = 60;
const RANDOM_BITS: u32 = 56;

/// Our branch: the index of its transaction, and 56 random bits. The branch of a response finds the transaction without a
/// map; it cannot be forged without having seen the request.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    tx: ClientTx,
    random: u64,
}

impl Branch {
    pub(super) fn new(tx: ClientTx, entropy: &mut Entropy) -> Self {
        Self { tx, random: entropy.u64(Label::Ids) >> (u64::BITS - RANDOM_BITS) }
    }

    /// The same branch for every request with this index: a planted bug.
    #[cfg(feature = "planted")]
    pub(super) fn repeated(tx: ClientTx) -> Self {
        Self { tx, random: 0 }
    }

    pub(super) fn tx(self) -> ClientTx {
        self.tx
    }

    /// The value of a Via with this branch. `rport` (RFC 3581 §3) only over UDP: on a connection the
    /// response is sent on the connection.
    pub(super) fn write_via(self, via: &mut Vec<u8>, path: &Path) {
        via.clear();
        via.extend_from_slice(b"SIP/2.0/");
        via.extend_from_slice(path.transport.as_via().as_bytes());
        via.push(b' ');
        via.extend_from_slice(&path.sent_by);
        via.extend_from_slice(b";branch=");
        via.extend_from_slice(COOKIE);
        via.extend_from_slice(&self.digits());
        if path.transport == Transport::Udp {
            via.extend_from_slice(b";rport");
        }
    }

    fn digits(self) -> [u8; DIGITS] {
        let (index, serial) = self.tx.parts();
        let mut bits = u128::from(index) << 88 | u128::from(serial.get()) << 56 | u128::from(self.random);
        let mut digits = [0; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = BASE32[(bits & 31) as usize];
            bits >>= 5;
        }
        digits
    }

    /// Parameter values are tokens and are compared case-insensitively (RFC 3261 §7.3.1).
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let (cookie, digits) = value.split_at_checked(COOKIE.len())?;
        if !cookie.eq_ignore_ascii_case(COOKIE) || digits.len() != DIGITS {
            return None;
        }
        let (high, low) = digits.split_at(DIGITS / 2);
        let bits = u128::from(half(high)?) << HALF | u128::from(half(low)?);
        let serial = NonZeroU32::new((bits >> 56) as u32)?;
        let tx = ClientTx::from_parts((bits >> 88) as u32, serial);
        Some(Self { tx, random: bits as u64 & (u64::MAX >> (u64::BITS - RANDOM_BITS)) })
    }
}

/// Half of the digits: they fit in 64 bits.
fn half(digits: &[u8]) -> Option<u64> {
    let mut bits = 0;
    for digit in digits {
        let value = VALUES[usize::from(*digit)];
        if value == NONE {
            return None;
        }
        bits = bits << 5 | u64::from(value);
    }
    Some(bits)
}

/// What a byte that is no digit has in [`VALUES`].
const NONE: u8 = 32;

/// The value of a digit, in either case.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 32 {
        let digit = BASE32[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_back(index: u32, serial in 1u32.., seed: [u8; 32], upper: bool) {
            let tx = ClientTx::from_parts(index, NonZeroU32::new(serial).expect("not zero"));
            let branch = Branch::new(tx, &mut Entropy::new(seed));
            let mut text = [COOKIE, &branch.digits()[..]].concat();
            if upper {
                text.make_ascii_uppercase();
            }
            prop_assert_eq!(Branch::read(&text), Some(branch));
        }

        #[test]
        fn anything_can_be_read(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Branch::read(&text);
        }
    }

    #[test]
    fn foreign_branches_are_refused() {
        let good = b"z9hG4bKaaaaaaaaaaabaaaaaaaaaaaa";
        assert_eq!(good.len(), COOKIE.len() + DIGITS);
        assert_eq!(Branch::read(good).map(Branch::digits).as_ref().map(|d| &d[..]), Some(&good[7..]));
        for bad in [
            &good[..30],
            b"z9hG4bK",
            b"",
            b"z9hG4bJaaaaaaaaaaabaaaaaaaaaaaa",
            b"z9hG4bKaaaaaaaaaaabaaaaaaaaaaa1",
        ] {
            assert_eq!(Branch::read(bad), None);
        }
    }
}
