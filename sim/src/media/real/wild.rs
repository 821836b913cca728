//! What only real media suffers from: addresses that change on the way, and datagrams that nobody sent.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Kind;
use crate::hash::{Digest, Draw};

/// The translator that a phone is behind (RFC 4787): it maps each of the phone's ports to one that others see.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Nat {
    rebound: bool,
    /// How often it lost its mappings.
    mapping: u16,
    /// Whether it changed since somebody asked.
    moved: bool,
}

/// The ports of first mappings begin here, those of later ones above.
const FIRST: u16 = 10_000;
const LATER: u16 = 20_000;
const SPAN: u16 = 40_000;

impl Nat {
    /// It lost its mappings when this turned true, and again when it turned false.
    pub(super) fn set(&mut self, rebound: bool) {
        if std::mem::replace(&mut self.rebound, rebound) != rebound {
            self.mapping += 1;
            self.moved = true;
        }
    }

    pub(super) fn mapping(self) -> u16 {
        self.mapping
    }

    /// How others see an address of the phone that was first used when the mappings had been lost `first` times. Its first mapping
    /// keeps the port: a phone without a STUN server knows, and offers, no other address than its own.
    pub(super) fn outside(self, address: SocketAddr, first: u16) -> SocketAddr {
        let port = match self.mapping.wrapping_sub(first) {
            0 => address.port(),
            n => LATER + (address.port() - FIRST).wrapping_add(n.wrapping_mul(331)) % SPAN,
        };
        SocketAddr::new(address.ip(), port)
    }

    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }
}

/// A datagram that nobody sent, near one that somebody did. `key` and `number` say which.
///
/// Nothing in it hangs on bytes of the real one that differ from run to run, but a truncated copy, which is as bad
/// whatever is in it.
pub(super) fn forge(key: Digest, number: u64, real: &Bytes) -> Vec<u8> {
    let mut draw = Draw::from_digest(key.word(number));
    let shape = draw.below(6);
    let length = draw.between(1, 200) as usize;
    let mut data: Vec<u8> = (0..length).map(|_| draw.word() as u8).collect();
    let is_dtls = Kind::of(real) == Kind::Dtls;
    let start: &[u8] = match shape {
        // RTP of a source that nobody knows, and RTCP.
        0 => &[0x80, 111, 0, 1],
        1 => &[0x80, 200, 0, 6],
        // A binding request without credentials (RFC 8489 §5).
        2 => &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
        // An alert in the clear (RFC 6347 §4.1): fatal, handshake failure.
        3 => &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
        // A byte of the real one is another.
        4 if !is_dtls && !real.is_empty() => {
            data = real.to_vec();
            let at = draw.below(data.len() as u64) as usize;
            data[at] ^= 1 << draw.below(8);
            &[]
        }
        _ => {
            data = real[..real.len() / 2].to_vec();
            &[]
        }
    };
    if data.len() < start.len() {
        data.resize(start.len(), 0);
    }
    data[..start.len()].copy_from_slice(start);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_lasts_until_it_is_lost() {
        let inside = SocketAddr::from(([10, 0, 0, 1], 10_004));
        let mut nat = Nat::default();
        assert_eq!((nat.outside(inside, 0), nat.take_moved()), (inside, false));
        nat.set(true);
        let second = nat.outside(inside, 0);
        nat.set(true);
        assert_eq!((nat.outside(inside, 0), nat.take_moved(), nat.take_moved()), (second, true, false));
        nat.set(false);
        let third = nat.outside(inside, 0);
        assert!(inside != second && second != third && third != inside);
        assert_eq!(nat.outside(inside, nat.mapping()), inside, "the first mapping of a new port");
    }

    #[test]
    fn forgeries_are_of_all_kinds_and_the_same_again() {
        let real = Bytes::from(vec![0x80; 60]);
        let all = || (0..200).map(|number| forge(Digest::new(1), number, &real)).collect::<Vec<_>>();
        assert_eq!(all(), all());
        let kinds: std::collections::BTreeSet<u64> =
            all().iter().map(|data| Kind::of(data).number()).collect();
        assert!(kinds.len() >= 4 && all().iter().all(|data| data[..] != real[..]), "{kinds:?}");
    }
}
