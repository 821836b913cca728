//! The Session-Expires that the application gives to an INVITE (RFC 4028).

use bytes::Bytes;
use offhook_wire::HeaderName;

type Headers = Vec<(Bytes, Bytes)>;

/// The number of seconds in the `Session-Expires`, if there is one.
pub(super) fn requested(headers: &Headers) -> Option<u32> {
    let value =
        headers.iter().find(|(name, _)| is(name, HeaderName::SessionExpires)).map(|(_, value)| value)?;
    seconds(value).0.parse().ok()
}

/// Raises `Session-Expires` and `Min-SE` to at least `least` seconds, after a 422 (RFC 4028 §7.3).
pub(super) fn raise(headers: &mut Headers, least: u32) {
    headers.retain(|(name, _)| !is(name, HeaderName::MinSe));
    for (_, value) in headers.iter_mut().filter(|(name, _)| is(name, HeaderName::SessionExpires)) {
        let (number, params) = seconds(value);
        let raised = number.parse().unwrap_or(0).max(least);
        *value = format!("{raised}{params}").into();
    }
    headers.push((Bytes::from_static(b"Min-SE"), least.to_string().into()));
}

fn is(name: &Bytes, known: HeaderName) -> bool {
    HeaderName::from_bytes(name) == known
}

/// The number, and the parameters after it.
fn seconds(value: &Bytes) -> (&str, &str) {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let (number, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    (number.trim(), params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(rows: &[(&str, &str)]) -> Headers {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        rows.iter().map(|(name, value)| (bytes(name), bytes(value))).collect()
    }

    #[test]
    fn a_session_interval_is_raised_to_the_minimum() {
        let mut rows = headers(&[("X-A", "1"), ("session-expires", "90;refresher=uac"), ("min-se", "90")]);
        assert_eq!(requested(&rows), Some(90));
        raise(&mut rows, 1800);
        assert_eq!(
            rows,
            headers(&[("X-A", "1"), ("session-expires", "1800;refresher=uac"), ("Min-SE", "1800")])
        );
        assert_eq!(requested(&headers(&[("x", "600")])), Some(600));
        assert_eq!(requested(&headers(&[("Session-Expires", "soon")])), None);
        assert_eq!(requested(&headers(&[])), None);
    }
}
