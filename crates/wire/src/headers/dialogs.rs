//! Headers that name a dialog.

use super::{Params, SyntaxKind, ValueError};
use crate::scan::{is_lws, trim};

/// A Replaces value (RFC 3891 §6.1), or a Join or Target-Dialog, which read the same.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The Call-ID of the dialog.
    pub call_id: &'a [u8],
    /// The tag of the receiver of the request.
    pub to_tag: &'a [u8],
    /// The tag of the other end.
    pub from_tag: &'a [u8],
    /// Only replace a dialog that is early.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let end = memchr::memchr(b';', value).ok_or(SyntaxKind::Unexpected.at(value.len()))?;
        let call_id = trim(&value[..end]);
        if call_id.is_empty() || call_id.iter().any(|&byte| is_lws(byte)) {
            return Err(SyntaxKind::Unexpected.at(0));
        }
        let (params, length) = Params::leading(&value[end..]).map_err(|error| error.shifted(end))?;
        if end + length != value.len() {
            return Err(SyntaxKind::Unexpected.at(end + length));
        }
        let tag = |name| params.get(name).flatten().ok_or(SyntaxKind::Missing.at(end));
        let early_only = params.get("early-only").is_some();
        Ok(Self { call_id, to_tag: tag("to-tag")?, from_tag: tag("from-tag")?, early_only })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_and_two_tags() {
        let read =
            Replaces::parse(b"98732@sip.example.com ;from-tag=r33th4x0r; to-tag=ff87ff;early-only").unwrap();
        assert_eq!((read.call_id, read.to_tag), (&b"98732@sip.example.com"[..], &b"ff87ff"[..]));
        assert_eq!((read.from_tag, read.early_only), (&b"r33th4x0r"[..], true));
    }

    #[test]
    fn half_a_dialog_is_refused() {
        for bad in [
            &b""[..],
            b"a@b",
            b"a@b;to-tag=1",
            b"a@b;from-tag=1",
            b";to-tag=1;from-tag=2",
            b"a b;to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
