//! Start lines.

use crate::FaultKind;
use crate::scan::skip_token;

/// Where the parts of the start line are.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Start {
    /// The status code, or zero for a request.
    pub(crate) status: u16,
    /// Whether the version is SIP/2.0. Another version is a matter for [`crate::Message::check`]: it gets
    /// an answer.
    pub(crate) version_two: bool,
    /// The end of the method, which starts at 0.
    pub(crate) method_end: u32,
    /// The Request-URI or the reason phrase.
    pub(crate) text: u32,
    pub(crate) text_end: u32,
}

impl Start {
    /// Reads the line without its line end. The error has the offset.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, usize> {
        if line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) {
            Self::status_line(line)
        } else {
            Self::request_line(line)
        }
    }

    /// `SIP-Version SP Status-Code SP Reason-Phrase` (RFC 3261 §7.2). The second space may be missing when
    /// there is no phrase: too many servers do it.
    fn status_line(line: &[u8]) -> Result<Self, usize> {
        let space = 4 + line[4..].iter().position(|&byte| byte == b' ').ok_or(line.len())?;
        let version_two = version(&line[..space]).ok_or(4usize)?;
        let code = space + 1;
        let [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] = line[code..] else {
            return Err(code);
        };
        let status = [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        let text = match line.get(code + 3) {
            Some(b' ') => code + 4,
            None => code + 3,
            Some(_) => return Err(code + 3),
        };
        Ok(Self { status, version_two, method_end: 0, text: text as u32, text_end: line.len() as u32 })
    }

    /// `Method SP Request-URI SP SIP-Version` (RFC 3261 §7.1), with one space each and none elsewhere.
    fn request_line(line: &[u8]) -> Result<Self, usize> {
        let method_end = skip_token(line, 0);
        if method_end == 0 || line.get(method_end) != Some(&b' ') {
            return Err(method_end);
        }
        let uri = method_end + 1;
        let uri_end = uri
            + line[uri..].iter().position(|&byte| byte <= b' ' || byte == 0x7f).unwrap_or(line.len() - uri);
        if uri == uri_end || line.get(uri_end) != Some(&b' ') {
            return Err(uri_end);
        }
        let version_two = version(&line[uri_end + 1..]).ok_or(uri_end + 1)?;
        let (method_end, text, text_end) = (method_end as u32, uri as u32, uri_end as u32);
        Ok(Self { status: 0, version_two, method_end, text, text_end })
    }
}

/// Whether `word` is SIP/2.0, or `None` when it is no SIP-Version at all.
fn version(word: &[u8]) -> Option<bool> {
    if word == b"SIP/2.0" {
        return Some(true);
    }
    let [b'S' | b's', b'I' | b'i', b'P' | b'p', b'/', number @ ..] = word else {
        return None;
    };
    let dot = number.iter().position(|&byte| byte == b'.')?;
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    (digits(&number[..dot]) && digits(&number[dot + 1..])).then_some(number == b"2.0")
}

/// The kind of fault of every malformed start line.
pub(crate) const FAULT: FaultKind = FaultKind::StartLine;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines() {
        let start = Start::parse(b"INVITE sip:a@b SIP/2.0").unwrap();
        assert_eq!((start.status, start.version_two), (0, true));
        assert_eq!((start.method_end, start.text, start.text_end), (6, 7, 14));
        assert!(Start::parse(b"X y:z sip/2.0").unwrap().version_two);
        assert!(!Start::parse(b"X y:z SIP/7.0").unwrap().version_two);
        for bad in [
            &b""[..],
            b"INVITE",
            b"INVITE ",
            b" INVITE sip:a SIP/2.0",
            b"INVITE  sip:a  SIP/2.0",
            b"INVITE sip:a; lr SIP/2.0",
            b"INVITE sip:a SIP/2.0 ",
            b"INVITE sip:a",
            b"INVITE sip:a HTTP/1.1",
            b"INV@TE sip:a SIP/2.0",
            b"INVITE sip:a SIP/2",
            b"INVITE sip:a SIP/.0",
        ] {
            assert!(Start::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn status_lines() {
        let start = Start::parse(b"SIP/2.0 404 Not Found").unwrap();
        assert_eq!((start.status, start.text, start.text_end), (404, 12, 21));
        assert_eq!(Start::parse(b"SIP/2.0 100 ").unwrap().status, 100);
        assert_eq!(Start::parse(b"SIP/2.0 200").unwrap().status, 200);
        assert_eq!(Start::parse(b"SIP/2.0 4294967301 better not break the receiver").unwrap_err(), 11);
        for bad in [
            &b"SIP/2.0"[..],
            b"SIP/2.0 ",
            b"SIP/2.0 20",
            b"SIP/2.0 099 x",
            b"SIP/2.0 700 x",
            b"SIP/2.0  200 x",
        ] {
            assert!(Start::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
