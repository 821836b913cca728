//! What goes wrong with connections.

use std::time::Duration;

use offhook::FlowFailure;

use super::socket::State;
use super::{DOWN, UP};
use crate::scenario::{End, StreamTrouble};
use crate::world::{ScheduledEvent, World};

/// How long a host repeats a segment that nobody acknowledges before it says that the connection is lost.
const DEAD_TIMEOUT: Duration = Duration::from_secs(40);

/// How long the host of the exchange waits for the answer to its good-bye.
const CLOSING: Duration = Duration::from_secs(2);

impl World {
    /// The connection is reset: what is on the way is gone, and both ends are told.
    pub(in crate::world) fn reset(&mut self, connection: usize) {
        let ends = &mut self.connections[connection];
        let way = self.nets[ends.phone].weather.delay;
        if let Some(stream) = ends.live_stream() {
            stream.kill();
            stream.death_noticed = true;
            self.queue
                .schedule(self.now + way, ScheduledEvent::ConnectionLost(connection, FlowFailure::Closed));
            self.queue.schedule(self.now + way, ScheduledEvent::ExchangeEndLost(connection));
        }
    }

    /// The connection dies and nobody is told.
    pub(in crate::world) fn drop_silently(&mut self, connection: usize) {
        if let Some(stream) = self.connections[connection].live_stream() {
            stream.kill();
        }
    }

    pub(super) fn notice_dead_stream(&mut self, connection: usize) {
        let Some(stream) = self.connections[connection].stream() else { return };
        if !std::mem::replace(&mut stream.death_noticed, true) {
            self.queue.schedule(
                self.now + DEAD_TIMEOUT,
                ScheduledEvent::ConnectionLost(connection, FlowFailure::TimedOut),
            );
            self.queue.schedule(self.now + DEAD_TIMEOUT, ScheduledEvent::ExchangeEndLost(connection));
        }
    }

    /// The exchange's end vanishes with its host, whose system resets what still comes.
    pub(in crate::world) fn drop_exchange_end(&mut self, connection: usize) {
        self.forget_exchange_end(connection);
        self.reset(connection);
    }

    /// Something is wrong with the stream that a phone uses now.
    pub(in crate::world) fn stream_trouble(&mut self, phone: usize, trouble: StreamTrouble) {
        if let StreamTrouble::Refused { lasting } = trouble {
            self.nets[phone].refused = self.now + lasting;
            return;
        }
        let Some(connection) = self.connection_of(phone) else { return };
        if let StreamTrouble::HalfOpen { lost: End::Near } = trouble {
            // Also a socket of datagrams: its host has another address now.
            return self.connection_lost(connection, FlowFailure::Closed);
        }
        let now = self.now;
        let Some(stream) = self.connections[connection].live_stream() else { return };
        match trouble {
            StreamTrouble::Refused { .. } | StreamTrouble::HalfOpen { lost: End::Near } => {}
            StreamTrouble::Stalls { way, lasting } => {
                way.directions().for_each(|direction| stream.pipes[direction].stall(now + lasting));
            }
            StreamTrouble::Trickles { way, lasting } => {
                way.directions().for_each(|direction| stream.pipes[direction].trickle(now + lasting));
            }
            StreamTrouble::Breaks { way, after } => {
                way.directions().for_each(|direction| stream.pipes[direction].break_after(after as usize));
            }
            StreamTrouble::HalfOpen { lost: End::Far } => self.exchange_end_lost(connection),
            StreamTrouble::Closed { code } => self.close_by_server(connection, code),
        }
    }

    /// The host of the exchange closes a connection, and the exchange does not know why: it is full, it restarts, or a proxy in
    /// between has enough. With a code it says good-bye first.
    fn close_by_server(&mut self, connection: usize, code: Option<u16>) {
        if self.connections[connection].exchange_flow.is_none() {
            return;
        }
        match code {
            Some(_) => {
                if let Some(stream) = self.connections[connection].live_stream() {
                    stream.state = State::Closing;
                }
                self.send_close(connection, DOWN, code);
                self.queue.schedule(self.now + CLOSING, ScheduledEvent::CloseTimedOut(connection));
            }
            None => self.end_stream(connection, DOWN),
        }
        self.exchange_end_lost(connection);
    }

    /// The good-bye was not answered in time.
    pub(in crate::world) fn close_timed_out(&mut self, connection: usize) {
        self.end_stream(connection, DOWN);
    }

    /// Streams flow again. What is broken stays broken.
    pub(in crate::world) fn heal_streams(&mut self) {
        for connection in 0..self.connections.len() {
            if let Some(stream) = self.connections[connection].live_stream() {
                stream.pipes.iter_mut().for_each(super::stream::Pipe::heal);
                self.schedule_next_arrival(connection, UP);
                self.schedule_next_arrival(connection, DOWN);
            }
        }
    }
}
