//! `;name=value` parameters.

use super::{SyntaxKind, ValueError};
use crate::scan::{skip_lws, skip_quoted, skip_token, skip_value};
use std::fmt;

/// The `generic-param`s of a header value (RFC 3261 §25.1), checked when the value was read.
///
/// Names are compared without regard to case; white space and folding around `;` and `=` is tolerated;
/// quoted values may contain `;` and `,`. Of a repeated name, the first counts.
#[derive(Copy, Clone, Default, PartialEq, Eq)]
pub struct Params<'a>(&'a [u8]);

/// A name, and the value if there is one.
type Param<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> Params<'a> {
    /// The parameters at the start of `rest`, which is empty or starts with `;` or white space, up to a
    /// comma or the end; and their length in bytes.
    pub(crate) fn leading(rest: &'a [u8]) -> Result<(Self, usize), ValueError> {
        Self::leading_with(rest, "").map(|(params, length, _)| (params, length))
    }

    /// Like [`Params::leading`], and also returns the value of the parameter that most readers need next.
    pub(crate) fn leading_with(
        rest: &'a [u8],
        wanted: &str,
    ) -> Result<(Self, usize, Option<&'a [u8]>), ValueError> {
        let mut found = None;
        let mut at = 0;
        loop {
            at = skip_lws(rest, at);
            match rest.get(at) {
                None | Some(b',') => return Ok((Self(&rest[..at]), at, found.flatten())),
                Some(b';') => {
                    let ((name, value), end) = Self::one(rest, skip_lws(rest, at + 1))?;
                    if found.is_none() && is_called(name, wanted) {
                        found = Some(value);
                    }
                    at = end;
                }
                Some(_) => return Err(SyntaxKind::Unexpected.at(at)),
            }
        }
    }

    /// Parameters that were checked before, or those of a URI, which has no white space and no quotes: nothing to
    /// check but what [`crate::Uri`] checks.
    pub(crate) fn checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Checks the parameter at `start`: its name, its value, and where it ends.
    fn one(rest: &'a [u8], start: usize) -> Result<(Param<'a>, usize), ValueError> {
        let name_end = skip_token(rest, start);
        if name_end == start {
            return Err(SyntaxKind::Unexpected.at(start));
        }
        let name = &rest[start..name_end];
        let equals = skip_lws(rest, name_end);
        if rest.get(equals) != Some(&b'=') {
            return Ok(((name, None), name_end));
        }
        let value = skip_lws(rest, equals + 1);
        let end = match rest.get(value) {
            Some(b'"') => skip_quoted(rest, value).ok_or(SyntaxKind::Quote.at(value))?,
            _ => skip_value(rest, value),
        };
        if end == value {
            return Err(SyntaxKind::Unexpected.at(value));
        }
        Ok(((name, Some(&rest[value..end])), end))
    }

    /// The parameter called `name`: `None` when it is not there, `Some(None)` when it has no value.
    /// A quoted value includes its quotes; [`unquote`](super::unquote) removes them.
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|(found, _)| is_called(found, name)).map(|(_, value)| value)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let bytes = self.0;
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = skip_lws(bytes, skip_lws(bytes, at) + 1);
            let name_end = skip_token(bytes, start);
            let name = bytes.get(start..name_end).filter(|name| !name.is_empty())?;
            let equals = skip_lws(bytes, name_end);
            if bytes.get(equals) != Some(&b'=') {
                at = name_end;
                return Some((name, None));
            }
            let value = skip_lws(bytes, equals + 1);
            at = if bytes.get(value) == Some(&b'"') {
                skip_quoted(bytes, value)?
            } else {
                skip_value(bytes, value)
            };
            Some((name, Some(&bytes[value..at])))
        })
    }

    /// The bytes as received, from the first `;`.
    pub fn raw(&self) -> &'a [u8] {
        self.0
    }
}

/// Nearly everybody writes names in lower case, and equal bytes are compared faster.
fn is_called(found: &[u8], name: &str) -> bool {
    found == name.as_bytes() || found.eq_ignore_ascii_case(name.as_bytes())
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(bytes: &[u8]) -> Result<Params<'_>, ValueError> {
        Params::leading(bytes).map(|(params, _)| params)
    }

    #[test]
    fn white_space_and_folding_are_skipped() {
        let read = params(b" ;\r\n  tag = 98asjd8 ; lr;\tQ\r\n =0.33").unwrap();
        assert_eq!(read.get("TAG"), Some(Some(&b"98asjd8"[..])));
        assert_eq!(read.get("lr"), Some(None));
        assert_eq!(read.get("q"), Some(Some(&b"0.33"[..])));
        assert_eq!(read.get("x"), None);
    }

    #[test]
    fn quoted_text_is_no_parameter() {
        let read = params(br#";a="x;tag=evil,\";tag=evil";tag=good, next"#).unwrap();
        assert_eq!(read.get("tag"), Some(Some(&b"good"[..])));
        assert_eq!(read.iter().count(), 2);
    }

    #[test]
    fn malformed_parameters_are_refused() {
        assert_eq!(params(b";;"), Err(SyntaxKind::Unexpected.at(1)));
        assert_eq!(params(b";a="), Err(SyntaxKind::Unexpected.at(3)));
        assert_eq!(params(b";a=\"x"), Err(SyntaxKind::Quote.at(3)));
        assert_eq!(params(b";a b"), Err(SyntaxKind::Unexpected.at(3)));
        assert_eq!(params(b";a=<urn:x>"), Err(SyntaxKind::Unexpected.at(3)));
    }
}
