//! What the fuzz targets do with their input.
//!
//! The bodies stand here and not in the targets, so that the committed corpora are replayed by an ordinary
//! test on the stable toolchain. A body panics when a promise is broken; anything else it bears.
//!
//! To fuzz: `cargo +nightly fuzz run --features libfuzzer datagram` (needs `cargo install cargo-fuzz`). An
//! input that broke something goes into `corpus/TARGET/` with the fix.

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
