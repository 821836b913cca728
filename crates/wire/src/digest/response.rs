//! The request digest (RFC 7616 §3.4.1–3.4.3).

use super::Algorithm;
use super::hash::{Hasher, Hex};

/// What is protected.
#[derive(Copy, Clone)]
pub(super) struct Protected<'a> {
    pub(super) method: &'a [u8],
    pub(super) uri: &'a [u8],
    pub(super) body: &'a [u8],
}

/// The three values of a response with a quality of protection, as on the wire.
#[derive(Copy, Clone)]
pub(super) struct Count<'a> {
    pub(super) qop: &'a [u8],
    pub(super) nc: &'a [u8],
    pub(super) cnonce: &'a [u8],
}

/// `base` is `H(username ":" realm ":" password)`. Without `count` it is the response of RFC 2069.
pub(super) fn response(
    algorithm: Algorithm,
    base: Hex,
    nonce: &[u8],
    count: Option<Count<'_>>,
    request: Protected<'_>,
) -> Hex {
    let hash = || Hasher::new(algorithm);
    let a1 = match count {
        Some(count) if algorithm.is_session() => {
            hash().part(base.as_bytes()).part(b":").part(nonce).part(b":").part(count.cnonce).finish()
        }
        _ => base,
    };
    let a2 = hash().part(request.method).part(b":").part(request.uri);
    let a2 = match count {
        Some(count) if count.qop.eq_ignore_ascii_case(b"auth-int") => {
            a2.part(b":").part(hash().part(request.body).finish().as_bytes())
        }
        _ => a2,
    };
    let a2 = a2.finish();
    let all = hash().part(a1.as_bytes()).part(b":").part(nonce).part(b":");
    let all = match count {
        Some(count) => all.part(count.nc).part(b":").part(count.cnonce).part(b":").part(count.qop).part(b":"),
        None => all,
    };
    all.part(a2.as_bytes()).finish()
}
