//! The units that transports carry.

use crate::{Fault, Message};
use bytes::Bytes;

/// A unit that was received on a transport.
#[derive(Clone, Debug)]
pub enum Frame {
    /// A message. Its meaning is not checked: see [`Message::check`].
    Message(Message),
    /// A keep-alive.
    KeepAlive(KeepAlive),
    /// Anything else. [`Message::salvage`] may find a request in it that can be answered.
    Faulty {
        /// The fault.
        fault: Fault,
        /// Its bytes, as far as its end is known.
        data: Bytes,
    },
}

/// The two halves of the CRLF keep-alive (RFC 5626 §3.5.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Two CRLF: answer with a [`KeepAlive::Pong`].
    Ping,
    /// One CRLF.
    Pong,
}

impl KeepAlive {
    /// The bytes on the wire.
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Ping => b"\r\n\r\n",
            Self::Pong => b"\r\n",
        }
    }
}

/// A whole datagram or frame that is a keep-alive.
pub(super) fn keep_alive(data: &[u8]) -> Option<KeepAlive> {
    match data {
        b"\r\n\r\n" => Some(KeepAlive::Ping),
        // Some clients send an empty datagram, or blanks, to keep a binding open. They expect no answer.
        _ if data.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0)) && data.len() <= 8 => {
            Some(KeepAlive::Pong)
        }
        _ => None,
    }
}
