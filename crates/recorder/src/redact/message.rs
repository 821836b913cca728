//! Redacts SIP messages. The scan is more lenient than the parser, because malformed messages are recorded, too.

use super::mask::{mask, with_copy};
use super::{body, uri};
use bytes::Bytes;
use offhook_wire::HeaderName;
use std::ops::Range;

/// Masks credentials, tokens, texts of users and unknown headers; in headers that the phone reads, only secrets by name.
pub(crate) fn message(data: &Bytes) -> Bytes {
    with_copy(data, in_place)
}

/// The redacted value of a header field.
pub(super) fn text_of_row(name: &str, value: &str) -> String {
    let mut bytes = value.as_bytes().to_vec();
    row(HeaderName::from_bytes(name.as_bytes()), &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn in_place(data: &mut [u8]) {
    let start = data.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(data.len());
    let length = head_length(&data[start..]);
    let (head, rest) = data[start..].split_at_mut(length);
    let mut content_type = None;
    for (place, line) in lines(head).into_iter().enumerate() {
        if place == 0 {
            uri::passwords(&mut head[line]);
            continue;
        }
        let Some(colon) = head[line.clone()].iter().position(|&byte| byte == b':') else {
            mask(&mut head[line]);
            continue;
        };
        let colon = line.start + colon;
        let name = HeaderName::from_bytes(head[line.start..colon].trim_ascii());
        let value = colon + 1..line.end;
        row(name, &mut head[value.clone()]);
        if name == HeaderName::ContentType && content_type.is_none() {
            content_type = Some(head[value].trim_ascii().to_vec());
        }
    }
    body::in_place(&content_type.unwrap_or_default(), rest);
}

fn row(name: HeaderName, value: &mut [u8]) {
    match name {
        HeaderName::Authorization
        | HeaderName::ProxyAuthorization
        | HeaderName::WwwAuthenticate
        | HeaderName::ProxyAuthenticate => credentials(value),
        HeaderName::AuthenticationInfo | HeaderName::ProxyAuthenticationInfo => parameters(value),
        // Tokens, links that may contain some, and texts of users. The core does not read them.
        HeaderName::Identity
        | HeaderName::CallInfo
        | HeaderName::AlertInfo
        | HeaderName::ErrorInfo
        | HeaderName::Subject
        | HeaderName::Other => mask(value),
        _ => uri::passwords(value),
    }
}

/// Redacts the parameters of `Digest`, and all of another scheme (`Bearer`, `Basic`) but its name.
fn credentials(value: &mut [u8]) {
    let start = value.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(value.len());
    let length = value.trim_ascii().len();
    let value = &mut value[start..start + length];
    // A single word is not a scheme.
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(0);
    let (scheme, rest) = value.split_at_mut(end);
    if scheme.eq_ignore_ascii_case(b"Digest") { parameters(rest) } else { mask(rest) }
}

/// The digest parameters that are not redacted: neither computed from the password nor keys.
const PLAIN: [&[u8]; 13] = [
    b"username",
    b"username*",
    b"userhash",
    b"realm",
    b"nonce",
    b"nextnonce",
    b"uri",
    b"opaque",
    b"algorithm",
    b"qop",
    b"nc",
    b"stale",
    b"domain",
];

fn parameters(list: &mut [u8]) {
    let mut at = 0;
    while at < list.len() {
        let end = parameter_end(list, at);
        let parameter = &mut list[at..end];
        match parameter.iter().position(|&byte| byte == b'=') {
            Some(equals) => {
                let (name, value) = parameter.split_at_mut(equals);
                let name = name.trim_ascii();
                if PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) {
                    uri::passwords(value);
                } else {
                    mask(value);
                }
            }
            None => mask(parameter),
        }
        at = end + 1;
    }
}

/// The comma that ends the parameter at `from`, or the end of the list. Commas in quotes are skipped.
fn parameter_end(list: &[u8], from: usize) -> usize {
    let (mut quoted, mut at) = (false, from);
    while at < list.len() {
        match list[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
        at += 1;
    }
    list.len()
}

/// The length of the head with the empty line after it. Only CRLF ends a line, as in the core.
fn head_length(data: &[u8]) -> usize {
    data.windows(4).position(|four| four == b"\r\n\r\n").map_or(data.len(), |end| end + 4)
}

/// The start line and the rows, each with its continuations (RFC 3261 §7.3.1) and without its line end.
fn lines(head: &[u8]) -> Vec<Range<usize>> {
    let (mut lines, mut at): (Vec<Range<usize>>, _) = (Vec::new(), 0);
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let end = at + line.len();
        match lines.last_mut() {
            Some(last) if lines_continue(line) && last.start > 0 => last.end = end,
            _ => lines.push(at..end),
        }
        at = end;
    }
    lines
}

fn lines_continue(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let data = Bytes::copy_from_slice(text.as_bytes());
        let once = message(&data);
        assert_eq!(once.len(), data.len());
        assert_eq!(message(&once), once, "twice is once");
        String::from_utf8(once.to_vec()).expect("still text")
    }

    #[test]
    fn credentials_are_hidden_in_every_spelling() {
        for (row, expected) in [
            (
                "Authorization: Digest username=\"al,ice\", response=\"ab12\", nonce=n, cnonce=\"c0\",qop=auth, nc=00000001",
                "Authorization: Digest username=\"al,ice\", response=\"xxxx\", nonce=n, cnonce=\"xx\",qop=auth, nc=00000001",
            ),
            (
                "PROXY-AUTHORIZATION :\r\n digest response\r\n =\r\n\t\"ab\\\"12\",\r\n uri=\"sip:a:b@c\"",
                "PROXY-AUTHORIZATION :\r\n digest response\r\n =\r\n\t\"xx\\\"xx\",\r\n uri=\"sip:a:x@c\"",
            ),
            ("Authorization: Bearer abc.def-~+/", "Authorization: Bearer xxxxxxxxxxx"),
            ("Authorization: Basic", "Authorization: xxxxx"),
            (
                "Authentication-Info: nextnonce=\"n\", rspauth=\"12ab\"",
                "Authentication-Info: nextnonce=\"n\", rspauth=\"xxxx\"",
            ),
            (
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", ik=\"0a\"",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", ik=\"xx\"",
            ),
            ("X-Api-Key: t0ken; a=\"b c\"", "X-Api-Key: xxxxx; x=\"x x\""),
            ("s: my PIN is 1234", "s: xx xxx xx xxxx"),
            ("m: <sip:bob:pw@h:5060>", "m: <sip:bob:xx@h:5060>"),
            ("no colon s3cret", "xx xxxxx xxxxxx"),
        ] {
            let head = "INVITE sip:bob:pw@h SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n";
            let text = redacted(&format!("{head}{row}\r\nMax-Forwards: 70\r\n\r\n"));
            let head = head.replace(":pw@", ":xx@");
            assert_eq!(text, format!("{head}{expected}\r\nMax-Forwards: 70\r\n\r\n"));
        }
    }

    #[test]
    fn malformed_messages_are_redacted() {
        assert_eq!(
            redacted("\r\nREGISTER x SIP/2.0\nauthorization: Digest response=ab\n\nbody s3cret"),
            "\r\nREGISTER x SIP/2.0\nauthorization: Digest response=xx\n\nxxxx xxxxxx"
        );
        assert_eq!(redacted("\r\n\r\n"), "\r\n\r\n");
        assert_eq!(redacted(""), "");
        let binary = Bytes::from_static(b"\xff\xfe\n\0pass\xff: word\n");
        assert_eq!(message(&binary), &b"\xff\xfe\n\0pass\xff: xxxx\n"[..]);
    }
}
