//! URIs: sip and sips parsed (RFC 3261 §19.1), tel (RFC 3966) mostly, all others kept as text.

mod equivalence;
mod escape;
mod host;

pub use escape::{escape_user, unescape};
pub use host::{canonical_host, same_host};

use crate::headers::Params;
use crate::scan::{number, skip_host, skip_uri};
use memchr::{memchr, memchr2};

/// The scheme of a [`Uri`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other, as it is written.
    Other(&'a [u8]),
}

/// A URI, as ranges of the bytes it was read from.
#[derive(Copy, Clone, Debug)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme<'a>,
    /// The user part, still escaped, with any parameters that it has; the number of a tel URI.
    pub user: Option<&'a [u8]>,
    /// The password, which is deprecated (RFC 3261 §19.1.1).
    pub password: Option<&'a [u8]>,
    /// The host; an IPv6 literal includes its brackets. Empty unless the scheme is sip or sips.
    pub host: &'a [u8],
    /// The port.
    pub port: Option<u16>,
    /// The parameters of the URI (not those of the user part).
    pub params: Params<'a>,
    /// What follows the `?`, still escaped; see [`Uri::headers`].
    pub query: &'a [u8],
    raw: &'a [u8],
}

/// Why bytes are no URI, and where.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed URI at byte {offset}")]
pub struct UriError {
    /// Bytes from the start of the URI.
    pub offset: u32,
}

impl UriError {
    fn at(offset: usize) -> Self {
        Self { offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }
}

impl<'a> Uri<'a> {
    /// Takes `bytes` apart. An unknown scheme is no error: its URI has a scheme and raw bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, UriError> {
        let good = skip_uri(bytes, 0);
        if good < bytes.len() {
            return Err(UriError::at(good));
        }
        // Nearly all URIs.
        if matches!(bytes, [b's', b'i', b'p', b':', _, ..]) {
            return Self::sip(bytes, Scheme::Sip, 4);
        }
        let colon = memchr(b':', bytes).ok_or(UriError::at(bytes.len()))?;
        let scheme = scheme(&bytes[..colon])?;
        let rest = colon + 1;
        if rest == bytes.len() {
            return Err(UriError::at(rest));
        }
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::sip(bytes, scheme, rest),
            Scheme::Tel => Self::tel(bytes, rest),
            Scheme::Other(_) => Ok(Self::opaque(bytes, scheme)),
        }
    }

    fn opaque(raw: &'a [u8], scheme: Scheme<'a>) -> Self {
        let params = Params::default();
        Self { scheme, user: None, password: None, host: &[], port: None, params, query: &[], raw }
    }

    fn tel(raw: &'a [u8], start: usize) -> Result<Self, UriError> {
        let end = memchr(b';', &raw[start..]).map_or(raw.len(), |at| start + at);
        if start == end {
            return Err(UriError::at(start));
        }
        let params = params(raw, end, raw.len())?;
        Ok(Self { user: Some(&raw[start..end]), params, ..Self::opaque(raw, Scheme::Tel) })
    }

    fn sip(raw: &'a [u8], scheme: Scheme<'a>, start: usize) -> Result<Self, UriError> {
        let mut uri = Self::opaque(raw, scheme);
        // The user part may contain `;`, `?` and `/`, and nothing after it may contain an unescaped `@`.
        let host = match memchr(b'@', &raw[start..]) {
            Some(0) => return Err(UriError::at(start)),
            Some(at) => {
                let userinfo = &raw[start..start + at];
                let colon = memchr(b':', userinfo);
                uri.user = Some(&userinfo[..colon.unwrap_or(at)]);
                uri.password = colon.map(|colon| &userinfo[colon + 1..]);
                start + at + 1
            }
            None => start,
        };
        let host_end = host + host_length(&raw[host..]).ok_or(UriError::at(host))?;
        uri.host = &raw[host..host_end];
        let mut at = host_end;
        if raw.get(at) == Some(&b':') {
            let digits = at + 1;
            at = digits + raw[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let port = number(&raw[digits..at], u16::MAX.into()).map_err(|_| UriError::at(digits))?;
            uri.port = Some(port as u16);
        }
        if at == raw.len() {
            return Ok(uri);
        }
        let query = memchr(b'?', &raw[at..]).map_or(raw.len(), |mark| at + mark);
        uri.params = params(raw, at, query)?;
        uri.query = raw.get(query + 1..).unwrap_or_default();
        Ok(uri)
    }

    /// The bytes it was read from.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The headers of the query, names and values still escaped.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.query.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let equals = memchr(b'=', pair).unwrap_or(pair.len());
            (&pair[..equals], pair.get(equals + 1..).unwrap_or_default())
        })
    }
}

