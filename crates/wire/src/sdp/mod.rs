//! Session descriptions (RFC 8866) and the algebra of directions (RFC 3264).
//!
//! The model is that of [`sdp_types`]; [`parse()`] and [`write()`] go between it and bytes. Who only has to know what a
//! description decides (is there audio, in which direction, with digits?) reads an [`Outline`], which allocates nothing.

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
