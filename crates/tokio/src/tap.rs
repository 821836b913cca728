//! Access to the messages of a phone.

use bytes::Bytes;
use offhook::{ConnectionId, Instant};
use std::fmt;
use std::sync::Arc;

/// A callback for every message that a phone sends or receives. It runs in the phone's task and must not block.
#[derive(Clone)]
pub struct Tap(Arc<dyn Fn(TappedMessage) + Send + Sync>);

/// A SIP message or keep-alive that was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TappedMessage {
    /// The time, by the phone's clock.
    pub at: Instant,
    /// `true` if sent by the phone, `false` if received.
    pub sent: bool,
    /// The connection.
    pub connection: ConnectionId,
    /// The bytes, credentials included.
    pub data: Bytes,
}

impl Tap {
    /// A tap that calls `callback`.
    pub fn new(callback: impl Fn(TappedMessage) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }

    pub(crate) fn message(&self, message: TappedMessage) {
        (self.0)(message);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
