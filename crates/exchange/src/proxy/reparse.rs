//! Parsing what the proxy itself has written.

use bytes::Bytes;
use offhook_wire::{Limits, Message};

/// Parses a message that the proxy has changed. There are no limits: the message was received within them, and the added rows may
/// exceed them by a little.
pub(super) fn reparse(bytes: Bytes) -> Option<Message> {
    Message::parse(bytes, &Limits { message: usize::MAX, head: usize::MAX, headers: usize::MAX }).ok()
}
