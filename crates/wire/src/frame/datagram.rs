//! One datagram, one message (RFC 3261 §18.3).

use super::{Frame, keep_alive};
use crate::{Limits, Message};
use bytes::Bytes;

/// Reads a datagram. Without Content-Length the body is the rest; bytes after the body are dropped.
pub fn datagram(data: Bytes, limits: &Limits) -> Frame {
    if let Some(keep_alive) = keep_alive(&data) {
        return Frame::KeepAlive(keep_alive);
    }
    match Message::parse(data.clone(), limits) {
        Ok(message) => Frame::Message(message),
        Err(fault) => Frame::Faulty { fault, data },
    }
}
