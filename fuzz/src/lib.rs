//! The bodies of the fuzz targets.
//!
//! They are here and not in the targets, so that the committed corpora are replayed by an ordinary test on the stable toolchain. A
//! body panics when a property is violated.
//!
//! To fuzz: `cargo +nightly fuzz run --features libfuzzer datagram` (needs `cargo install cargo-fuzz`). An
//! input that found a failure is added to `corpus/TARGET/` with the fix.

mod datagram;
mod digest;
mod exchange;
mod recording;
mod sdp;
mod stream;

pub use datagram::datagram;
pub use digest::digest;
pub use exchange::{Op, Reached, exchange};
pub use recording::recording;
pub use sdp::sdp;
pub use stream::stream_split;
