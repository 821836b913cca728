//! Data on connections: datagrams with their fates, and WebSocket messages as frames in a stream of bytes.

use std::time::Duration;

use bytes::Bytes;
use offhook::{ConnectionFailure, ConnectionId, Input};
use offhook_exchange as exchange;
use offhook_wire::Instant;

use super::socket::State;
use super::stream::Delivered;
use super::tamper::mark;
use super::websocket::{Received, Writer};
use super::{Connection, DOWN, Link, UP};
use crate::fate::{Arrivals, LinkDirection, MessageKey, in_burst};
use crate::hash::{Digest, Draw};
use crate::oracle::{CorruptedCalls, Observation};
use crate::scenario::Streaming;
use crate::tape::{EntryKind, Node};
use crate::world::{ScheduledEvent, World};

impl World {
    pub(in crate::world) fn phone_sends(&mut self, phone: usize, id: ConnectionId, data: Bytes) {
        if let Some(&connection) = self.phones[phone].connections.get(&id) {
            self.send(connection, UP, data);
        }
    }

    pub(in crate::world) fn exchange_sends(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        if let Some(&connection) = self.exchange_flows.get(&(exchange, flow)) {
            self.send(connection, DOWN, data);
        }
    }

    fn send(&mut self, connection: usize, direction: usize, data: Bytes) {
        let ends = &self.connections[connection];
        let (phone, exchange, up) = (ends.phone, ends.exchange, direction == UP);
        let lane = LinkDirection { phone, exchange, up };
        let named = self.fates.name(self.now, lane, &data);
        let data = self.tampered(phone, direction, named, data);
        let datagrams = matches!(self.connections[connection].link, Link::Datagrams);
        let is_lost = datagrams && (self.is_forgotten(connection, up) || self.is_hit(named, lane));
        let ends = &self.connections[connection];
        let net = &self.nets[phone];
        let arrivals = match ends.link {
            _ if !self.phones[phone].alive || up && !ends.phone_open => Arrivals::NONE,
            Link::Stream(_) => self.send_on_stream(connection, direction, named, &data),
            Link::Datagrams if is_lost || net.blocked(exchange, direction) > self.now => Arrivals::NONE,
            Link::Datagrams => named.as_datagram(&net.weather),
        };
        if let Link::Datagrams = self.connections[connection].link {
            for takes in [arrivals.first, arrivals.second].into_iter().flatten() {
                let arrived = ScheduledEvent::MessageArrived { connection, up, data: data.clone() };
                self.queue.schedule(self.now + takes, arrived);
            }
        }
        let (phone, exchange) = (Node::Phone(phone), Node::Exchange(exchange));
        let (from, to) = if up { (phone, exchange) } else { (exchange, phone) };
        self.tape.note(self.now, || EntryKind::Sent { from, to, data, arrivals, repeat: named.repeat });
    }

    /// Applies the middlebox to a message.
    fn tampered(&mut self, phone: usize, direction: usize, named: MessageKey, data: Bytes) -> Bytes {
        let tampering = self.nets[phone].tampering;
        let corrupted = tampering.and_then(|tampering| tampering.corrupt(self.now, direction, named, &data));
        let Some(corrupted) = corrupted else { return data };
        let calls = [&data, &corrupted].into_iter().flat_map(CorruptedCalls::calls_in).collect();
        self.corrupted_messages.insert(mark(&corrupted), calls);
        corrupted
    }

    /// Whether an arriving message was corrupted. If so, the oracles observe it.
    pub(in crate::world) fn arrives_corrupted(
        &mut self,
        phone: usize,
        connection: Option<ConnectionId>,
        data: &Bytes,
    ) -> bool {
        if self.corrupted_messages.is_empty() {
            return false;
        }
        let Some(calls) = self.corrupted_messages.get(&mark(data)).cloned() else { return false };
        self.corrupted_calls.arrives(self.now, phone, &calls);
        self.observe(&Observation::Corrupted { phone, connection, calls: &calls });
        true
    }

    /// Whether the NAT mapping has expired before this datagram. Only outbound datagrams refresh it (RFC 4787 REQ-6), and the next one
    /// gets a new port.
    fn is_forgotten(&mut self, connection: usize, up: bool) -> bool {
        let ends = &self.connections[connection];
        let silence = self.now.saturating_since(ends.spoke);
        let forgotten = self.phones[ends.phone].setup.nat.is_some_and(|nat| silence > nat);
        if up {
            if forgotten {
                self.rebind(connection);
            }
            self.connections[connection].spoke = self.now;
        }
        forgotten && !up
    }

