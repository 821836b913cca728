//! Passwords in URIs: `sip:alice:secret@example.com` (RFC 3261 §19.1.1 discourages them, and they exist).

use super::mask::mask;

/// Hides the password of each SIP URI in `bytes`.
pub(super) fn passwords(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = scheme_end(bytes, at) {
        at = found;
        let end = user_end(bytes, at);
        if bytes.get(end) == Some(&b'@')
            && let Some(colon) = bytes[at..end].iter().position(|&byte| byte == b':')
        {
            mask(&mut bytes[at + colon + 1..end]);
            at = end;
        }
    }
}

/// The same for a text.
pub(super) fn in_text(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    passwords(&mut bytes);
    String::from_utf8(bytes).unwrap_or_else(|_| text.chars().map(|_| 'x').collect())
}

/// Where the next `sip:` or `sips:` ends.
fn scheme_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let place = rest
        .windows(4)
        .position(|four| four.eq_ignore_ascii_case(b"sip:") || four.eq_ignore_ascii_case(b"ips:"))?;
    Some(from + place + 4)
}

/// Where the user part that starts at `from` ends: at its `@`, or where the URI is over without one. A comma may stand in
/// a user part, but not before another address.
fn user_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'@' | b'<' | b'>' | b'"' | 0..=b' ' => return at,
            b',' if starts_address(&bytes[at + 1..]) => return at,
            _ => at += 1,
        }
    }
    at
}

fn starts_address(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    matches!(rest.first(), Some(b'<' | b'"')) || rest.get(..3).is_some_and(|s| s.eq_ignore_ascii_case(b"sip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_go_and_ports_stay() {
        for (text, redacted) in [
            ("sip:alice:s3cr3t@example.com:5070", "sip:alice:xxxxxx@example.com:5070"),
            ("<SIPS:a:b:c@h>;tag=1", "<SIPS:a:x:x@h>;tag=1"),
            ("sip:host:5060, <sip:bob:p,w@h>", "sip:host:5060, <sip:bob:x,x@h>"),
            ("sip:host:5060,sip:bob@h", "sip:host:5060,sip:bob@h"),
            ("sip:bob@h;x=sip:c:pw@d", "sip:bob@h;x=sip:c:xx@d"),
            ("sip:[::1]:5060", "sip:[::1]:5060"),
            ("sip:\u{e4}:p\u{e4}@h", "sip:\u{e4}:xxx@h"),
            ("bob", "bob"),
            ("sip:", "sip:"),
        ] {
            assert_eq!(in_text(text), redacted);
            assert_eq!(in_text(redacted), redacted, "twice is once");
        }
    }
}
