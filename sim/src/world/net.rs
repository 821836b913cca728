//! Connections between phones and exchanges: what opens, closes and breaks them, and how messages travel.

use std::time::Duration;

use bytes::Bytes;
use offhook::{FlowChange, FlowFailure, FlowId, Input, Target};
use offhook_exchange as exchange;
use offhook_wire::Instant;

use super::{Happening, World};
use crate::fate::{Arrivals, Lane};
use crate::scenario::{Transport, Way, Weather};
use crate::tape::{Node, What};

/// How long a host tries to connect before it says that it timed out. A phone gives up sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a host repeats a segment that nobody acknowledges before it says that the connection is lost.
const ROT_TIMEOUT: Duration = Duration::from_secs(40);

/// One connection, or one association of datagrams.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) phone: usize,
    pub(super) flow: FlowId,
    pub(super) exchange: usize,
    transport: Transport,
    /// The phone's end: whether it is up, or asked for and not yet answered.
    phone_open: bool,
    /// The exchange's end, while it knows one.
    pub(super) exchange_flow: Option<exchange::FlowId>,
    /// Whether a WebSocket is dead.
    rotten: bool,
    /// Whether the ends will be told so.
    rot_noticed: bool,
    /// When the last message of a stream arrives, up and down: none overtakes another.
    last: [Instant; 2],
}

/// The network that a phone is on.
#[derive(Debug)]
pub(super) struct Net {
    pub(super) weather: Weather,
    /// Until when nothing passes, up and down.
    pub(super) cut: [Instant; 2],
}

impl Net {
    pub(super) fn cut(&mut self, way: Way, until: Instant) {
        let [up, down] = &mut self.cut;
        if way != Way::Down {
            *up = until.max(*up);
        }
        if way != Way::Up {
            *down = until.max(*down);
        }
    }

    pub(super) fn is_cut(&self, now: Instant) -> bool {
        self.cut.iter().any(|&until| until > now)
    }
}

impl World {
    pub(super) fn open(&mut self, phone: usize, flow: FlowId, target: &Target) {
        let Some(exchange) = self.scenario.exchange(&target.host) else {
            let input = Input::Flow { flow, change: FlowChange::Down(FlowFailure::Unreachable) };
            let soon = self.now + Duration::from_millis(1);
            return self.queue.plan(soon, Happening::Input { phone, input: Box::new(input) });
        };
        let transport = self.phones[phone].setup.transport;
        let connection = self.connections.len();
        self.connections.push(Connection {
            phone,
            flow,
            exchange,
            transport,
            phone_open: true,
            exchange_flow: None,
            rotten: false,
            rot_noticed: false,
            last: [Instant::ZERO; 2],
        });
        self.phones[phone].flows.insert(flow, connection);
        match transport {
            Transport::Udp => {
                self.queue.plan(self.now + Duration::from_millis(1), Happening::Connected(connection))
            }
            Transport::Ws if self.nets[phone].is_cut(self.now) => {
                let refused = Happening::Lost(connection, FlowFailure::TimedOut);
                self.queue.plan(self.now + CONNECT_TIMEOUT, refused);
            }
            // TCP and the upgrade of HTTP: two round trips, of which the exchange sees the end half a round before.
            Transport::Ws => {
                let way = self.nets[phone].weather.delay;
                self.queue.plan(self.now + way * 3, Happening::Knocked(connection));
            }
        }
    }

    /// A connection attempt reached the exchange.
    pub(super) fn knocked(&mut self, connection: usize) {
        let Connection { phone, exchange, .. } = self.connections[connection];
        let way = self.nets[phone].weather.delay;
        if !self.exchanges[exchange].is_running() {
            self.queue.plan(self.now + way, Happening::Lost(connection, FlowFailure::Unreachable));
        } else if self.connections[connection].phone_open {
            self.accept(connection);
            let at = self.stream_arrival(connection, 1, way);
            self.queue.plan(at, Happening::Connected(connection));
        }
    }

