//! Comparison of hosts in all notations.
//!
//! A From with an own domain in another notation (`example.com.`, `127.1`, `[::ffff:127.0.0.1]`) is challenged; its sender is not a guest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use offhook_wire::canonical_host;

/// A host in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// In lower case, without a trailing dot.
    Name(Vec<u8>),
    /// Any loopback or unspecified address: the exchange's own host.
    Loopback,
    Address(IpAddr),
}

impl Host {
    /// Parses the host of a URI; brackets around an IPv6 address are optional.
    pub(crate) fn of(host: &[u8]) -> Self {
        let host = unescaped(host.trim_ascii());
        let text = std::str::from_utf8(&host).unwrap_or_default();
        let text = text.trim_end_matches('.');
        if let Some(address) = address(text) {
            let own = address.is_loopback() || address.is_unspecified();
            return if own { Host::Loopback } else { Host::Address(address) };
        }
        let mut name = host.to_ascii_lowercase();
        while name.last() == Some(&b'.') {
            name.pop();
        }
        // RFC 6761 §6.3.
        let local = name == b"localhost" || name.ends_with(b".localhost");
        if local { Host::Loopback } else { Host::Name(name) }
    }
}

/// RFC 3261 has no escapes in hosts; RFC 3986 §3.2.2 does.
fn unescaped(host: &[u8]) -> Vec<u8> {
    offhook_wire::unescape(host).into_owned()
}

fn address(text: &str) -> Option<IpAddr> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    if inner.contains(':') {
        // A zone (RFC 6874) names an interface of one machine.
        let plain = inner.split('%').next().unwrap_or_default();
        let literal = canonical_host(format!("[{plain}]").as_bytes());
        let literal = std::str::from_utf8(&literal).unwrap_or_default().trim_matches(['[', ']']);
        return Some(unmapped(literal.parse::<Ipv6Addr>().ok()?));
    }
    ipv4(inner).map(IpAddr::V4)
}

/// `::ffff:127.0.0.1` and the deprecated `::127.0.0.1` are an IPv4 address (RFC 4291 §2.5.5); `::` and `::1` are not.
fn unmapped(address: Ipv6Addr) -> IpAddr {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => address.to_ipv4().map_or(IpAddr::V6(address), IpAddr::V4),
        _ => IpAddr::V6(address).to_canonical(),
    }
}

/// What `inet_aton` accepts, since other software may connect to it: one to four decimal, octal or hexadecimal numbers, of which the
/// last fills the remaining bytes.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 4 {
        return None;
    }
    let numbers: Vec<u32> = parts.iter().map(|part| number(part)).collect::<Option<_>>()?;
    let (last, head) = numbers.split_last()?;
    let mut bits = 0_u32;
    for (place, part) in head.iter().enumerate() {
        bits |= u32::from(u8::try_from(*part).ok()?) << (24 - 8 * place);
    }
    let room = 8 * (4 - head.len() as u32);
    if room < 32 && *last >= 1 << room {
        return None;
    }
    Some(Ipv4Addr::from(bits | last))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text {
        _ if text.starts_with("0x") || text.starts_with("0X") => (&text[2..], 16),
        _ if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Host::of(one.as_bytes()) == Host::of(other.as_bytes())
    }

    #[test]
    fn names_compare_without_case_escapes_and_trailing_dots() {
        for spelling in ["Example.COM", "example.com.", "ex%61mple.com", "example.com..", " example.com"] {
            assert!(same(spelling, "example.com"), "{spelling}");
        }
        for other in ["example.com.evil", "xn--exmple-4nf.com", "example", "com", "", "example.co"] {
            assert!(!same(other, "example.com"), "{other}");
        }
    }

    #[test]
    fn every_notation_of_loopback_is_loopback() {
        let all = [
            "127.1",
            "127.0.0.1.",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "2130706433",
            "0x7f000001",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[0:0:0:0:0:0:0:1]",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "0.0.0.0",
            "0",
            "[::]",
            "127.255.255.254",
            "[::1%25lo]",
            "[::ffff:7f00:1]",
        ];
        for spelling in all {
            assert_eq!(Host::of(spelling.as_bytes()), Host::Loopback, "{spelling}");
        }
        for other in [
            "128.0.0.1",
            "1.2.3.4.5",
            "127.0.0.256",
            "4294967296",
            "127.x",
            "[::2]",
            "1.",
            "localhost.example",
        ] {
            assert_ne!(Host::of(other.as_bytes()), Host::Loopback, "{other}");
        }
    }

    #[test]
    fn addresses_compare_equal_in_each_notation() {
        for spelling in
            ["192.0.2.1", "0xc0.0.2.1", "192.0.513", "3221225985", "[::ffff:192.0.2.1]", "192.0.2.1."]
        {
            assert!(same(spelling, "192.0.2.1"), "{spelling}");
        }
        assert!(same("[2001:DB8::1]", "2001:db8:0::1"));
        assert!(!same("[2001:db8::1]", "[2001:db8::2]"));
    }
}
