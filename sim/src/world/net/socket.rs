//! A WebSocket between two ends.

use std::collections::VecDeque;

use bytes::Bytes;
use tungstenite::protocol::Role;

use super::stream::Pipe;
use super::websocket::{Reader, Received};

/// A WebSocket: two pipes, and who reads from them. Places are directions: the exchange reads what goes up.
pub(super) struct Stream {
    pub(super) pipes: [Pipe; 2],
    pub(super) readers: [Reader; 2],
    /// The messages that were sent and not read yet.
    pub(super) unread: [VecDeque<Bytes>; 2],
    pub(super) state: State,
    /// Whether the ends will be told that it is dead.
    pub(super) death_noticed: bool,
}

/// How far a WebSocket is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It carries what is sent.
    Open,
    /// The host of the exchange said good-bye, and waits for the phone's.
    Closing,
    /// The phone's host knows that it closes, and waits for its end.
    Closed,
    /// It is dead: nothing arrives any more.
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

    /// It is dead, and what is on the way is lost.
    pub(super) fn kill(&mut self) {
        self.state = State::Dead;
        self.pipes.iter_mut().for_each(Pipe::clear);
        self.unread.iter_mut().for_each(VecDeque::clear);
    }

    /// The next thing that the reader of this direction understands.
    pub(super) fn next_received(&mut self, direction: usize) -> Option<Received> {
        let received = self.readers[direction].next();
        if let Some(Received::Message(data)) = &received {
            let sent = self.unread[direction].pop_front();
            assert_eq!(sent.as_ref(), Some(data), "a stream delivers what was sent, in order, or nothing");
        }
        received
    }
}
