//! The torture messages of RFC 4475 and RFC 5118 through a whole exchange.
//!
//! `docs/rfc4475.md` and `docs/rfc5118.md` list the responses and are compared with the actual ones; with
//! `OFFHOOK_WRITE_DOCS` set they are written.

#![allow(clippy::disallowed_methods, reason = "a test may read its messages from files and write its page")]

mod bench;
mod case;
mod details;
mod drive;
mod page;
mod quotes;
mod rfc4475;
mod rfc5118;
