//! WebSocket framing (RFC 6455), with the library of the real runtime.
//!
//! Frames are written with masks from the seed of the world. The reader draws its own masks, so its answers to pings and closes are
//! discarded and written here instead.

use std::io::{self, ErrorKind, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use offhook_wire::Limits;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use crate::hash::Draw;
use crate::scenario::Streaming;

/// Room for frame headers.
const ROOM: usize = 32;

/// Writes the frames of one end.
pub(super) struct Writer<'a> {
    masks: bool,
    draw: &'a mut Draw,
    /// The written bytes.
    pub(super) out: Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A client masks its frames (RFC 6455 §5.3). Masks and framing are drawn.
    pub(super) fn new(is_client: bool, draw: &'a mut Draw, room: usize) -> Self {
        Self { masks: is_client, draw, out: Vec::with_capacity(room + ROOM) }
    }

    /// Writes a message, whole or in fragments (§5.4), as text or binary.
    pub(super) fn message(&mut self, data: &Bytes, ways: &Streaming) {
        let is_text = !self.draw.chance(ways.binary) && std::str::from_utf8(data).is_ok();
        let mut opcode = OpCode::Data(if is_text { Data::Text } else { Data::Binary });
        let fragments = if self.draw.chance(ways.fragment) { self.draw.between(2, 4) } else { 1 };
        let mut rest = data.clone();
        for left in (0..fragments).rev() {
            // A control frame may come between the fragments of a message. Only servers send pings.
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

    /// Writes a close frame, with or without a code (§5.5.1).
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

/// Reads frames from bytes in any segmentation.
pub(super) struct Reader {
    context: WebSocketContext,
    arrived: Arrived,
}

/// A received frame or message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A complete message.
    Message(Bytes),
    /// A ping, to be answered with the same payload.
    Ping(Bytes),
    /// A close frame.
    Close(Option<u16>),
    /// A protocol error, or a message above the limit: this end closes the connection.
    Invalid,
}

impl Reader {
    /// A reader with the limits of the real runtime.
    pub(super) fn new(role: Role) -> Self {
        let limit = Some(Limits::DEFAULT.message);
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_message_size(limit)
            .max_frame_size(limit);
        Self { context: WebSocketContext::new(role, Some(config)), arrived: Arrived(BytesMut::new()) }
    }

    /// Adds received bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.arrived.0.extend_from_slice(bytes);
    }

    /// The next complete frame or message.
    pub(super) fn next(&mut self) -> Option<Received> {
        loop {
            return match self.context.read(&mut self.arrived) {
                Ok(Message::Text(text)) => Some(Received::Message(text.into())),
                Ok(Message::Binary(data)) => Some(Received::Message(data)),
                Ok(Message::Ping(data)) => Some(Received::Ping(data)),
                Ok(Message::Pong(_) | Message::Frame(_)) => continue,
                Ok(Message::Close(frame)) => Some(Received::Close(frame.map(|frame| frame.code.into()))),
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => None,
                // The close frame was already read.
                Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed) => None,
                Err(_) => Some(Received::Invalid),
            };
        }
    }
}

/// Received bytes that are not read yet. Written bytes are discarded, see above.
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
