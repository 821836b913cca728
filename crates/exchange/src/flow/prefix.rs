//! Sources of traffic.

use std::net::IpAddr;

/// The address prefix of one subscriber: a whole IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177 §2: every site has at
/// least a /64). An IPv4-mapped IPv6 address counts as the IPv4 address.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prefix(u128);

impl Prefix {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            // Only IPv6 addresses that stand for IPv4 ones have the prefix ::/64.
            IpAddr::V4(address) => Self(u32::from(address).into()),
            IpAddr::V6(address) => Self(u128::from(address) >> 64 << 64 | 1 << 63),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str) -> Prefix {
        Prefix::of(address.parse().unwrap())
    }

    #[test]
    fn ipv6_source_is_a_64_bit_prefix() {
        assert_eq!(prefix("2001:db8::1"), prefix("2001:db8::ffff:1"));
        assert_ne!(prefix("2001:db8::1"), prefix("2001:db8:0:1::1"));
        assert_ne!(prefix("::1"), prefix("0.0.0.0"));
    }

    #[test]
    fn ipv4_source_is_an_address_mapped_or_not() {
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.2.2"));
        assert_eq!(prefix("192.0.2.1"), prefix("::ffff:192.0.2.1"));
    }
}
