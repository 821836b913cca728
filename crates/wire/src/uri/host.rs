//! When two hosts are the same.

use std::net::Ipv6Addr;

/// The longest text of an IPv6 address, and a colon more.
const LONGEST: usize = 46;

/// Whether both name the same host: names are compared without regard to case, IPv6 literals in brackets by the address that they
/// mean (RFC 5954 §4.2).
pub fn same_host(left: &[u8], right: &[u8]) -> bool {
    left.eq_ignore_ascii_case(right)
        || (left.starts_with(b"[")
            && right.starts_with(b"[")
            && canonical_host(left) == canonical_host(right))
}

/// The canonical form of a host, equal for all hosts that [`same_host`] considers equal: lower case, IPv6 literals as in RFC 5952.
pub fn canonical_host(host: &[u8]) -> Vec<u8> {
    match ipv6(host) {
        Some(address) => format!("[{address}]").into_bytes(),
        None => host.to_ascii_lowercase(),
    }
}

fn ipv6(host: &[u8]) -> Option<Ipv6Addr> {
    let inner = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let text = std::str::from_utf8(inner).ok().filter(|text| text.len() <= LONGEST)?;
    // The grammar of RFC 3261 has one colon too many where an IPv4 address follows (RFC 5118 §4.10).
    text.parse().or_else(|_| text.replacen(":::", "::", usize::from(text.contains('.'))).parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_hosts_are_equal() {
        for (left, right) in [
            ("Example.COM", "example.com"),
            ("[2001:db8::10]", "[2001:DB8:0:0::0010]"),
            ("[2001:db8::192.0.2.1]", "[2001:db8:::192.0.2.1]"),
            ("[2001:db8::192.0.2.1]", "[2001:db8::c000:201]"),
            ("[::g]", "[::G]"),
        ] {
            assert!(same_host(left.as_bytes(), right.as_bytes()), "{left} {right}");
            assert_eq!(canonical_host(left.as_bytes()), canonical_host(right.as_bytes()));
        }
        for (left, right) in [
            ("a.example.com", "b.example.com"),
            ("[2001:db8::10]", "[2001:db8::10:5070]"),
            ("[2001:db8::10]", "2001:db8::10"),
            ("[2001:db8:::1]", "[2001:db8::1]"),
            ("[::ffff:192.0.2.1]", "192.0.2.1"),
            ("[", "[]"),
        ] {
            assert!(!same_host(left.as_bytes(), right.as_bytes()), "{left} {right}");
            assert_ne!(canonical_host(left.as_bytes()), canonical_host(right.as_bytes()));
        }
    }
}
