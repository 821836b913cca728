//! One datagram, one message (RFC 3261 §18.3).

use super::unit::{Frame, keep_alive};
use crate::message::{Head, parse_head};
use crate::{Fault, Limits, Message};
use bytes::Bytes;

/// Reads a datagram. Without Content-Length the body is the rest; bytes after the body are dropped.
pub fn datagram(data: Bytes, limits: &Limits) -> Frame {
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
    Ok((head, length))
}
