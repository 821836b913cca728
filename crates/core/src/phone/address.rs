//! Addresses and header fields of commands, validated for messages.

use crate::Misuse;
use crate::base::bounds;
use bytes::Bytes;
use offhook_wire::{HeaderName, Scheme, Uri, is_token};

/// The Request-URI for `to`: `to` itself if it is a SIP or tel URI, else that user in the account's domain.
///
/// # Errors
/// [`Misuse::BadAddress`].
pub(crate) fn target(to: &str, aor: &str) -> Result<Bytes, Misuse> {
    let to = to.trim();
    let printable =
        !to.is_empty() && to.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"'));
    if !printable {
        return Err(Misuse::BadAddress);
    }
    let scheme = to.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    if let Some("sip" | "sips" | "tel") = scheme.as_deref() {
        let uri = Uri::parse(to.as_bytes()).map_err(|_| Misuse::BadAddress)?;
        // A URI with headers would make the INVITE carry them (RFC 3261 §19.1.5).
        let plain = uri.headers().next().is_none() && !matches!(uri.scheme, Scheme::Other(_));
        return if plain { Ok(Bytes::copy_from_slice(to.as_bytes())) } else { Err(Misuse::BadAddress) };
    }
    let domain = Uri::parse(aor.as_bytes()).map_err(|_| Misuse::BadAddress)?;
    let (user, at_domain) = match to.split_once('@') {
        Some((user, host)) => (user, host.as_bytes()),
        None => (to, domain.host),
    };
    let mut uri = b"sip:".to_vec();
    offhook_wire::escape_user(user.as_bytes(), &mut uri);
    uri.push(b'@');
    uri.extend_from_slice(at_domain);
    if let (Some(port), false) = (domain.port, to.contains('@')) {
        uri.extend_from_slice(format!(":{port}").as_bytes());
    }
    let plain = Uri::parse(&uri).is_ok_and(|uri| uri.headers().next().is_none());
    if plain { Ok(uri.into()) } else { Err(Misuse::BadAddress) }
}

/// Checks a header field for an INVITE: its name is a token and not one that the phone writes itself, and its value has no
/// control character.
///
/// # Errors
/// [`Misuse::BadHeader`].
pub(crate) fn check_header(name: &str, value: &str) -> Result<(), Misuse> {
    let good_name = is_token(name.as_bytes());
    let good_value = value.bytes().all(|b| b == b'\t' || b >= 0x20 && b != 0x7f);
    let own = matches!(
        HeaderName::from_bytes(name.as_bytes()),
        HeaderName::Via
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq
            | HeaderName::Contact
            | HeaderName::MaxForwards
            | HeaderName::ContentLength
            | HeaderName::ContentType
            | HeaderName::ContentEncoding
            | HeaderName::Route
            | HeaderName::RecordRoute
            | HeaderName::Authorization
            | HeaderName::ProxyAuthorization
            | HeaderName::Require
            | HeaderName::ProxyRequire
            | HeaderName::Allow
            | HeaderName::UserAgent
    );
    if good_name && good_value && !own { Ok(()) } else { Err(Misuse::BadHeader) }
}

/// Checks the header fields of a command, and copies them.
///
/// # Errors
/// [`Misuse::BadHeader`].
pub(crate) fn checked_headers(headers: &[(String, String)]) -> Result<Vec<(Bytes, Bytes)>, Misuse> {
    let copy = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let checked =
        |(name, value): &(String, String)| check_header(name, value).map(|()| (copy(name), copy(value)));
    headers.iter().map(checked).collect()
}

/// Checks the body of a MESSAGE or INFO: its type has the form of a media type, and its length is at most 16 KiB.
///
/// # Errors
/// [`Misuse::BadHeader`], [`Misuse::TooLong`].
pub(crate) fn check_body(content_type: &str, body: &[u8]) -> Result<(), Misuse> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = media_type.split_once('/').ok_or(Misuse::BadHeader)?;
    let printable = content_type.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if !is_token(kind.as_bytes()) || !is_token(subtype.as_bytes()) || !printable {
        return Err(Misuse::BadHeader);
    }
    if body.len() > bounds::BODY {
        return Err(Misuse::TooLong(bounds::BODY));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(to: &str) -> Result<String, Misuse> {
        target(to, "sip:alice@example.com:5070").map(|uri| String::from_utf8(uri.to_vec()).expect("ASCII"))
    }

    #[test]
    fn users_numbers_and_uris_become_request_uris() {
        assert_eq!(dialled("200").as_deref(), Ok("sip:200@example.com:5070"));
        assert_eq!(dialled(" bob ").as_deref(), Ok("sip:bob@example.com:5070"));
        assert_eq!(dialled("+44#1").as_deref(), Ok("sip:+44%231@example.com:5070"));
        assert_eq!(dialled("bob@other.example").as_deref(), Ok("sip:bob@other.example"));
        assert_eq!(
            dialled("sip:bob@[::1]:5060;transport=udp").as_deref(),
            Ok("sip:bob@[::1]:5060;transport=udp")
        );
        assert_eq!(dialled("tel:+15551234").as_deref(), Ok("tel:+15551234"));
    }

    #[test]
    fn a_malformed_address_is_refused() {
        for to in [
            "",
            " ",
            "bo b",
            "sip:",
            "sip:bob@h?Replaces=x",
            "a\r\nb",
            "sip:a@b>;x",
            "\"x\"",
            "bob@",
            "bob@h?Replaces=x",
        ] {
            assert_eq!(dialled(to), Err(Misuse::BadAddress), "{to:?}");
        }
    }

    #[test]
    fn a_header_injection_is_refused() {
        assert_eq!(check_header("X-Tenant", "42; a=\"b\""), Ok(()));
        for (name, value) in [
            ("X-A", "b\r\nVia: evil"),
            ("X-A", "b\nc"),
            ("X-A", "\0"),
            ("X A", "b"),
            ("X-A:", "b"),
            ("", "b"),
            ("Via", "x"),
            ("v", "x"),
            ("Content-Length", "0"),
            ("l", "0"),
        ] {
            assert_eq!(check_header(name, value), Err(Misuse::BadHeader), "{name:?}: {value:?}");
        }
    }
}