    /// Whether a datagram is lost in a burst.
    fn is_hit(&self, named: MessageKey, lane: LinkDirection) -> bool {
        let bursts = self.nets[lane.phone].weather.bursts;
        in_burst(self.scenario.seed, lane, self.now, bursts) && named.is_hit()
    }

    /// Assigns another port to a UDP flow. Datagrams to the old port are lost.
    pub(in crate::world) fn rebind(&mut self, connection: usize) {
        if let Link::Datagrams = self.connections[connection].link {
            self.forget_exchange_end(connection);
            self.connections[connection].ports += 1;
        }
    }

    fn send_on_stream(
        &mut self,
        connection: usize,
        direction: usize,
        named: MessageKey,
        data: &Bytes,
    ) -> Arrivals {
        let ends = &mut self.connections[connection];
        let net = &self.nets[ends.phone];
        let (ways, takes) = (net.streaming, named.stream_delay(&net.weather));
        let Some(stream) = ends.stream() else { return Arrivals::NONE };
        match stream.state {
            State::Dead => {
                self.notice_dead_stream(connection);
                return Arrivals::NONE;
            }
            // The host reports that it cannot send.
            State::Closed => {
                self.queue.schedule(
                    self.now,
                    ScheduledEvent::ConnectionLost(connection, ConnectionFailure::Closed),
                );
                return Arrivals::NONE;
            }
            State::Open | State::Closing => stream.unread[direction].push_back(data.clone()),
        }
        let draw = &mut named.details();
        let mut writer = Writer::new(direction == UP, draw, data.len());
        writer.message(data, &ways);
        let at = self.write(connection, direction, takes, writer.out.into(), &ways, draw);
        Arrivals { first: Some(at.saturating_since(self.now)), second: None }
    }

    /// Sends bytes. Returns the arrival of the last one.
    fn write(
        &mut self,
        connection: usize,
        direction: usize,
        takes: Duration,
        bytes: Bytes,
        ways: &Streaming,
        draw: &mut Draw,
    ) -> Instant {
        let at = self.stream_arrival(connection, direction, takes);
        let Some(stream) = self.connections[connection].stream() else { return at };
        let at = stream.pipes[direction].send(at, bytes, ways, draw);
        self.schedule_next_arrival(connection, direction);
        at
    }

    /// The arrival of data that is sent on a stream now: after a cut, and after all earlier data.
    pub(super) fn stream_arrival(&mut self, connection: usize, direction: usize, takes: Duration) -> Instant {
        let ends = &mut self.connections[connection];
        let net = &self.nets[ends.phone];
        let at = self.now.max(net.blocked(ends.exchange, direction)) + takes.max(net.weather.delay);
        ends.stream().map_or(at, |stream| stream.pipes[direction].arrival(at))
    }

    /// Schedules the next arrival, unless it is scheduled.
    pub(super) fn schedule_next_arrival(&mut self, connection: usize, direction: usize) {
        let ends = &mut self.connections[connection];
        let cut = self.nets[ends.phone].blocked(ends.exchange, direction);
        if let Some(at) = ends.live_stream().and_then(|stream| stream.pipes[direction].wake(cut)) {
            self.queue.schedule(at, ScheduledEvent::BytesArrived { connection, up: direction == UP });
        }
    }

