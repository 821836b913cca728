//! Quoted strings.

use std::borrow::Cow;

/// The text of a parameter value or display name: without its quotes and escapes when it is a quoted
/// string (RFC 3261 §25.1), as it is otherwise.
pub fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else {
        return Cow::Borrowed(value);
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        // A backslash at the very end escapes nothing; the scan that found the quotes never leaves one.
        text.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_only_inside_quotes() {
        assert_eq!(&*unquote(br#""J \"R\" \\""#), br#"J "R" \"#);
        assert_eq!(&*unquote(br"a\b"), br"a\b");
        assert!(matches!(unquote(b"\"plain\""), Cow::Borrowed(b"plain")));
        assert_eq!(&*unquote(b"\""), b"\"");
    }
}
