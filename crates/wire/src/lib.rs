//! SIP on the wire: framing, zero-copy messages, typed headers, URIs, and the writers for all of them.
//!
//! Everything here is a pure function of bytes. Nothing allocates where a range would do, nothing
//! demands UTF-8 of a header, and nothing that arrives from a network can make it panic, loop or grow
//! without bound.
//!
//! Faults come in three layers, so that a user agent can answer instead of dropping:
//!
//! 1. framing and structure, [`Message::parse`] and the framers: a [`Fault`];
//! 2. one header, when it is read: a [`HeaderError`];
//! 3. the meaning of the whole, [`Message::check`]: a [`Fault`] again.
//!
//! ```
//! use bytes::Bytes;
//! use offhook_wire::{Builder, Limits, Message, Method};
//!
//! let data = Bytes::from_static(
//!     b"OPTIONS sip:bob@example.com SIP/2.0\r\n\
//!       Via: SIP/2.0/WSS client.invalid;branch=z9hG4bK1\r\n\
//!       f: \"Alice; tag=no\" <sip:alice@example.com>;tag=yes\r\n\
//!       t: <sip:bob@example.com>\r\ni: 1234\r\nCSeq: 7 OPTIONS\r\n\r\n",
//! );
//! let mut request = Message::parse(data, &Limits::default())?;
//! request.check()?;
//! assert_eq!(request.method(), Some(Method::Options));
//! assert_eq!(request.from()?.tag(), Some(&b"yes"[..]));
//!
//! let reply = Message::parse(Builder::reply(&request, 200, "OK", Some(b"9")).finish(), &Limits::default())?;
//! assert_eq!((reply.status(), reply.to()?.tag()), (Some(200), Some(&b"9"[..])));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
pub mod digest;
mod edit;
mod fault;
mod frame;
mod headers;
mod limits;
mod message;
mod method;
mod name;
mod phrase;
// The tests of the conversions run without the feature: rsip is a dev-dependency.
#[cfg(any(test, feature = "rsip"))]
mod rsip;
mod scan;
pub mod sdp;
mod time;
mod uri;

pub use build::{Builder, Injection, quote_display_name};
pub use edit::Editor;
pub use fault::{Fault, FaultKind};
pub use frame::{Frame, FrameError, KeepAlive, StreamFramer, datagram, websocket};
pub use headers::{
    Addresses, CSeq, Contact, Contacts, Event, HeaderError, NameAddr, Params, Reason, Replaces,
    SubscriptionState, SyntaxKind, ValueError, Via, Vias, unquote,
};
pub use limits::Limits;
pub use message::{Message, Row, Rows, Values};
pub use method::Method;
pub use name::HeaderName;
pub use phrase::reason_phrase;
#[cfg(feature = "rsip")]
pub use rsip::RsipError;
pub use scan::is_token;
pub use time::Instant;
pub use uri::{Scheme, Uri, UriError, canonical_host, escape_user, same_host, unescape};
