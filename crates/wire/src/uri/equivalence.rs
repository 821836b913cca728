//! When two URIs are the same (RFC 3261 §19.1.4).

use super::escape::first;
use super::{Scheme, Uri, same_host};
use crate::headers::Params;

impl Uri<'_> {
    /// Whether both name the same resource (RFC 3261 §19.1.4, RFC 5954 §4.2). tel URIs compare their digits
    /// (RFC 3966 §4); other schemes compare byte by byte, but for the case of the scheme.
    ///
    /// A URI with more than 32 parameters and headers is the same only as one that is written the same: each
    /// is looked up in the other, and strangers choose how many there are.
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if self.raw == other.raw {
            return true;
        }
        if self.is_excessive() || other.is_excessive() {
            return false;
        }
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                same_option(self.user, other.user)
                    && same_option(self.password, other.password)
                    && same_host(self.host, other.host)
                    && self.port == other.port
                    && params_agree(&self.params, &other.params)
                    && params_agree(&other.params, &self.params)
                    && headers_within(self, other)
                    && headers_within(other, self)
            }
            (Scheme::Tel, Scheme::Tel) => {
                digits(self.user).eq(digits(other.user))
                    && tel_params_within(&self.params, &other.params)
                    && tel_params_within(&other.params, &self.params)
            }
            (Scheme::Other(mine), Scheme::Other(theirs)) => {
                mine.eq_ignore_ascii_case(theirs) && self.raw[mine.len()..] == other.raw[theirs.len()..]
            }
            _ => false,
        }
    }

    fn is_excessive(&self) -> bool {
        self.params.iter().count() + self.headers().count() > 32
    }
}

/// A character and its escape are the same.
fn same(left: &[u8], right: &[u8]) -> bool {
    plain(left).eq(plain(right))
}

fn same_ignoring_case(left: &[u8], right: &[u8]) -> bool {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    plain(left).map(lower).eq(plain(right).map(lower))
}

fn plain(mut bytes: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let (byte, length) = first(bytes);
        bytes = &bytes[length..];
        Some(byte)
    })
}

fn same_option(left: Option<&[u8]>, right: Option<&[u8]>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same(left, right),
        (None, None) => true,
        _ => false,
    }
}

/// A parameter of both must agree; `user`, `ttl`, `method`, `maddr` and `transport` must not be in one
/// alone; any other that is in one alone is ignored. Of a repeated name, the first counts.
fn params_agree(mine: &Params<'_>, theirs: &Params<'_>) -> bool {
    mine.iter().all(|(name, _)| match (find(mine, name).flatten(), find(theirs, name)) {
        (value, Some(other)) => same_ignoring_case(value.unwrap_or_default(), other.unwrap_or_default()),
        (_, None) => ![&b"user"[..], b"ttl", b"method", b"maddr", b"transport"]
            .iter()
            .any(|special| special.eq_ignore_ascii_case(name)),
    })
}

fn tel_params_within(mine: &Params<'_>, theirs: &Params<'_>) -> bool {
    mine.iter().all(|(name, value)| {
        find(theirs, name)
            .is_some_and(|other| same_ignoring_case(value.unwrap_or_default(), other.unwrap_or_default()))
    })
}

fn find<'a>(params: &Params<'a>, wanted: &[u8]) -> Option<Option<&'a [u8]>> {
    params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
}

/// Headers are never ignored: each must be in the other, with the same value.
fn headers_within(mine: &Uri<'_>, theirs: &Uri<'_>) -> bool {
    mine.headers().all(|(name, value)| {
        theirs.headers().any(|(other, their)| same_ignoring_case(name, other) && same(value, their))
    })
}

/// Visual separators do not count (RFC 3966 §5.1.1).
fn digits(number: Option<&[u8]>) -> impl Iterator<Item = u8> {
    let visible = |byte: &&u8| !matches!(byte, b'-' | b'.' | b'(' | b')');
    number.unwrap_or_default().iter().filter(visible).map(u8::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equivalent(left: &str, right: &str) -> bool {
        let (left, right) = (Uri::parse(left.as_bytes()).unwrap(), Uri::parse(right.as_bytes()).unwrap());
        let answer = left.equivalent(&right);
        assert_eq!(answer, right.equivalent(&left), "equivalence has no direction");
        answer
    }

    #[test]
    fn the_pairs_of_rfc_3261() {
        for (left, right) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equivalent(left, right), "{left} {right}");
        }
        for (left, right) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ] {
            assert!(!equivalent(left, right), "{left} {right}");
        }
    }

    #[test]
    fn repeated_and_excessive_parameters() {
        assert!(equivalent("sip:a@b;x=1;x=2;y", "sip:a@b;y;x=1"));
        assert!(!equivalent("sip:a@b;x=1;x=2", "sip:a@b;x=2"));
        let many = format!("sip:a@b{}", ";x=1".repeat(33));
        assert!(equivalent(&many, &many));
        assert!(!equivalent(&many, "sip:a@b;x=1"));
    }

    #[test]
    fn other_schemes() {
        assert!(equivalent("tel:+1-201-555-0123", "tel:+12015550123"));
        assert!(!equivalent("tel:7042;phone-context=a.com", "tel:7042"));
        assert!(equivalent("URN:service:sos", "urn:service:sos"));
        assert!(!equivalent("urn:service:sos", "urn:service:SOS"));
    }
}