    /// Writes a control frame.
    fn control(&mut self, connection: usize, direction: usize, write: impl FnOnce(&mut Writer<'_>)) {
        let Connection { phone, .. } = self.connections[connection];
        let draw = &mut Draw::from_digest(
            Digest::new(self.scenario.seed).word(connection as u64).word(self.now.as_nanos()),
        );
        let mut writer = Writer::new(direction == UP, draw, 0);
        write(&mut writer);
        let (bytes, ways) = (writer.out.into(), self.nets[phone].streaming);
        self.write(connection, direction, Duration::ZERO, bytes, &ways, draw);
    }

    /// Sends a close frame.
    pub(super) fn send_close(&mut self, connection: usize, direction: usize, code: Option<u16>) {
        if self.connections[connection].live_stream().is_some() {
            self.control(connection, direction, |writer| writer.close(code));
        }
    }

    /// Ends a stream: a FIN, or a RST in response to data for a closed end.
    pub(super) fn end_stream(&mut self, connection: usize, direction: usize) {
        let at = self.stream_arrival(connection, direction, Duration::ZERO);
        if let Some(stream) = self.connections[connection].live_stream() {
            stream.pipes[direction].end(at);
            self.schedule_next_arrival(connection, direction);
        }
    }

    /// A datagram arrives.
    pub(in crate::world) fn message_arrived(&mut self, connection: usize, up: bool, data: Bytes) {
        let known = self.connections[connection].exchange_flow.is_some();
        // A new remote address is a new UDP flow.
        if up && !known && self.exchanges[self.connections[connection].exchange].is_running() {
            self.accept(connection);
        }
        self.deliver(connection, if up { UP } else { DOWN }, data);
    }

    /// Delivers a message to the node at the end, if there is one.
    fn deliver(&mut self, connection: usize, direction: usize, data: Bytes) {
        let Connection { phone, id, exchange, phone_open, exchange_flow, .. } = self.connections[connection];
        if direction == DOWN {
            if phone_open {
                self.phone_input(phone, Input::Received { connection: id, data });
            }
        } else if let Some(flow) = exchange_flow {
            self.arrives_corrupted(phone, None, &data);
            let input = match self.connections[connection].link {
                Link::Stream(_) => exchange::Input::Received { flow, data },
                Link::Datagrams => exchange::Input::Datagram { remote: self.address(connection), data },
            };
            self.exchange_input(exchange, input);
        }
    }

    /// Bytes of a stream arrive and are read.
    pub(in crate::world) fn bytes_arrive(&mut self, connection: usize, up: bool) {
        let direction = if up { UP } else { DOWN };
        let ends = &mut self.connections[connection];
        let phone = ends.phone;
        let cut = self.nets[phone].blocked(ends.exchange, direction);
        let Some(stream) = ends.live_stream() else { return };
        if !stream.pipes[direction].is_awake(self.now) {
            return;
        }
        let reader = &mut stream.readers[direction];
        let mut arrived = 0;
        let taken = stream.pipes[direction].take(self.now, cut, |bytes| {
            arrived += bytes.len();
            reader.push(bytes);
        });
        if self.has_reader(connection, direction) {
            self.read(connection, direction);
        } else if arrived > 0 && self.phones[phone].alive {
            // RFC 9293 §3.10.7.1: data for a closed end is answered with a reset.
            self.end_stream(connection, 1 - direction);
        }
        match taken {
            Delivered::All => {}
            Delivered::End => self.end_reached(connection, direction),
            Delivered::Broken => {
                self.note_phone(phone, || "connection reset in the middle of a message".to_owned());
                self.reset(connection);
            }
        }
        self.schedule_next_arrival(connection, direction);
    }

    /// Whether the receiver of this direction is open.
    fn has_reader(&self, connection: usize, direction: usize) -> bool {
        let ends = &self.connections[connection];
        let Link::Stream(stream) = &ends.link else { return false };
        let phone = ends.phone_open && self.phones[ends.phone].alive;
        let exchange = ends.exchange_flow.is_some() || stream.state != State::Open;
        !stream.is_dead() && if direction == DOWN { phone } else { exchange }
    }

    fn next_received(&mut self, connection: usize, direction: usize) -> Option<Received> {
        let there = self.has_reader(connection, direction);
        self.connections[connection].stream().filter(|_| there)?.next_received(direction)
    }

    fn read(&mut self, connection: usize, direction: usize) {
        while let Some(received) = self.next_received(connection, direction) {
            match received {
                Received::Message(data) => self.deliver(connection, direction, data),
                Received::Ping(data) => self.control(connection, 1 - direction, |writer| writer.pong(data)),
                Received::Close(code) => self.on_close_frame(connection, direction, code),
                Received::Invalid => {
                    self.end_reached(connection, direction);
                    self.end_stream(connection, 1 - direction);
                }
            }
        }
    }

    /// A close frame was received (RFC 6455 §5.5.1): it is answered, and the server ends the stream.
    fn on_close_frame(&mut self, connection: usize, direction: usize, code: Option<u16>) {
        if direction == UP {
            self.exchange_end_lost(connection);
            return self.end_stream(connection, DOWN);
        }
        self.send_close(connection, UP, code);
        if let Some(stream) = self.connections[connection].live_stream() {
            stream.state = State::Closed;
        }
    }

    /// The stream has ended.
    fn end_reached(&mut self, connection: usize, direction: usize) {
        match direction {
            DOWN => self.connection_lost(connection, ConnectionFailure::Closed),
            _ => self.exchange_end_lost(connection),
        }
    }
}
