//! Reason.

use super::events::token_and_params;
use super::{Params, ValueError, unquote};
use crate::scan::number;
use std::borrow::Cow;

/// One Reason value (RFC 3326).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, or another protocol.
    pub protocol: &'a [u8],
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Reason<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let (protocol, params) = token_and_params(value)?;
        Ok(Self { protocol, params })
    }

    /// The cause: a status code for `SIP`, a cause value for `Q.850`.
    pub fn cause(&self) -> Option<u16> {
        let digits = self.params.get("cause").flatten()?;
        number(digits, u16::MAX.into()).ok().map(|cause| cause as u16)
    }

    /// The text, without quotes; bytes that are no UTF-8 are replaced.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let quoted = self.params.get("text").flatten()?;
        Some(match unquote(quoted) {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_text() {
        let read = Reason::parse(br#"SIP ;cause=200 ;text="Call \"completed\"; elsewhere""#).unwrap();
        assert_eq!((read.protocol, read.cause()), (&b"SIP"[..], Some(200)));
        assert_eq!(read.text().unwrap(), r#"Call "completed"; elsewhere"#);
        let read = Reason::parse(b"Q.850;cause=99999").unwrap();
        assert_eq!((read.protocol, read.cause(), read.text()), (&b"Q.850"[..], None, None));
    }
}
