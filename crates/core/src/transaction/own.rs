use bytes::Bytes;
use offhook_wire::{Limits, Message};

/// Parses a message that we wrote ourselves, without the limits for messages of the network.
pub(crate) fn parse_own(message: &Bytes) -> Option<Message> {
    let limits = Limits { message: usize::MAX, head: usize::MAX, headers: usize::MAX };
    Message::parse(message.clone(), &limits).ok()
}
