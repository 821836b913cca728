//! WebSocket framing (RFC 6455), by the library that the phone's own runtime uses.
//!
//! Frames are written with masks that are drawn from the keyed entropy of the world. The reader, which draws its own, answers
//! pings and closes into nothing: those answers are written here, too.

use std::io::{self, ErrorKind, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use offhook_wire::Limits;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use crate::hash::Draw;
use crate::scenario::Streaming;

/// Room for headers, beside what they stand before.
const ROOM: usize = 32;

/// Writes the frames of one end.
pub(super) struct Writer<'a> {
    masks: bool,
    draw: &'a mut Draw,
    /// What was written.
    pub(super) out: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A client masks what it sends (RFC 6455 §5.3). Masks and the shapes of messages are drawn.
    pub(super) fn new(is_client: bool, draw: &'a mut Draw, room: usize) -> Self {
        Self { masks: is_client, draw, out: Vec::with_capacity(room + ROOM) }
    }

    /// A message, whole or in fragments (§5.4), as text if it is text, and as the way likes it.
    pub(super) fn message(&mut self, data: &Bytes, ways: &Streaming) {
        let is_text = !self.draw.chance(ways.binary) && std::str::from_utf8(data).is_ok();
        let mut opcode = OpCode::Data(if is_text { Data::Text } else { Data::Binary });
        let fragments = if self.draw.chance(ways.fragment) { self.draw.between(2, 4) } else { 1 };
        let mut rest = data.clone();
        for left in (0..fragments).rev() {
            // A control frame may come between the fragments of a message. Only servers ask.
            if !self.masks && self.draw.chance(ways.ping) {
                self.ping();
            }
            let length = if left == 0 { rest.len() } else { self.draw.below(rest.len() as u64) as usize };
            let part = rest.split_to(length);
            self.frame(Frame::message(part, opcode, left == 0));
            opcode = OpCode::Data(Data::Continue);
        }
    }

    fn ping(&mut self) {
        self.frame(Frame::ping(Bytes::from_static(b"there?")));
    }

    pub(super) fn pong(&mut self, data: Bytes) {
        self.frame(Frame::pong(data));
    }

    /// A close frame: with a code, or without a word (§5.5.1).
    pub(super) fn close(&mut self, code: Option<u16>) {
        let reason = code.map(|code| CloseFrame { code: CloseCode::from(code), reason: "".into() });
        self.frame(Frame::close(reason));
    }

    fn frame(&mut self, mut frame: Frame) {
        if self.masks {
            frame.header_mut().mask = Some((self.draw.word() as u32).to_le_bytes());
        }
        frame.format(&mut self.out).expect("a vector takes all that is written to it");
    }
}

/// Reads the frames that the other end wrote, however they were cut.
pub(super) struct Reader {
    context: WebSocketContext,
    arrived: Arrived,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A whole message.
    Message(Bytes),
    /// A ping, to be answered with the same bytes.
    Ping(Bytes),
    /// The other end closes.
    Close(Option<u16>),
    /// No WebSocket any more, or a message above the limit: the host of this end gives up.
    Invalid,
}

impl Reader {
    /// With the limits of the phone's own runtime.
    pub(super) fn new(role: Role) -> Self {
        let limit = Some(Limits::DEFAULT.message);
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(limit);
        Self { context: WebSocketContext::new(role, Some(config)), arrived: Arrived(BytesMut::new()) }
    }

    /// Takes what arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.arrived.0.extend_from_slice(bytes);
    }

    /// What can be read of it.
    pub(super) fn next(&mut self) -> Option<Received> {
        loop {
            return match self.context.read(&mut self.arrived) {
                Ok(Message::Text(text)) => Some(Received::Message(text.into())),
                Ok(Message::Binary(data)) => Some(Received::Message(data)),
                Ok(Message::Ping(data)) => Some(Received::Ping(data)),
                Ok(Message::Pong(_) | Message::Frame(_)) => continue,
                Ok(Message::Close(frame)) => Some(Received::Close(frame.map(|frame| frame.code.into()))),
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => None,
                // It read the close already.
                Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => None,
                Err(_) => Some(Received::Invalid),
            };
        }
    }
}

/// Bytes that arrived and were not read yet. What is written is dropped: see the head of this file.
struct Arrived(BytesMut);

impl Read for Arrived {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = self.0.len().min(room.len());
        self.0.copy_to_slice(&mut room[..length]);
        Ok(length)
    }
}

impl Write for Arrived {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
