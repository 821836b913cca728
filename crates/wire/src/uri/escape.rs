//! Percent escapes.

use std::borrow::Cow;

/// Appends `user` to `out` as the user part of a sip URI: what the grammar does not allow there is
/// escaped (RFC 3261 §25.1, `user`).
pub fn escape_user(user: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in user {
        // `unreserved` and `user-unreserved`.
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// `escaped` without its percent escapes. A `%` that escapes nothing stays (RFC 4475 §3.1.1.3).
pub fn unescape(escaped: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', escaped).is_none() {
        return Cow::Borrowed(escaped);
    }
    let mut plain = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while !rest.is_empty() {
        let (byte, length) = first(rest);
        plain.push(byte);
        rest = &rest[length..];
    }
    Cow::Owned(plain)
}

/// The first byte of non-empty `bytes` with its escape undone, and how many bytes it took.
pub(super) fn first(bytes: &[u8]) -> (u8, usize) {
    if let [b'%', high, low, ..] = *bytes
        && let (Some(high), Some(low)) = (hex(high), hex(low))
    {
        return (high << 4 | low, 3);
    }
    (bytes[0], 1)
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_user_round_trips() {
        let user = "J\u{fc}rgen <a@b>:\r\n%40".as_bytes();
        let mut escaped = Vec::new();
        escape_user(user, &mut escaped);
        assert_eq!(escaped, b"J%C3%BCrgen%20%3Ca%40b%3E%3A%0D%0A%2540");
        assert_eq!(&*unescape(&escaped), user);
    }

    #[test]
    fn invalid_escape_is_kept() {
        assert_eq!(&*unescape(b"%Z%45%4"), b"%ZE%4");
    }
}
