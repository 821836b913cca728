//! Faults of connections.

use std::time::Duration;

use offhook::ConnectionFailure;

use super::socket::State;
use super::{DOWN, UP};
use crate::scenario::{End, StreamTrouble};
use crate::world::{ScheduledEvent, World};

/// How long a host retransmits an unacknowledged segment before it reports the connection as lost.
const DEAD_TIMEOUT: Duration = Duration::from_secs(40);

/// How long the server waits for the answer to its close frame.
const CLOSING: Duration = Duration::from_secs(2);

impl World {
    /// Resets a connection: data in flight is lost, and both ends are notified.
    pub(in crate::world) fn reset(&mut self, connection: usize) {
        let ends = &mut self.connections[connection];
        let way = self.nets[ends.phone].weather.delay;
        if let Some(stream) = ends.live_stream() {
            stream.kill();
            stream.death_noticed = true;
            self.queue.schedule(
                self.now + way,
                ScheduledEvent::ConnectionLost(connection, ConnectionFailure::Closed),
            );
            self.queue.schedule(self.now + way, ScheduledEvent::ExchangeEndLost(connection));
        }
    }

    /// Makes a connection dead without notice.
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
                ScheduledEvent::ConnectionLost(connection, ConnectionFailure::TimedOut),
            );
            self.queue.schedule(self.now + DEAD_TIMEOUT, ScheduledEvent::ExchangeEndLost(connection));
        }
    }

    /// Closes the end of an exchange that crashed: its host resets the connection.
    pub(in crate::world) fn drop_exchange_end(&mut self, connection: usize) {
        self.forget_exchange_end(connection);
        self.reset(connection);
    }

    /// Starts a fault of the current stream of a phone.
    pub(in crate::world) fn stream_trouble(&mut self, phone: usize, trouble: StreamTrouble) {
        if let StreamTrouble::Refused { lasting } = trouble {
            self.nets[phone].refused = self.now + lasting;
            return;
        }
        let Some(connection) = self.connection_of(phone) else { return };
        if let StreamTrouble::HalfOpen { lost: End::Near } = trouble {
            // Also a UDP socket: its host has another address now.
            return self.connection_lost(connection, ConnectionFailure::Closed);
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

    /// The host of the exchange, or a proxy in front of it, closes a connection. With a code it sends a close frame first.
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

    /// The close frame was not answered in time.
    pub(in crate::world) fn close_timed_out(&mut self, connection: usize) {
        self.end_stream(connection, DOWN);
    }

    /// Heals stalls and trickles. Dead streams stay dead.
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
