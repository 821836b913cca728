//! Connections between phones and exchanges: opening and closing. `carry` has data, `trouble` has faults; a WebSocket is a `socket` with
//! a `stream` of bytes in each direction and the framing of `websocket`.

mod carry;
mod connection;
mod socket;
mod stream;
mod tamper;
#[cfg(test)]
mod tests;
mod trouble;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

use offhook::{ConnectionChange, ConnectionFailure, ConnectionId, Hop, Input};
use offhook_exchange as exchange;

use super::{ScheduledEvent, World};
use crate::scenario::Transport;
pub(super) use connection::{Connection, Net};
use connection::{DOWN, Link, UP};
use socket::Stream;

/// The connection time-out of a host. A phone closes the attempt earlier.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

impl World {
    pub(super) fn open(&mut self, phone: usize, id: ConnectionId, hop: &Hop) {
        let Some(exchange) = self.scenario.exchange(&hop.host) else {
            let change = ConnectionChange::Down(ConnectionFailure::Unreachable);
            let input = Input::Connection { connection: id, change };
            let soon = self.now + Duration::from_millis(1);
            return self.queue.schedule(soon, ScheduledEvent::Input { phone, input: Box::new(input) });
        };
        let transport = self.phones[phone].setup.transport;
        let link = match transport {
            Transport::Udp => Link::Datagrams,
            Transport::Ws => Link::Stream(Box::new(Stream::new())),
        };
        let connection = self.connections.len();
        self.connections.push(Connection {
            phone,
            id,
            exchange,
            link,
            phone_open: true,
            exchange_flow: None,
            ports: 0,
            spoke: self.now,
        });
        self.phones[phone].connections.insert(id, connection);
        match transport {
            Transport::Udp => self
                .queue
                .schedule(self.now + Duration::from_millis(1), ScheduledEvent::Connected(connection)),
            Transport::Ws
                if [UP, DOWN].iter().any(|&way| self.nets[phone].blocked(exchange, way) > self.now) =>
            {
                let refused = ScheduledEvent::ConnectionLost(connection, ConnectionFailure::TimedOut);
                self.queue.schedule(self.now + CONNECT_TIMEOUT, refused);
            }
            // TCP and the HTTP upgrade take two round trips; the exchange sees the upgrade after one and a half.
            Transport::Ws => {
                let way = self.nets[phone].weather.delay;
                self.queue.schedule(self.now + way * 3, ScheduledEvent::ConnectRequested(connection));
            }
        }
    }

    /// A connection request arrives at the exchange.
    pub(super) fn connect_requested(&mut self, connection: usize) {
        let Connection { phone, exchange, phone_open, .. } = self.connections[connection];
        let way = self.nets[phone].weather.delay;
        if !self.exchanges[exchange].is_running() {
            self.queue.schedule(
                self.now + way,
                ScheduledEvent::ConnectionLost(connection, ConnectionFailure::Unreachable),
            );
        } else if self.nets[phone].refused > self.now {
            self.queue.schedule(
                self.now + way,
                ScheduledEvent::ConnectionLost(connection, ConnectionFailure::Refused),
            );
        } else if phone_open {
            self.accept(connection);
            let at = self.stream_arrival(connection, DOWN, way);
            self.queue.schedule(at, ScheduledEvent::Connected(connection));
        }
    }

    /// The exchange accepts a connection.
    fn accept(&mut self, connection: usize) -> exchange::FlowId {
        let exchange = self.connections[connection].exchange;
        let flow = self.exchanges[exchange].next_flow();
        self.connections[connection].exchange_flow = Some(flow);
        self.exchange_flows.insert((exchange, flow), connection);
        let remote = self.address(connection);
        match self.connections[connection].link {
            Link::Stream(_) => {
                let change = exchange::FlowChange::Up { transport: exchange::Transport::Ws, remote };
                self.exchange_input(exchange, exchange::Input::Flow { flow, change });
            }
            // The exchange identifies UDP flows by the remote address.
            Link::Datagrams => {
                self.exchange_remotes.insert((exchange, remote), flow);
            }
        }
        flow
    }

    /// The address of the phone's end of a connection: the host is the phone, each connection has a port, and a new one after each NAT
    /// rebinding.
    fn address(&self, connection: usize) -> SocketAddr {
        let Connection { phone, ports, .. } = self.connections[connection];
        // 10.0.1 is the network of rogues.
        let network = phone / 254 + usize::from(phone >= 254);
        let host = [10, 0, network as u8, (phone % 254 + 1) as u8];
        (host, (20_000 + (connection + 7_919 * ports) % 40_000) as u16).into()
    }

    /// The connection of a phone is up.
    pub(super) fn connected(&mut self, connection: usize) {
        let Connection { phone, id, phone_open, exchange_flow, ref link, .. } = self.connections[connection];
        if !phone_open {
            return;
        }
        if matches!(link, Link::Stream(_)) && exchange_flow.is_none() {
            // The exchange crashed meanwhile.
            return self.connection_lost(connection, ConnectionFailure::Closed);
        }
        let local = Some(self.address(connection).to_string());
        self.phone_input(phone, Input::Connection { connection: id, change: ConnectionChange::Up { local } });
    }

    /// The phone loses a connection.
    pub(super) fn connection_lost(&mut self, connection: usize, failure: ConnectionFailure) {
        let ends = &mut self.connections[connection];
        let (phone, id) = (ends.phone, ends.id);
        if std::mem::take(&mut ends.phone_open) {
            self.note_phone(phone, || format!("connection {} lost: {failure}", id.0));
            self.phone_input(
                phone,
                Input::Connection { connection: id, change: ConnectionChange::Down(failure) },
            );
        }
    }

    /// The exchange loses a connection.
    pub(super) fn exchange_end_lost(&mut self, connection: usize) {
        let exchange = self.connections[connection].exchange;
        if let Some(flow) = self.forget_exchange_end(connection) {
            self.exchange_input(exchange, exchange::Input::Flow { flow, change: exchange::FlowChange::Down });
        }
    }

    pub(super) fn forget_exchange_end(&mut self, connection: usize) -> Option<exchange::FlowId> {
        let ends = &mut self.connections[connection];
        let flow = ends.exchange_flow.take()?;
        self.exchange_flows.remove(&(ends.exchange, flow));
        let exchange = ends.exchange;
        self.exchange_remotes.retain(|(at, _), other| (*at, *other) != (exchange, flow));
        Some(flow)
    }

    /// The phone closes its end. The exchange is notified after all sent data has arrived.
    pub(super) fn phone_closes(&mut self, phone: usize, id: ConnectionId) {
        let Some(connection) = self.phones[phone].connections.remove(&id) else { return };
        self.connections[connection].phone_open = false;
        self.send_close(connection, UP, None);
        self.end_stream(connection, UP);
    }

    /// The exchange closes its end.
    pub(super) fn exchange_closes(&mut self, exchange: usize, flow: exchange::FlowId) {
        let Some(&connection) = self.exchange_flows.get(&(exchange, flow)) else { return };
        self.forget_exchange_end(connection);
        self.send_close(connection, DOWN, None);
        self.end_stream(connection, DOWN);
    }

    /// The current connection of a phone: the last one it opened.
    pub(super) fn connection_of(&self, phone: usize) -> Option<usize> {
        self.phones[phone].connections.values().next_back().copied()
    }
}
