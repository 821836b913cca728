//! A WebSocket between two ends.

use std::collections::VecDeque;

use bytes::Bytes;
use tungstenite::protocol::Role;

use super::stream::Pipe;
use super::websocket::{Heard, Reader};

/// A WebSocket: two pipes, and who reads from them. Places are directions: the exchange reads what goes up.
pub(super) struct Stream {
    pub(super) pipes: [Pipe; 2],
    pub(super) readers: [Reader; 2],
    /// The messages that were sent and not read yet.
    pub(super) unread: [VecDeque<Bytes>; 2],
    pub(super) state: State,
    /// Whether the ends will be told that it is dead.
    pub(super) rot_noticed: bool,
}

/// How far a WebSocket is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It carries what is sent.
    Sound,
    /// The host of the exchange said good-bye, and waits for the phone's.
    Closing,
    /// The phone's host knows that it closes, and waits for its end.
    Closed,
    /// It is dead: nothing arrives any more.
    Rotten,
}

impl Stream {
    pub(super) fn new() -> Self {
        Self {
            pipes: Default::default(),
            readers: [Reader::new(Role::Server), Reader::new(Role::Client)],
            unread: Default::default(),
            state: State::Sound,
            rot_noticed: false,
        }
    }

    pub(super) fn is_rotten(&self) -> bool {
        self.state == State::Rotten
    }

    /// It is dead, and what is on the way is lost.
    pub(super) fn rots(&mut self) {
        self.state = State::Rotten;
        self.pipes.iter_mut().for_each(Pipe::clear);
        self.unread.iter_mut().for_each(VecDeque::clear);
    }

    /// The next thing that the reader of this direction understands.
    pub(super) fn hear(&mut self, direction: usize) -> Option<Heard> {
        let heard = self.readers[direction].next();
        if let Some(Heard::Message(data)) = &heard {
            let sent = self.unread[direction].pop_front();
            assert_eq!(sent.as_ref(), Some(data), "a stream delivers what was sent, in order, or nothing");
        }
        heard
    }
}