    /// The exchange gets an end of the connection.
    fn accept(&mut self, connection: usize) -> exchange::FlowId {
        let Connection { exchange, transport, .. } = self.connections[connection];
        let flow = self.exchanges[exchange].next_flow();
        self.connections[connection].exchange_flow = Some(flow);
        self.exchange_flows.insert((exchange, flow), connection);
        let transport = match transport {
            Transport::Ws => exchange::Transport::Ws,
            Transport::Udp => exchange::Transport::Udp,
        };
        let remote = self.address(connection);
        let change = exchange::FlowChange::Up { transport, remote };
        self.exchange_input(exchange, exchange::Input::Flow { flow, change });
        flow
    }

    /// The phone's end of a connection: the host is the phone, each connection has a port.
    fn address(&self, connection: usize) -> String {
        format!("10.0.0.{}:{}", self.connections[connection].phone + 1, 20_000 + connection % 40_000)
    }

    /// The phone learns that its connection is up.
    pub(super) fn connected(&mut self, connection: usize) {
        let Connection { phone, flow, transport, phone_open, exchange_flow, .. } =
            self.connections[connection];
        if !phone_open {
            return;
        }
        if transport == Transport::Ws && exchange_flow.is_none() {
            // The exchange crashed while its answer was on the way.
            return self.lost(connection, FlowFailure::Closed);
        }
        let local = Some(self.address(connection));
        self.phone_input(phone, Input::Flow { flow, change: FlowChange::Up { local } });
    }

    /// The phone learns that its connection is lost.
    pub(super) fn lost(&mut self, connection: usize, failure: FlowFailure) {
        let ends = &mut self.connections[connection];
        let (phone, flow) = (ends.phone, ends.flow);
        if std::mem::take(&mut ends.phone_open) {
            self.phones[phone].flows.remove(&flow);
            self.note_phone(phone, || format!("connection {} lost: {failure:?}", flow.0));
            self.phone_input(phone, Input::Flow { flow, change: FlowChange::Down(failure) });
        }
    }

    /// The exchange learns that a connection is lost.
    pub(super) fn hung_up_on(&mut self, connection: usize) {
        let exchange = self.connections[connection].exchange;
        if let Some(flow) = self.forget_exchange_end(connection) {
            self.exchange_input(exchange, exchange::Input::Flow { flow, change: exchange::FlowChange::Down });
        }
    }

    pub(super) fn forget_exchange_end(&mut self, connection: usize) -> Option<exchange::FlowId> {
        let ends = &mut self.connections[connection];
        let flow = ends.exchange_flow.take()?;
        self.exchange_flows.remove(&(ends.exchange, flow));
        Some(flow)
    }

    /// The phone closes its end. The exchange is told when all that was sent before has arrived.
    pub(super) fn phone_closes(&mut self, phone: usize, flow: FlowId) {
        let Some(connection) = self.phones[phone].flows.remove(&flow) else { return };
        let ends = &mut self.connections[connection];
        ends.phone_open = false;
        if ends.transport == Transport::Ws && !ends.rotten {
            let at = self.stream_arrival(connection, 0, Duration::ZERO);
            self.queue.plan(at, Happening::HungUpOn(connection));
        }
    }

    /// The exchange closes its end, having forgotten it.
    pub(super) fn exchange_closes(&mut self, exchange: usize, flow: exchange::FlowId) {
        let Some(&connection) = self.exchange_flows.get(&(exchange, flow)) else { return };
        self.forget_exchange_end(connection);
        let ends = &self.connections[connection];
        if ends.transport == Transport::Ws && !ends.rotten {
            let at = self.stream_arrival(connection, 1, Duration::ZERO);
            self.queue.plan(at, Happening::Lost(connection, FlowFailure::Closed));
        }
    }

    /// The connection is reset: what is on the way is gone, and both ends are told.
    pub(super) fn reset(&mut self, connection: usize) {
        let ends = &mut self.connections[connection];
        if ends.transport == Transport::Ws && !std::mem::replace(&mut ends.rotten, true) {
            ends.rot_noticed = true;
            let way = self.nets[ends.phone].weather.delay;
            self.queue.plan(self.now + way, Happening::Lost(connection, FlowFailure::Closed));
            self.queue.plan(self.now + way, Happening::HungUpOn(connection));
        }
    }

