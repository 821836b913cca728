//! Digest access authentication for SIP (RFC 3261 §22, RFC 7616, RFC 8760), both ends.
//!
//! - A client reads each challenge row into a [`Challenge`], picks one with [`strongest`] and lets its
//!   [`Responder`] write the credentials; later requests reuse them with the next nonce count.
//! - A server keeps one [`server::Authority`]: its nonces carry their own time and proof of origin, so a
//!   flood of unauthenticated requests costs no memory.
//!
//! ```
//! use offhook_wire::digest::server::{Authority, Verdict};
//! use offhook_wire::digest::{Challenge, Credentials, Password, Responder, strongest};
//! use offhook_wire::{Instant, Method};
//!
//! let now = Instant::ZERO;
//! let mut authority = Authority::new("example.org", [7; 32])?;
//! let rows = authority.challenge(now, false, 42); // a WWW-Authenticate each
//!
//! let password = Password::plain("secret");
//! let challenges = rows.iter().filter_map(|row| Challenge::parse(row.as_bytes()).ok());
//! let challenge = strongest(challenges.filter(|c| password.serves(c.algorithm))).expect("one of them is known");
//! let mut responder = Responder::new();
//! let uri = b"sip:example.org";
//! let row = responder.answer(&challenge, "alice", &password, Method::Register, uri, b"", "c0ffee")?; // Authorization
//!
//! let credentials = Credentials::parse(row.as_bytes())?;
//! assert_eq!(credentials.username.value(), &b"alice"[..]);
//! let verdict = authority.verify(now, &credentials, &password, Method::Register, uri, b"");
//! assert_eq!(verdict, Verdict::Good);
//! # Ok::<(), offhook_wire::digest::DigestError>(())
//! ```
//!
//! The module is pure: cnonces and nonce entropy are arguments, time is an [`Instant`](crate::Instant).
//! No error, `Debug` or `Display` shows a password, a hash of one or a response, and no error shows what a peer sent.

mod challenge;
mod credentials;
mod hash;
mod nonce;
mod param;
mod responder;
mod response;
mod secret;
pub mod server;
#[cfg(test)]
mod vectors;

pub use challenge::{Challenge, Qops, strongest};
pub use credentials::Credentials;
pub use hash::Algorithm;
pub use param::Quoted;
pub use responder::{Responder, ResponderSnapshot};
pub use secret::{Password, Secret};

/// The longest value of an authentication header that is read, in octets. The longest seen in the field
/// (Kerberos-like nonces of some IMS cores) stay below 1 kB.
pub const MAX_VALUE: usize = 4096;

/// The most parameters that one authentication header may carry; RFC 7616 defines 13.
pub const MAX_PARAMETERS: usize = 32;

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

    fn from_bytes(token: &[u8]) -> Option<Qop> {
        if token.eq_ignore_ascii_case(b"auth") {
            Some(Qop::Auth)
        } else if token.eq_ignore_ascii_case(b"auth-int") {
            Some(Qop::AuthInt)
        } else {
            None
        }
    }
}

/// Why a challenge or credentials cannot be used. Carries no text of the peer's and no secret.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The scheme is not `Digest`. `Basic` is forbidden in SIP (RFC 3261 §22).
    #[error("the authentication scheme is not Digest")]
    Scheme,
    /// Longer than [`MAX_VALUE`] or more than [`MAX_PARAMETERS`] parameters.
    #[error("the authentication header is longer than the limit")]
    TooLong,
    /// Not a comma-separated list of `name=value` at this offset.
    #[error("unreadable authentication parameter at offset {0}")]
    Syntax(u32),
    /// This mandatory parameter is missing.
    #[error("the authentication header lacks {0}")]
    Missing(&'static str),
    /// This parameter occurs twice, so that two readers could see different values.
    #[error("the authentication header has {0} twice")]
    Duplicate(&'static str),
    /// This parameter has a value that its grammar does not allow.
    #[error("the authentication header has an invalid {0}")]
    Invalid(&'static str),
    /// The algorithm is none of those of RFC 7616 and RFC 8760. Another challenge may do.
    #[error("unknown digest algorithm")]
    Algorithm,
    /// Every offered quality of protection is unknown. Another challenge may do.
    #[error("unknown quality of protection")]
    Qop,
    /// The password is stored as a hash for another algorithm than the challenge asks for.
    #[error("the stored password hash is for another algorithm")]
    Stored,
    /// This value of our own cannot stand in a header: a control character, or not UTF-8.
    #[error("the {0} contains characters that a header cannot carry")]
    Unwritable(&'static str),
}
