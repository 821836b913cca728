//! Quality of protection.

/// Quality of protection: what the response covers (RFC 7616 §3.4.3).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// `auth`: method and URI.
    Auth,
    /// `auth-int`: method, URI and body.
    AuthInt,
}

impl Qop {
    /// The token on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }

    pub(super) fn from_bytes(token: &[u8]) -> Option<Qop> {
        if token.eq_ignore_ascii_case(b"auth") {
            Some(Qop::Auth)
        } else if token.eq_ignore_ascii_case(b"auth-int") {
            Some(Qop::AuthInt)
        } else {
            None
        }
    }
}