    /// The connection dies and nobody is told.
    pub(super) fn rot(&mut self, connection: usize) {
        let ends = &mut self.connections[connection];
        ends.rotten |= ends.transport == Transport::Ws;
    }

    /// The exchange's end vanishes with its host, whose system resets what still comes.
    pub(super) fn orphan(&mut self, connection: usize) {
        self.forget_exchange_end(connection);
        self.reset(connection);
    }

    /// The connection a phone uses now: the one it opened last.
    pub(super) fn connection_of(&self, phone: usize) -> Option<usize> {
        self.phones[phone].flows.values().next_back().copied()
    }

    pub(super) fn phone_sends(&mut self, phone: usize, flow: FlowId, data: Bytes) {
        if let Some(&connection) = self.phones[phone].flows.get(&flow) {
            self.send(connection, true, data);
        }
    }

    pub(super) fn exchange_sends(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        if let Some(&connection) = self.exchange_flows.get(&(exchange, flow)) {
            self.send(connection, false, data);
        }
    }

    fn send(&mut self, connection: usize, up: bool, data: Bytes) {
        let Connection { phone, exchange, transport, rotten, .. } = self.connections[connection];
        let direction = usize::from(!up);
        let named = self.fates.name(self.now, Lane { phone, exchange, up }, &data);
        let net = &self.nets[phone];
        let nothing = Arrivals { first: None, second: None };
        let arrivals = match transport {
            _ if !self.phones[phone].alive => nothing,
            Transport::Ws if rotten => {
                self.notice_rot(connection);
                nothing
            }
            Transport::Ws => {
                let takes = named.on_stream(&net.weather);
                let at = self.stream_arrival(connection, direction, takes);
                Arrivals { first: Some(at.saturating_since(self.now)), second: None }
            }
            Transport::Udp if net.cut[direction] > self.now => nothing,
            Transport::Udp => named.as_datagram(&net.weather),
        };
        for takes in [arrivals.first, arrivals.second].into_iter().flatten() {
            let arrived = Happening::Arrived { connection, up, data: data.clone() };
            self.queue.plan(self.now + takes, arrived);
        }
        let (phone, exchange) = (Node::Phone(phone), Node::Exchange(exchange));
        let (from, to) = if up { (phone, exchange) } else { (exchange, phone) };
        self.tape.note(self.now, || What::Sent { from, to, data, arrivals, repeat: named.repeat });
    }

    /// When something that is sent on a stream now arrives: after the cut, and after all that was sent before.
    fn stream_arrival(&mut self, connection: usize, direction: usize, takes: Duration) -> Instant {
        let ends = &mut self.connections[connection];
        let net = &self.nets[ends.phone];
        let takes = takes.max(net.weather.delay);
        let at = (self.now.max(net.cut[direction]) + takes).max(ends.last[direction]);
        ends.last[direction] = at;
        at
    }

    fn notice_rot(&mut self, connection: usize) {
        let ends = &mut self.connections[connection];
        if !std::mem::replace(&mut ends.rot_noticed, true) {
            self.queue.plan(self.now + ROT_TIMEOUT, Happening::Lost(connection, FlowFailure::TimedOut));
            self.queue.plan(self.now + ROT_TIMEOUT, Happening::HungUpOn(connection));
        }
    }

    pub(super) fn arrived(&mut self, connection: usize, up: bool, data: Bytes) {
        let Connection { phone, flow, exchange, transport, phone_open, exchange_flow, rotten, .. } =
            self.connections[connection];
        if rotten {
            return;
        }
        if !up {
            if phone_open {
                self.phone_input(phone, Input::Received { flow, data });
            }
            return;
        }
        let known = match transport {
            // A host tells datagrams apart by where they come from: a new address is a new flow.
            Transport::Udp if exchange_flow.is_none() && self.exchanges[exchange].is_running() => {
                Some(self.accept(connection))
            }
            _ => exchange_flow,
        };
        if let Some(flow) = known {
            self.exchange_input(exchange, exchange::Input::Received { flow, data });
        }
    }
}
