//! `name-addr` and `addr-spec`: From, To, Contact, Route and their kin.

use super::{HeaderError, Params, SyntaxKind, ValueError, unquote};
use crate::scan::{is_lws, skip_lws, skip_quoted, skip_token, skip_uri, trim};
use crate::{HeaderName, Uri, UriError, Values};
use memchr::memchr;
use std::borrow::Cow;

/// An address with its parameters (RFC 3261 §20.10): `"Alice" <sip:alice@example.com>;tag=1` or, without
/// brackets, `sip:alice@example.com;tag=1`, where the parameters belong to the header and not to the URI.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The URI, without brackets.
    pub uri: &'a [u8],
    /// The parameters of the header.
    pub params: Params<'a>,
    pub(crate) display: &'a [u8],
    pub(crate) tag: Option<&'a [u8]>,
    pub(crate) raw: &'a [u8],
}

impl<'a> NameAddr<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let (display, uri, at) = Self::address(value)?;
        let (params, length, tag) =
            Params::leading_with(&value[at..], "tag").map_err(|error| error.shifted(at))?;
        if at + length != value.len() {
            return Err(SyntaxKind::Unexpected.at(at + length));
        }
        Ok(Self { uri, params, display, tag, raw: value })
    }

    /// The display name, the URI, and where the parameters start.
    fn address(value: &'a [u8]) -> Result<(&'a [u8], &'a [u8], usize), ValueError> {
        if value.is_empty() {
            return Err(SyntaxKind::Empty.at(0));
        }
        let Some(open) = display_end(value)? else {
            let end = bare_end(value)?;
            let uri = &value[..end];
            let good = has_scheme(uri) && skip_uri(uri, 0) == end;
            return if good { Ok((&[], uri, end)) } else { Err(SyntaxKind::Uri.at(0)) };
        };
        let start = open + 1;
        let close = skip_uri(value, start);
        let uri = &value[start..close];
        if value.get(close) == Some(&b'>') && has_scheme(uri) {
            return Ok((trim(&value[..open]), uri, close + 1));
        }
        let closed = memchr(b'>', &value[close..]).is_some();
        Err(if closed { SyntaxKind::Uri.at(start) } else { SyntaxKind::Bracket.at(open) })
    }

    /// The display name, without quotes and escapes; bytes that are no UTF-8 are replaced.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        if self.display.is_empty() {
            return None;
        }
        Some(match unquote(self.display) {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        })
    }

    /// The parsed URI.
    pub fn uri_parsed(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }

    /// The tag (RFC 3261 §19.3).
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// A parameter of the header: `None` when it is not there, `Some(None)` when it has no value.
    pub fn param(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.params.get(name)
    }

    /// The whole value as received.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

/// The offset of the `<`, after a quoted string or tokens; `None` when the value has no brackets.
fn display_end(value: &[u8]) -> Result<Option<usize>, ValueError> {
    match value[0] {
        b'<' => Ok(Some(0)),
        b'"' => {
            let at = skip_quoted(value, 0).ok_or(SyntaxKind::Quote.at(0))?;
            let open = skip_lws(value, at);
            if value.get(open) == Some(&b'<') { Ok(Some(open)) } else { Err(SyntaxKind::Unexpected.at(open)) }
        }
        _ => {
            let mut at = skip_lws(value, skip_token(value, 0));
            loop {
                let next = skip_lws(value, skip_token(value, at));
                match value.get(next) {
                    Some(b'<') => return Ok(Some(next)),
                    // Bytes above ASCII are not in the grammar of an unquoted name, but names have accents.
                    Some(0x80..) => at = next + 1,
                    _ if next > at => at = next,
                    _ => break,
                }
            }
            // `Bell, Alexander <sip:…>` (RFC 4475 §3.1.2.14) has a bracket later on: that is a fault in the
            // name and not a bare URI. A bare URI cannot be followed by one before its parameters end.
            Ok(None)
        }
    }
}

/// The end of the URI of a value without brackets. It can contain neither `;`, `,` nor `?` (RFC 3261 §20.10).
fn bare_end(value: &[u8]) -> Result<usize, ValueError> {
    let end = value.iter().position(|&byte| matches!(byte, b';' | b',' | b'?') || is_lws(byte));
    let end = end.unwrap_or(value.len());
    if value.get(end) == Some(&b'?') { Err(SyntaxKind::Uri.at(end)) } else { Ok(end) }
}

