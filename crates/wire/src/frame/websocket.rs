//! One WebSocket message, one SIP message (RFC 7118 §5).

use super::unit::{Frame, keep_alive};
use crate::message::{Head, parse_head};
use crate::{Fault, FaultKind, Limits, Message};
use bytes::Bytes;

/// Reads a WebSocket message, text or binary. Content-Length may be missing; when it is there it must be
/// exactly the length of the rest, because the frame delimits the message.
pub fn websocket(data: Bytes, limits: &Limits) -> Frame {
    if let Some(keep_alive) = keep_alive(&data) {
        return Frame::KeepAlive(keep_alive);
    }
    match read(&data, limits) {
        Ok((head, length)) => Frame::Message(Message::assemble(data, head, length)),
        Err(fault) => Frame::Faulty { fault, data },
    }
}

fn read(data: &[u8], limits: &Limits) -> Result<(Head, usize), Fault> {
    let head = parse_head(data, limits)?;
    let length = head.datagram_length(data.len())?;
    if length < data.len() { Err(FaultKind::BodyOverrun.at(length)) } else { Ok((head, length)) }
}
