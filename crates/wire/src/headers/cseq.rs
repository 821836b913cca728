//! CSeq.

use super::{SyntaxKind, ValueError};
use crate::Method;
use crate::scan::{number, skip_lws, skip_token};

/// A CSeq value (RFC 3261 §20.16).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, below 2³¹ (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads `number LWS method`.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number =
            number(&value[..digits], (1 << 31) - 1).map_err(|error| SyntaxKind::from(error).at(0))?;
        let start = skip_lws(value, digits);
        let end = skip_token(value, start);
        if start == digits || start == end || end != value.len() {
            return Err(SyntaxKind::Unexpected.at(end));
        }
        Ok(Self { number, method: Method::from_bytes(&value[start..end]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_method() {
        let read = CSeq::parse(b"0009\r\n  INVITE").unwrap();
        assert_eq!(read, CSeq { number: 9, method: Method::Invite });
        assert_eq!(CSeq::parse(b"2147483647 X").unwrap().method, Method::Other(b"X"));
    }

    #[test]
    fn numbers_from_two_to_the_31_are_refused() {
        assert_eq!(CSeq::parse(b"2147483648 BYE"), Err(SyntaxKind::OutOfRange.at(0)));
        assert_eq!(CSeq::parse(b"9292394834772304023312 BYE"), Err(SyntaxKind::OutOfRange.at(0)));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [&b""[..], b"1", b"1 ", b"1INVITE", b"INVITE 1", b"-1 INVITE", b"1 INVITE x", b"1 INV@TE"]
        {
            assert!(CSeq::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