/// Whether `uri` starts with a scheme and a colon, and is longer. The rest is read on demand.
fn has_scheme(uri: &[u8]) -> bool {
    if matches!(uri, [b's', b'i', b'p', b':', _, ..]) {
        return true;
    }
    let scheme = uri
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    uri.first().is_some_and(u8::is_ascii_alphabetic)
        && uri.get(scheme) == Some(&b':')
        && uri.len() > scheme + 1
}

/// One Contact value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Contact<'a> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    All,
    /// An address.
    Address(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        if value == b"*" { Ok(Self::All) } else { NameAddr::parse(value).map(Self::Address) }
    }
}

/// The Contact values of a message; from [`Message::contacts`](crate::Message::contacts).
#[derive(Clone, Debug)]
pub struct Contacts<'a>(pub(crate) Values<'a>);

impl<'a> Iterator for Contacts<'a> {
    type Item = Result<Contact<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|value| Contact::parse(value).map_err(|error| error.of(HeaderName::Contact)))
    }
}

/// The addresses of all rows of one name, in order; from [`Message::routes`](crate::Message::routes) and
/// its kin.
#[derive(Clone, Debug)]
pub struct Addresses<'a> {
    pub(crate) header: HeaderName,
    pub(crate) values: Values<'a>,
}

impl<'a> Iterator for Addresses<'a> {
    type Item = Result<NameAddr<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.values.next().map(|value| NameAddr::parse(value).map_err(|error| error.of(self.header)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_in_the_display_name_is_ignored() {
        let read =
            NameAddr::parse(br#""Eve;tag=1\";tag=2" <sip:eve@example.com;tag=3>;x="tag=4;tag=5"; tag = 6"#)
                .unwrap();
        assert_eq!(read.tag(), Some(&b"6"[..]));
        assert_eq!(read.uri, b"sip:eve@example.com;tag=3");
        assert_eq!(read.display_name().unwrap(), r#"Eve;tag=1";tag=2"#);
    }

    #[test]
    fn display_names_are_read() {
        let name = |value: &'static [u8]| NameAddr::parse(value).unwrap().display_name();
        assert_eq!(name(b"<sip:a@b>"), None);
        assert_eq!(name(b"sip:a@b"), None);
        assert_eq!(name(b"T. Watson <sip:a@b>").unwrap(), "T. Watson");
        assert_eq!(
            name(b"token1~` token2'+_ token3*%!.- <sip:a@b>").unwrap(),
            "token1~` token2'+_ token3*%!.-"
        );
        assert_eq!(name(b"caller<sip:a@b>").unwrap(), "caller");
        assert_eq!(name("J\u{fc}rgen M <sip:a@b>".as_bytes()).unwrap(), "J\u{fc}rgen M");
        assert_eq!(name(b"\"\xe9\" <sip:a@b>").unwrap(), "\u{fffd}");
        assert_eq!(name(b"\"BEL:\\\x07 NUL:\\\x00\" <sip:a@b>").unwrap(), "BEL:\x07 NUL:\x00");
    }

    #[test]
    fn parameters_after_a_bare_uri_belong_to_the_header() {
        let read = NameAddr::parse(b"sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n").unwrap();
        assert_eq!(
            (read.uri, read.tag()),
            (&b"sip:vivekg@chair-dnrc.example.com"[..], Some(&b"1918181833n"[..]))
        );
        assert_eq!(NameAddr::parse(b"tel:+1;tag=x").unwrap().tag(), Some(&b"x"[..]));
    }

    #[test]
    fn errors_point_at_the_uri() {
        assert_eq!(NameAddr::parse(b"\"B\" < sip:a@b>"), Err(SyntaxKind::Uri.at(5)));
        assert_eq!(NameAddr::parse(b"sip:a@b?x=y"), Err(SyntaxKind::Uri.at(7)));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for bad in [
            &b""[..],
            b"*",
            b";tag=1",
            b"alice",
            b"\"Mr. J. User <sip:j.user@example.com>",
            b"\"Watson, Thomas\" < sip:t.watson@example.org >",
            b"Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            b"sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            b"<sip:a@b",
            b"<>",
            b"<sip:>",
            b"<sip:a@b>;;;;",
            b"<sip:a@b> x",
            b"<sip:a@b>, <sip:c@d>",
            b"\"a\" sip:a@b",
        ] {
            assert!(NameAddr::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
