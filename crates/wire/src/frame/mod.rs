//! Framing: from the bytes of transports to messages.

mod datagram;
mod stream;
mod unit;
mod websocket;

pub use datagram::datagram;
pub use stream::{FrameError, StreamFramer};
pub use unit::{Frame, KeepAlive};
pub use websocket::websocket;

#[cfg(test)]
mod tests;
