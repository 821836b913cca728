//! Session descriptions (RFC 8866) and the negotiation of directions (RFC 3264).
//!
//! The model is that of [`sdp_types`]; [`parse()`] and [`write()`] convert between it and bytes. An [`Outline`] has only the
//! media, their direction and telephone-event, and allocates nothing.

mod direction;
mod error;
mod outline;
mod parse;
mod write;

pub use direction::{Direction, direction};
pub use error::{MAX_LINES, MAX_MEDIA, MAX_TEXT, SdpError, SdpFault};
pub use outline::{MediaOutline, MediaOutlines, Outline};
pub use parse::parse;
pub use sdp_types as types;
pub use write::write;
