//! Messages out of a stream of bytes (RFC 3261 §18.3, RFC 5626 §3.5.1).

use super::unit::{Frame, KeepAlive};
use crate::message::salvage::lenient_content_length;
use crate::message::{Head, parse_head};
use crate::{Fault, FaultKind, Limits, Message};
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// The stream cannot be read any further: where the next message starts is unknown. Close it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream lost its framing: {fault}")]
pub struct FrameError {
    /// What went wrong, at an offset from the start of the message where it happened.
    pub fault: Fault,
}

/// Cuts a stream into messages, however it was cut into pieces before.
///
/// After each [`push`](Self::push), call [`next`](Self::next) until it yields nothing. What is kept in
/// between is an unfinished message within the [`Limits`]: a Content-Length above them is refused when its
/// head is read, not when the memory is gone. No byte is scanned twice in the search for the end of a head.
///
/// Between messages every CRLF is reported immediately: the first as [`KeepAlive::Pong`], the one right after
/// it as [`KeepAlive::Ping`]. So a ping is a pong that nobody waits for and then a ping, a ping that was
/// cut in two is still a ping, and no pong has to wait until it is clear what follows it.
#[derive(Debug)]
pub struct StreamFramer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between messages; `half` after a CRLF that a second one makes a ping.
    Between { half: bool },
    /// In a head, whose end is not within the first `scanned` bytes.
    InHead { scanned: usize },
    /// In the body of a message that is whole at `length` bytes. A head that was refused is carried
    /// along: its body has to be skipped.
    InBody { head: Result<Head, Fault>, length: usize },
    /// The end of a message was lost; the error is still to be reported.
    Lost(FrameError),
    /// Everything was reported.
    Dead,
}

impl StreamFramer {
    /// A framer at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), state: State::Between { half: false } }
    }

    /// Adds received bytes. They are ignored after a [`FrameError`].
    pub fn push(&mut self, data: &[u8]) {
        if !matches!(self.state, State::Lost(_) | State::Dead) {
            self.buffer.extend_from_slice(data);
        }
    }

    /// The next frame, or `None` until more bytes arrive.
    ///
    /// # Errors
    ///
    /// A [`FrameError`] when the end of a message is unknown: reported once, after a
    /// [`Frame::Faulty`] with what there is of the message, and nothing follows it.
    #[allow(clippy::should_implement_trait)] // `None` is not the end: more may be pushed.
    pub fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        loop {
            match self.state {
                State::Between { half } => {
                    if self.buffer.starts_with(b"\r\n") {
                        self.buffer.advance(2);
                        self.state = State::Between { half: !half };
                        return Some(Ok(Frame::KeepAlive(if half {
                            KeepAlive::Ping
                        } else {
                            KeepAlive::Pong
                        })));
                    }
                    if matches!(*self.buffer, [] | [b'\r']) {
                        return None;
                    }
                    self.state = State::InHead { scanned: 0 };
                }
                State::InHead { scanned } => {
                    let end = self.find_head_end(scanned)?;
                    if let Err(fault) = end.and_then(|end| self.read_head(end)) {
                        return Some(Ok(self.lose(fault)));
                    }
                }
                State::InBody { length, .. } if self.buffer.len() < length => return None,
                State::InBody { length, .. } => {
                    let data = self.buffer.split_to(length).freeze();
                    return Some(Ok(self.whole(data)));
                }
                State::Lost(error) => {
                    self.state = State::Dead;
                    return Some(Err(error));
                }
                State::Dead => return None,
            }
        }
    }

    /// The length of the head in the buffer, once its end is there.
    fn find_head_end(&mut self, scanned: usize) -> Option<Result<usize, Fault>> {
        let window = self.buffer.len().min(self.limits.head);
        let from = scanned.saturating_sub(HEAD_END.len() - 1);
        if let Some(found) = memmem::find(&self.buffer[from..window], HEAD_END) {
            return Some(Ok(from + found + HEAD_END.len()));
        }
        if window == self.limits.head {
            return Some(Err(FaultKind::HeadTooLarge.at(window)));
        }
        self.state = State::InHead { scanned: window };
        None
    }

    /// Reads the head of `end` bytes and makes ready for the body.
    fn read_head(&mut self, end: usize) -> Result<(), Fault> {
        let bytes = &self.buffer[..end];
        let head = parse_head(bytes, &self.limits);
        let stated = match &head {
            Ok(head) => head.content_length.ok_or(FaultKind::ContentLengthMissing.at(end))?,
            // A line of the head is wrong. That costs the message and not the stream, as long as the lines
            // that can be read agree on where it ends.
            Err(fault) => lenient_content_length(bytes, &self.limits).ok_or(*fault)?,
        };
        if stated > self.limits.message.saturating_sub(end) {
            return Err(FaultKind::MessageTooLarge.at(end));
        }
        self.state = State::InBody { head, length: end + stated };
        Ok(())
    }

    fn whole(&mut self, data: Bytes) -> Frame {
        match std::mem::replace(&mut self.state, State::Between { half: false }) {
            State::InBody { head: Ok(head), length } => Frame::Message(Message::assemble(data, head, length)),
            State::InBody { head: Err(fault), .. } => Frame::Faulty { fault, data },
            state => unreachable!("a whole message in {state:?}"),
        }
    }

    fn lose(&mut self, fault: Fault) -> Frame {
        self.state = State::Lost(FrameError { fault });
        let keep = self.buffer.len().min(self.limits.head);
        let data = std::mem::take(&mut self.buffer).freeze().slice(..keep);
        Frame::Faulty { fault, data }
    }
}
