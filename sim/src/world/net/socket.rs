//! A WebSocket.

use std::collections::VecDeque;

use bytes::Bytes;
use tungstenite::protocol::Role;

use super::stream::Pipe;
use super::websocket::{Reader, Received};

/// A WebSocket: a pipe and a reader for each direction.
pub(super) struct Stream {
    pub(super) pipes: [Pipe; 2],
    pub(super) readers: [Reader; 2],
    /// Sent messages that are not read yet.
    pub(super) unread: [VecDeque<Bytes>; 2],
    pub(super) state: State,
    /// Whether the ends will be notified that it is dead.
    pub(super) death_noticed: bool,
}

/// The state of a WebSocket.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It carries data.
    Open,
    /// The server sent a close frame, and waits for that of the phone.
    Closing,
    /// The phone received the close frame, and waits for the end of the stream.
    Closed,
    /// It is dead: no data arrives.
    Dead,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            pipes: Default::default(),
            readers: [Reader::new(Role::Server), Reader::new(Role::Client)],
            unread: Default::default(),
            state: State::Open,
            death_noticed: false,
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Makes it dead, and drops the data in flight.
    pub(super) fn kill(&mut self) {
        self.state = State::Dead;
        self.pipes.iter_mut().for_each(Pipe::clear);
        self.unread.iter_mut().for_each(VecDeque::clear);
    }

    /// The next frame in this direction.
    pub(super) fn next_received(&mut self, direction: usize) -> Option<Received> {
        let received = self.readers[direction].next();
        if let Some(Received::Message(data)) = &received {
            let sent = self.unread[direction].pop_front();
            assert_eq!(sent.as_ref(), Some(data), "a stream delivers what was sent, in order, or nothing");
        }
        received
    }
}