fn scheme(bytes: &[u8]) -> Result<Scheme<'_>, UriError> {
    if bytes.eq_ignore_ascii_case(b"sip") {
        return Ok(Scheme::Sip);
    }
    if bytes.eq_ignore_ascii_case(b"sips") {
        return Ok(Scheme::Sips);
    }
    if bytes.eq_ignore_ascii_case(b"tel") {
        return Ok(Scheme::Tel);
    }
    // RFC 3986 §3.1.
    let rest = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    match bytes {
        [b'a'..=b'z' | b'A'..=b'Z', tail @ ..] if tail.iter().all(rest) => Ok(Scheme::Other(bytes)),
        _ => Err(UriError::at(0)),
    }
}

/// The length of the host at the start of `bytes`, or `None` when there is none.
fn host_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&b'[') {
        let close = memchr(b']', bytes)?;
        let literal = bytes[1..close].iter().all(|&byte| crate::headers::is_ipv6_byte(byte));
        return (literal && close > 1).then_some(close + 1);
    }
    let end = skip_host(bytes, 0);
    (end > 0 && matches!(bytes.get(end), None | Some(b':' | b';' | b'?'))).then_some(end)
}

/// `;name=value` between `start` and `end`; an empty one is tolerated (`sip:a@b;`), nothing else is.
fn params(raw: &[u8], start: usize, end: usize) -> Result<Params<'_>, UriError> {
    if start < end && raw[start] != b';' {
        return Err(UriError::at(start));
    }
    let bytes = &raw[start..end];
    if let Some(bad) = memchr2(b',', b'"', bytes) {
        return Err(UriError::at(start + bad));
    }
    Ok(Params::checked(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_read() {
        let uri = Uri::parse(
            b"sips:alice;x=1:secret@[2001:db8::10]:5070;transport=tcp;lr?Subject=a%20b&Priority=urgent",
        )
        .unwrap();
        assert_eq!(uri.scheme, Scheme::Sips);
        assert_eq!((uri.user, uri.password), (Some(&b"alice;x=1"[..]), Some(&b"secret"[..])));
        assert_eq!((uri.host, uri.port), (&b"[2001:db8::10]"[..], Some(5070)));
        assert_eq!(uri.params.get("transport"), Some(Some(&b"tcp"[..])));
        assert_eq!(uri.params.get("lr"), Some(None));
        let headers: Vec<_> = uri.headers().collect();
        assert_eq!(headers, [(&b"Subject"[..], &b"a%20b"[..]), (b"Priority", b"urgent")]);
    }

    #[test]
    fn unusual_users_are_read() {
        let uri = Uri::parse(b"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com").unwrap();
        assert_eq!(uri.user, Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
        assert_eq!(uri.host, b"example.com");
        assert_eq!(Uri::parse(b"sip:user;par=u%40example.net@example.com").unwrap().host, b"example.com");
    }

    #[test]
    fn other_schemes_are_kept() {
        let tel = Uri::parse(b"tel:7042;phone-context=example.com").unwrap();
        assert_eq!((tel.scheme, tel.user), (Scheme::Tel, Some(&b"7042"[..])));
        assert_eq!(tel.params.get("phone-context"), Some(Some(&b"example.com"[..])));
        let urn = Uri::parse(b"urn:service:sos").unwrap();
        assert_eq!((urn.scheme, urn.raw()), (Scheme::Other(b"urn"), &b"urn:service:sos"[..]));
    }

    #[test]
    fn malformed_ones_are_refused() {
        for bad in [
            &b""[..],
            b"sip",
            b"sip:",
            b"<sip:a@b>",
            b"sip:@b",
            b"sip:a@",
            b"sip:a@b:port",
            b"sip:a@b:70000",
            b"sip:a@[::1",
            b"sip:a@[]",
            b"sip:a b@c",
            b"sip:a@b\r\nc",
            b"sip:a@b,c",
            b"1sip:a@b",
            b"tel:;a",
        ] {
            assert!(Uri::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
