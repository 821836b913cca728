//! Scanning primitives: tokens, white space, quoted strings, commas.

use memchr::{memchr, memchr2};

/// Characters of a `token` (RFC 3261 §25.1).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
            | b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

/// Bytes that may occur in a URI. Not the whole grammar, which is checked when the URI is read,
/// and bytes above ASCII are let through, for there are users with accents.
const URI: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte > 0x20 && !matches!(byte as u8, b'<' | b'>' | b'"' | 0x7f);
        byte += 1;
    }
    table
};

/// Bytes of a host name. Underscores and the like are none by the grammar, and in use.
const HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_' | b'%');
        byte += 1;
    }
    table
};

/// `gen-value = token / host / quoted-string` (RFC 3261 §25.1) unquoted, and a little more that real peers write
/// (`+sip.instance=<urn:…>` excepted: angle brackets must be quoted).
const VALUE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte > 0x20 && !matches!(byte as u8, b';' | b',' | b'"' | b'<' | b'>' | 0x7f);
        byte += 1;
    }
    table
};

/// Whether it is a token (RFC 3261 §25.1).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && skip_token(bytes, 0) == bytes.len()
}

/// White space inside a header value: CR and LF occur there as folding only, [`crate::Message`] saw to it.
pub(crate) fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        bytes = rest;
    }
    bytes
}

/// The index of the first byte at or after `at` that is not white space.
pub(crate) fn skip_lws(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|&byte| is_lws(byte)) {
        at += 1;
    }
    at
}

/// The index of the first byte at or after `at` that `table` lacks. Reading a message is for the most part this loop, so
/// it reads four bytes per step.
fn skip(bytes: &[u8], mut at: usize, table: &[bool; 256]) -> usize {
    for four in bytes.get(at..).unwrap_or_default().chunks_exact(4) {
        if !four.iter().fold(true, |all, byte| all & table[*byte as usize]) {
            break;
        }
        at += 4;
    }
    while bytes.get(at).is_some_and(|&byte| table[byte as usize]) {
        at += 1;
    }
    at
}

/// The index of the first byte at or after `at` that is not of a token.
pub(crate) fn skip_token(bytes: &[u8], at: usize) -> usize {
    skip(bytes, at, &TOKEN)
}

/// The index of the first byte at or after `at` that no URI has.
pub(crate) fn skip_uri(bytes: &[u8], at: usize) -> usize {
    skip(bytes, at, &URI)
}

/// The index of the first byte at or after `at` that ends a host name.
pub(crate) fn skip_host(bytes: &[u8], at: usize) -> usize {
    skip(bytes, at, &HOST)
}

/// The index of the first byte at or after `at` that ends the unquoted value of a parameter.
pub(crate) fn skip_value(bytes: &[u8], at: usize) -> usize {
    skip(bytes, at, &VALUE)
}

/// With `bytes[open] == '"'`: the index after the closing quote.
pub(crate) fn skip_quoted(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The index of the first comma that separates two values: not in quotes and not in angle brackets.
/// The length when there is none. An unbalanced quote or bracket reaches to the end.
pub(crate) fn value_end(bytes: &[u8]) -> usize {
    if memchr(b',', bytes).is_none() {
        return bytes.len();
    }
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = match byte {
            b',' => return at,
            b'"' => skip_quoted(bytes, at),
            b'<' => memchr(b'>', &bytes[at..]).map(|close| at + close + 1),
            _ => Some(at + 1),
        };
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    bytes.len()
}

/// A number of digits alone: no sign, no white space, and not above `max`.
pub(crate) fn number(digits: &[u8], max: u32) -> Result<u32, NumberError> {
    if digits.is_empty() {
        return Err(NumberError::NoDigits);
    }
    let mut number = 0u32;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return Err(NumberError::NoDigits);
        }
        number = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(u32::from(digit - b'0')))
            .filter(|&number| number <= max)
            .ok_or(NumberError::TooLarge)?;
    }
    Ok(number)
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    NoDigits,
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_may_contain_escapes() {
        assert_eq!(skip_quoted(br#""a\"b" c"#, 0), Some(6));
        assert_eq!(skip_quoted(br#""a\\" c"#, 0), Some(5));
        assert_eq!(skip_quoted(br#""a\"#, 0), None);
        assert_eq!(skip_quoted(br#""a"#, 0), None);
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        assert_eq!(value_end(br#""a,b" <sip:a,b@c>;d="e,f" , g"#), 26);
        assert_eq!(value_end(b"\"open, <sip:x>"), 14);
        assert_eq!(value_end(b"a <sip:open, x"), 14);
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number(b"0068", 255), Ok(68));
        assert_eq!(number(b"256", 255), Err(NumberError::TooLarge));
        assert_eq!(number(b"36893488147419103232", u32::MAX), Err(NumberError::TooLarge));
        assert_eq!(number(b"+1", 255), Err(NumberError::NoDigits));
        assert_eq!(number(b"-1", 255), Err(NumberError::NoDigits));
        assert_eq!(number(b"", 255), Err(NumberError::NoDigits));
    }
}
