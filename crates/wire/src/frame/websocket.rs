//! One WebSocket message, one SIP message (RFC 7118 §5).

use super::{Frame, keep_alive};
use crate::message::parse_head;
use crate::{Fault, FaultKind, Limits, Message};
use bytes::Bytes;

/// Reads a WebSocket message, text or binary. Content-Length may be missing; when it is there it must be
/// exactly the length of the rest, for the frame says where the message ends.
pub fn websocket(data: Bytes, limits: &Limits) -> Frame {
    if let Some(keep_alive) = keep_alive(&data) {
        return Frame::KeepAlive(keep_alive);
    }
    match message(&data, limits) {
        Ok(message) => Frame::Message(message),
        Err(fault) => Frame::Faulty { fault, data },
    }
}

fn message(data: &Bytes, limits: &Limits) -> Result<Message, Fault> {
    let head = parse_head(data, limits)?;
    let length = head.datagram_length(data.len())?;
    if length < data.len() {
        return Err(FaultKind::BodyOverrun.at(length));
    }
    Ok(Message::assemble(data.clone(), head, length))
}
