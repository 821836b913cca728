//! A look at the messages as they pass.

use bytes::Bytes;
use offhook::{FlowId, Instant};
use std::fmt;
use std::sync::Arc;

/// Called with every message that a phone sends or receives, from the phone's own task: it must not block.
#[derive(Clone)]
pub struct Tap(Arc<dyn Fn(Tapped) + Send + Sync>);

/// One SIP message, or keep-alive, on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tapped {
    /// When, by the phone's clock.
    pub at: Instant,
    /// Sent by this phone; else received by it.
    pub sent: bool,
    /// The connection.
    pub flow: FlowId,
    /// The bytes, credentials included.
    pub data: Bytes,
}

impl Tap {
    /// A tap that hands everything to `look`.
    pub fn new(look: impl Fn(Tapped) + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }

    pub(crate) fn show(&self, tapped: Tapped) {
        (self.0)(tapped);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
