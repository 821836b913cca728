//! Digest access authentication for SIP (RFC 3261 §22, RFC 7616, RFC 8760), client and server.
//!
//! - A client reads each challenge row into a [`Challenge`], picks one with [`strongest`] and lets its
//!   [`Responder`] write the credentials; later requests reuse them with the next nonce count.
//! - A server has one [`server::Authority`]: its nonces contain their time and a MAC, so a flood of unauthenticated requests costs
//!   no memory.
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
//! let challenge = strongest(challenges.filter(|c| password.serves(c.algorithm))).expect("a supported challenge");
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
//! No error, `Debug` or `Display` shows a password, a hash of one or a response, and no error contains text of a peer.

mod challenge;
mod credentials;
mod error;
mod hash;
mod nonce;
mod param;
mod qop;
mod responder;
mod response;
mod secret;
pub mod server;
#[cfg(test)]
mod vectors;

pub use challenge::{Challenge, Qops, strongest};
pub use credentials::Credentials;
pub use error::{DigestError, MAX_PARAMETERS, MAX_VALUE};
pub use hash::Algorithm;
pub use param::Quoted;
pub use qop::Qop;
pub use responder::{Responder, ResponderSnapshot};
pub use secret::{Password, Secret};
