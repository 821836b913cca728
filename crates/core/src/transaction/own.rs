use bytes::Bytes;
use offhook_wire::{Limits, Message};

/// Reads a message that we wrote ourselves, without the bounds that are for strangers.
pub(crate) fn parse_own(message: &Bytes) -> Option<Message> {
    let limits = Limits { message: usize::MAX, head: usize::MAX, headers: usize::MAX };
    Message::parse(message.clone(), &limits).ok()
}
