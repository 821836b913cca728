//! Faults of real media: NAT rebinding and forged datagrams.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Kind;
use crate::hash::{Digest, Draw};

/// The NAT of a phone (RFC 4787): it maps each port of the phone to an external port.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Nat {
    rebound: bool,
    /// The number of rebindings.
    mapping: u16,
    /// Whether it changed since it was last queried.
    moved: bool,
}

/// The first port without a rebinding, and after one.
const FIRST: u16 = 10_000;
const LATER: u16 = 20_000;
const SPAN: u16 = 40_000;

impl Nat {
    /// Rebinds when the value changes.
    pub(super) fn set(&mut self, rebound: bool) {
        if std::mem::replace(&mut self.rebound, rebound) != rebound {
            self.mapping += 1;
            self.moved = true;
        }
    }

    pub(super) fn mapping(self) -> u16 {
        self.mapping
    }

    /// The external address of an address of the phone that was first used after `first` rebindings. Its first mapping keeps the
    /// port: a phone without a STUN server knows, and offers, only its own address.
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

/// A forged datagram, derived from a real one, `key` and `number`.
///
/// It does not depend on bytes that differ between runs, except for a truncated copy, which is invalid in any case.
pub(super) fn forge(key: Digest, number: u64, real: &Bytes) -> Vec<u8> {
    let mut draw = Draw::from_digest(key.word(number));
    let shape = draw.below(6);
    let length = draw.between(1, 200) as usize;
    let mut data: Vec<u8> = (0..length).map(|_| draw.word() as u8).collect();
    let is_dtls = Kind::of(real) == Kind::Dtls;
    let start: &[u8] = match shape {
        // RTP of an unknown source, and RTCP.
        0 => &[0x80, 111, 0, 1],
        1 => &[0x80, 200, 0, 6],
        // A binding request without credentials (RFC 8489 §5).
        2 => &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
        // An unencrypted alert (RFC 6347 §4.1): fatal, handshake failure.
        3 => &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
        // One byte of the real one changed.
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
    fn a_mapping_changes_only_with_a_rebinding() {
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
    fn forged_datagrams_are_of_all_kinds_and_reproducible() {
        let real = Bytes::from(vec![0x80; 60]);
        let all = || (0..200).map(|number| forge(Digest::new(1), number, &real)).collect::<Vec<_>>();
        assert_eq!(all(), all());
        let kinds: std::collections::BTreeSet<u64> =
            all().iter().map(|data| Kind::of(data).number()).collect();
        assert!(kinds.len() >= 4 && all().iter().all(|data| data[..] != real[..]), "{kinds:?}");
    }
}
