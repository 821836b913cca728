//! Redacts bodies: the secrets of those that a phone reads, and all of the others.

use super::mask::{mask, masked, with_copy};
use bytes::Bytes;

/// A session description without its keys.
pub(crate) fn sdp(text: &Bytes) -> Bytes {
    with_copy(text, sdp_in_place)
}

/// A body of this type.
pub(crate) fn of_type(content_type: &[u8], body: &Bytes) -> Bytes {
    with_copy(body, |body| in_place(content_type, body))
}

/// `0` for each valid digit, `x` for others.
pub(crate) fn dtmf_digit(digit: char) -> char {
    if is_digit(digit) { '0' } else { 'x' }
}

pub(super) fn in_place(content_type: &[u8], body: &mut [u8]) {
    let kind = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
    if is("application/sdp") {
        sdp_in_place(body);
    } else if is("application/dtmf-relay") || is("application/dtmf") {
        digits(is("application/dtmf-relay"), body);
    } else if body.starts_with(STATUS) {
        // The status code of a SIP fragment (RFC 3420) is the progress of a transfer.
        mask(body.get_mut(STATUS.len() + 3..).unwrap_or_default());
    } else {
        mask(body);
    }
}

const STATUS: &[u8] = b"SIP/2.0 ";

/// SDES keys (RFC 4568), ICE passwords (RFC 8839), MIKEY (RFC 4567), identity assertions, and `k=` of old.
fn sdp_in_place(body: &mut [u8]) {
    for line in body.split_mut(|byte| matches!(byte, b'\r' | b'\n')) {
        let from = match line {
            [] => 0,
            [b'k', b'=', ..] => 2,
            [b'a'..=b'z', b'=', ..] => secret_in(line).unwrap_or(line.len()),
            _ => 0,
        };
        mask(&mut line[from..]);
    }
}

/// The start of the secret in a line. Its name may be anywhere in the line: capability negotiation (RFC 5939) nests attributes.
fn secret_in(line: &[u8]) -> Option<usize> {
    let after = |name: &str| {
        let found = line.windows(name.len()).position(|part| part.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(found + name.len())
    };
    let names = ["crypto:", "inline:", "ice-pwd:", "key-mgmt:", "identity:"];
    names.into_iter().filter_map(after).min()
}

/// Digits in INFO. Lines are split as in the core, so that a digit stays a digit.
fn digits(relay: bool, body: &mut [u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return mask(body) };
    let redacted = if relay {
        text.split_inclusive('\n').map(relay_line).collect()
    } else {
        replaced(text, text.trim(), &signal(text.trim()))
    };
    if redacted.len() == body.len() {
        body.copy_from_slice(redacted.as_bytes());
    } else {
        mask(body);
    }
}

fn relay_line(line: &str) -> String {
    match line.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("signal") => {
            format!("{name}={}", replaced(value, value.trim(), &signal(value.trim())))
        }
        Some((name, _)) if name.trim().eq_ignore_ascii_case("duration") => line.to_owned(),
        _ => masked(line),
    }
}

fn replaced(text: &str, part: &str, by: &str) -> String {
    if part.is_empty() { text.to_owned() } else { text.replacen(part, by, 1) }
}

/// Replaces a digit or the number of an event (10 is `*`, 15 is `D`) by one of the same length, and other text by an invalid one.
fn signal(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.as_str()) {
        (Some(c), "") if is_digit(c.to_ascii_uppercase()) => "0".to_owned(),
        _ if matches!(text.parse(), Ok(10_usize..=15)) => format!("{:0>1$}", 10, text.len()),
        _ => masked(text),
    }
}

fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(kind: &str, body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let once = of_type(kind.as_bytes(), &body);
        assert_eq!((once.len(), &of_type(kind.as_bytes(), &once)), (body.len(), &once));
        String::from_utf8_lossy(&once).into_owned()
    }

    #[test]
    fn descriptions_lose_their_keys() {
        let text = "v=0\r\no=- 1 2 IN IP4 h\r\nk=clear:s3cret\r\nm=audio 1 RTP/SAVP 0\r\na=ice-ufrag:uf\r\n\
                    a=ICE-PWD:s3cret\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:s3cr/+==|2^20\r\n\
                    a=acap:1 ice-pwd:s3cret\r\na=fingerprint:sha-256 AB:CD\r\ns3cret";
        assert_eq!(
            redacted("Application/SDP;x=y", text),
            "v=0\r\no=- 1 2 IN IP4 h\r\nk=xxxxx:xxxxxx\r\nm=audio 1 RTP/SAVP 0\r\na=ice-ufrag:uf\r\n\
             a=ICE-PWD:xxxxxx\na=crypto:x xxxxxxxxxxxxxxxxxxxxxxx xxxxxx:xxxxxx==xxxxx\r\n\
             a=acap:1 ice-pwd:xxxxxx\r\na=fingerprint:sha-256 AB:CD\r\nxxxxxx"
        );
    }

    #[test]
    fn digits_stay_valid_and_other_text_stays_invalid() {
        for (kind, body, expected) in [
            ("application/dtmf-relay", "Signal= 7\r\nDuration=160\r\n", "Signal= 0\r\nDuration=160\r\n"),
            ("APPLICATION/dtmf-relay", "signal=11\nX=12", "signal=10\nx=xx"),
            ("application/dtmf-relay", "Signal=77", "Signal=xx"),
            ("application/dtmf-relay", "Signal=+015\r\n", "Signal=0010\r\n"),
            ("application/dtmf-relay", "7\nSignal=d", "x\nSignal=0"),
            ("application/dtmf", " #\r\n", " 0\r\n"),
            ("application/dtmf", "1234", "xxxx"),
            ("text/plain", "PIN 1234", "xxx xxxx"),
            ("message/sipfrag", "SIP/2.0 200 s3cret\r\nX: y", "SIP/2.0 200 xxxxxx\r\nx: x"),
            ("", "SIP/2.0 1", "SIP/2.0 1"),
        ] {
            assert_eq!(redacted(kind, body), expected);
        }
        assert_eq!(
            of_type(b"application/dtmf-relay", &Bytes::from_static(b"Signal=1\xff")),
            &b"xxxxxx=xx"[..]
        );
        assert_eq!("0*#D5ax".chars().map(dtmf_digit).collect::<String>(), "00000xx");
    }
}
