//! The parameters of a challenge or of credentials: `Digest name=value, name="value", …` (RFC 7235 §2.1).

use std::borrow::Cow;
use std::fmt;

use super::{DigestError, MAX_PARAMETERS, MAX_VALUE};

/// A value as it stood on the wire, without its quotation marks.
///
/// It is echoed to the peer unchanged; the [`value`](Quoted::value) is hashed, in which each quoted pair is replaced by its second
/// octet (RFC 7230 §3.2.6).
#[derive(Copy, Clone, Default)]
pub struct Quoted<'a> {
    raw: &'a [u8],
    quoted: bool,
}

impl<'a> Quoted<'a> {
    /// The octets between the quotation marks, or the whole token.
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The octets that are meant; borrowed unless there is a quoted pair.
    pub fn value(self) -> Cow<'a, [u8]> {
        if !self.quoted || !self.raw.contains(&b'\\') {
            return Cow::Borrowed(self.raw);
        }
        let mut octets = self.raw.iter().copied();
        let mut value = Vec::with_capacity(self.raw.len());
        while let Some(octet) = octets.next() {
            // A string cannot end in a lone backslash, which would escape the quotation mark.
            value.push(if octet == b'\\' { octets.next().unwrap_or(octet) } else { octet });
        }
        Cow::Owned(value)
    }
}

impl PartialEq for Quoted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
    }
}

impl PartialEq<str> for Quoted<'_> {
    fn eq(&self, other: &str) -> bool {
        *self.value() == *other.as_bytes()
    }
}

impl Eq for Quoted<'_> {}

impl fmt::Debug for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.raw.escape_ascii())
    }
}

/// Writes `value` as a quoted string (RFC 3261 §25.1). The caller has excluded control characters.
pub(super) fn push_quoted(target: &mut String, value: &str) {
    target.push('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            target.push('\\');
        }
        target.push(character);
    }
    target.push('"');
}

/// A parameter that is kept at most once.
pub(super) fn once<'a>(
    slot: &mut Option<Quoted<'a>>,
    name: &'static str,
    value: Quoted<'a>,
) -> Result<(), DigestError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(DigestError::Duplicate(name)),
    }
}

/// Reads the scheme and calls `each` for every parameter, in order. `header` is the unfolded or folded value of one row:
/// rows of these headers are never comma-joined (RFC 3261 §7.3.1).
pub(super) fn scan<'a>(
    header: &'a [u8],
    mut each: impl FnMut(&'a [u8], Quoted<'a>) -> Result<(), DigestError>,
) -> Result<(), DigestError> {
    if header.len() > MAX_VALUE {
        return Err(DigestError::TooLong);
    }
    let mut cursor = Cursor { data: header, at: 0 };
    cursor.skip_space();
    if !cursor.token().eq_ignore_ascii_case(b"digest") || !cursor.peek().is_some_and(is_space) {
        return Err(DigestError::Scheme);
    }
    for _ in 0..MAX_PARAMETERS {
        // Empty list elements are allowed (RFC 7230 §7), and stray commas do occur.
        while cursor.peek().is_some_and(|octet| is_space(octet) || octet == b',') {
            cursor.at += 1;
        }
        if cursor.peek().is_none() {
            return Ok(());
        }
        let (name, value) = cursor.parameter()?;
        each(name, value)?;
        cursor.skip_space();
        if !matches!(cursor.peek(), None | Some(b',')) {
            return Err(cursor.fault());
        }
    }
    if cursor.peek().is_some() { Err(DigestError::TooLong) } else { Ok(()) }
}

struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn fault(&self) -> DigestError {
        DigestError::Syntax(self.at as u32)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn token(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(is_token) {
            self.at += 1;
        }
        &self.data[start..self.at]
    }

    fn parameter(&mut self) -> Result<(&'a [u8], Quoted<'a>), DigestError> {
        let name = self.token();
        self.skip_space();
        if name.is_empty() || self.peek() != Some(b'=') {
            return Err(self.fault());
        }
        self.at += 1;
        self.skip_space();
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.bare() };
        Ok((name, value))
    }

    fn quoted(&mut self) -> Result<Quoted<'a>, DigestError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                // Echoed or hashed, a control character would let a peer write into our messages.
                Some(octet) if octet < b' ' && octet != b'\t' => return Err(self.fault()),
                Some(_) => self.at += 1,
                None => return Err(DigestError::Syntax(start as u32)),
            }
        }
        let raw = &self.data[start..self.at];
        self.at += 1;
        match raw.iter().any(|&octet| octet.is_ascii_control() && octet != b'\t') {
            true => Err(DigestError::Syntax(start as u32)),
            false => Ok(Quoted { raw, quoted: true }),
        }
    }

    /// A token, read generously: peers leave the quotation marks of nonces and URIs out. A backslash would mean something
    /// else once it is echoed between such marks.
    fn bare(&mut self) -> Quoted<'a> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|octet| octet.is_ascii_graphic() && !matches!(octet, b',' | b'"' | b'\\'))
        {
            self.at += 1;
        }
        Quoted { raw: &self.data[start..self.at], quoted: false }
    }
}

/// Line ends occur here only inside folding, which framing has already checked (RFC 3261 §7.3.1).
fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[u8]) -> Result<Vec<(String, String)>, DigestError> {
        let mut list = Vec::new();
        scan(header, |name, value| {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            list.push((text(name), text(&value.value())));
            Ok(())
        })?;
        Ok(list)
    }

    #[test]
    fn lists_of_real_peers_are_read() {
        let list =
            read(b"  digest\trealm = \"a, \\\"b\\\" \\\\c\" ,, nonce=abc==,\r\n qop=\"auth\",").unwrap();
        let expected = [("realm", "a, \"b\" \\c"), ("nonce", "abc=="), ("qop", "auth")];
        assert_eq!(list, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(read(b"Digest ").unwrap(), []);
        assert_eq!(read(b"Digest opaque=\"\"").unwrap(), [("opaque".to_owned(), String::new())]);
    }

    #[test]
    fn malformed_lists_are_refused() {
        assert_eq!(read(b"Basic realm=\"a\""), Err(DigestError::Scheme));
        assert_eq!(read(b"Digest"), Err(DigestError::Scheme));
        assert_eq!(read(b"Digest,"), Err(DigestError::Scheme));
        assert_eq!(read(b""), Err(DigestError::Scheme));
        assert_eq!(read(b"Digest realm"), Err(DigestError::Syntax(12)));
        assert_eq!(read(b"Digest realm=\"a"), Err(DigestError::Syntax(14)));
        assert_eq!(read(b"Digest realm=\"a\\"), Err(DigestError::Syntax(14)));
        assert_eq!(read(b"Digest realm=\"a\\\""), Err(DigestError::Syntax(14)));
        assert_eq!(read(b"Digest realm=\"a\" nonce=\"b\""), Err(DigestError::Syntax(17)));
        assert_eq!(read(b"Digest realm=\"a\r\nX: y\""), Err(DigestError::Syntax(15)));
        assert_eq!(read(b"Digest realm=\"a\\\r\nX: y\""), Err(DigestError::Syntax(17)));
        assert_eq!(read(b"Digest realm=\"a\\\0\""), Err(DigestError::Syntax(14)));
        assert_eq!(read(b"Digest =\"a\""), Err(DigestError::Syntax(7)));
        assert_eq!(read(b"Digest realm=a\\b"), Err(DigestError::Syntax(14)));
    }

    #[test]
    fn limits_are_enforced() {
        let long = [b"Digest a=".as_slice(), &[b'x'; MAX_VALUE]].concat();
        assert_eq!(read(&long), Err(DigestError::TooLong));
        let many = format!("Digest {}", ["a=b"; MAX_PARAMETERS].join(","));
        assert_eq!(read(many.as_bytes()).unwrap().len(), MAX_PARAMETERS);
        assert_eq!(read(format!("{many},a=b").as_bytes()), Err(DigestError::TooLong));
    }
}
