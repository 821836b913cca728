//! Flows: what the exchange can send on. A connection is one flow, and so is each remote address of datagrams.

mod connections;
mod datagrams;
mod prefix;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use offhook_wire::{Instant, Message, StreamFramer};

use crate::config::Limits;
use connections::Connections;
use datagrams::Datagrams;

pub(crate) use prefix::Prefix;

/// The name of a flow. The host names connections and never uses a name again after the flow went down; the exchange names the flows of
/// datagrams itself, from [`FlowId::DATAGRAMS`] up.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

impl FlowId {
    /// The first name that the exchange gives to a flow of datagrams; the host's names are below it.
    pub const DATAGRAMS: u64 = 1 << 40;
}

/// What a flow runs over.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams of one remote address.
    Udp,
    /// A byte stream.
    Tcp,
    /// A byte stream in TLS.
    Tls,
    /// A WebSocket (RFC 7118); every `Received` is one whole WebSocket message.
    Ws,
    /// A WebSocket in TLS; every `Received` is one whole WebSocket message.
    Wss,
}

impl Transport {
    /// The transport as Via names it (RFC 3261 §20.42, RFC 7118 §5.2).
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Transport::Udp => b"UDP",
            Transport::Tcp => b"TCP",
            Transport::Tls => b"TLS",
            Transport::Ws => b"WS",
            Transport::Wss => b"WSS",
        }
    }

    /// Whether the transport itself retransmits (RFC 3261 §17: timers A, D, E, G, I, J and K depend on it).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// Whether `Received` carries an arbitrary piece of a byte stream.
    pub fn is_stream(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// It was accepted. A WebSocket counts from the accept on, before its handshakes: nothing is sent on it before a request came over
    /// it, and the bounds on connections without credentials hold for slow handshakes, too.
    Up {
        /// What it runs over. Datagrams need no `Up` (see [`Input::Datagram`](crate::Input::Datagram)); [`Transport::Udp`] is refused
        /// with [`Output::Close`](crate::Output::Close).
        transport: Transport,
        /// The other side as seen from here, written into `received` and `rport` (RFC 3581).
        remote: SocketAddr,
    },
    /// It is gone, with everything that was on its way.
    Down,
}

/// Where a message came from: a flow that is up, or an address that has no flow yet.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Arrival {
    /// The flow, or the name that it will have when one is needed.
    pub(crate) flow: FlowId,
    pub(crate) remote: SocketAddr,
    pub(crate) transport: Transport,
}

impl Arrival {
    /// Where responses to a request in a datagram go: to its source with `rport` (RFC 3581 §4), else to the port of sent-by (RFC 3261
    /// §18.2.2). `maddr` is not followed: any sender could direct responses at any address with it.
    pub(crate) fn replies_to(&self, request: &Message) -> SocketAddr {
        let mut address = self.remote;
        if let Ok(via) = request.via()
            && via.rport().is_none()
        {
            address.set_port(via.port.filter(|port| *port != 0).unwrap_or(SIP_PORT));
        }
        address
    }

    /// Whether an address translator stands between the sender of a request and us: its Via names another host than it came from, or
    /// another port although it asks for symmetric responses (RFC 3581 §3). Without `rport` a phone may send from one port and listen on
    /// another.
    pub(crate) fn is_translated(&self, request: &Message) -> bool {
        let Ok(via) = request.via() else { return true };
        let other_port = via.rport().is_some() && via.port.unwrap_or(SIP_PORT) != self.remote.port();
        other_port || ip_of(via.host) != Some(self.remote.ip().to_canonical())
    }
}

/// RFC 3261 §19.1.2: the port of sip URIs and Via values without one.
pub(crate) const SIP_PORT: u16 = 5060;

/// The address that a host is, unless it is a name. An IPv6 address comes in brackets.
pub(crate) fn ip_of(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host.trim_ascii()).ok()?;
    let address: IpAddr = text.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(address.to_canonical())
}

/// What is known of one flow.
pub(crate) struct Flow {
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    /// Server transactions that came over it and still live.
    pub(crate) transactions: usize,
    /// Bytes that those hold.
    pub(crate) bytes: usize,
    pub(crate) framer: Option<StreamFramer>,
    last_received: Instant,
}

/// All flows that are up.
pub(crate) struct Flows {
    table: BTreeMap<FlowId, Flow>,
    connections: Connections,
    datagrams: Datagrams,
    message: offhook_wire::Limits,
}

/// The connections to close so that another one has room; or none of them may be closed, and the other one has no room.
pub(crate) type Room = Option<Vec<FlowId>>;

impl Flows {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            table: BTreeMap::new(),
            connections: Connections::new(limits),
            datagrams: Datagrams::new(limits),
            message: limits.message,
        }
    }

    /// A connection was accepted. Says what has to be closed for it.
    pub(crate) fn up(&mut self, now: Instant, id: FlowId, transport: Transport, remote: SocketAddr) -> Room {
        let evicted = self.connections.accept(now, id, Prefix::of(remote.ip()))?;
        let framer = transport.is_stream().then(|| StreamFramer::new(self.message));
        self.insert(now, id, transport, remote, framer);
        Some(evicted)
    }

    /// Where a datagram from this address arrives.
    pub(crate) fn arrival(&mut self, remote: SocketAddr) -> Arrival {
        Arrival { flow: self.datagrams.name(remote), remote, transport: Transport::Udp }
    }

    /// Makes a flow of datagrams to an address, unless there is one. `keep` says which silent flows are still of use. None if there is no
    /// room.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        keep: impl Fn(FlowId) -> bool,
    ) -> Option<FlowId> {
        let id = self.datagrams.name(remote);
        if self.table.contains_key(&id) {
            return Some(id);
        }
        if self.datagrams.is_full() {
            let idlest = self.idlest(now, keep)?;
            self.down(idlest);
        }
        self.datagrams.add(now, id, remote);
        self.insert(now, id, Transport::Udp, remote, None);
        Some(id)
    }

    fn insert(
        &mut self,
        now: Instant,
        id: FlowId,
        transport: Transport,
        remote: SocketAddr,
        framer: Option<StreamFramer>,
    ) {
        let flow = Flow { transport, remote, transactions: 0, bytes: 0, framer, last_received: now };
        self.table.insert(id, flow);
    }

    /// The flow that carried the credentials of a user, which keep its connection. Says what has to be closed for it.
    pub(crate) fn authenticated(&mut self, id: FlowId, user: &str, keep: impl Fn(FlowId) -> bool) -> Room {
        self.connections.authenticated(id, user, keep)
    }

    /// The flow carried a request of a guest, which keeps its connection for as long as there is room for guests.
    pub(crate) fn welcomed(&mut self, now: Instant, id: FlowId) {
        self.connections.welcomed(now, id);
    }

    /// True if it was up.
    pub(crate) fn down(&mut self, id: FlowId) -> bool {
        let Some(flow) = self.table.remove(&id) else { return false };
        match flow.transport {
            Transport::Udp => self.datagrams.remove(id, flow.remote),
            _ => self.connections.remove(id),
        }
        true
    }

    pub(crate) fn get(&self, id: FlowId) -> Option<&Flow> {
        self.table.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: FlowId) -> Option<&mut Flow> {
        self.table.get_mut(&id)
    }

    pub(crate) fn contains(&self, id: FlowId) -> bool {
        self.table.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Connections that have not shown credentials.
    pub(crate) fn strangers(&self) -> usize {
        self.connections.strangers()
    }

    pub(crate) fn received(&mut self, now: Instant, id: FlowId) -> Option<&mut Flow> {
        let flow = self.table.get_mut(&id)?;
        flow.last_received = now;
        Some(flow)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.datagrams.deadline(), self.connections.deadline()].into_iter().flatten().min()
    }

    /// The next connection whose time to show credentials is over.
    pub(crate) fn next_overdue(&self, now: Instant) -> Option<FlowId> {
        self.connections.overdue(now)
    }

    /// The next flow of datagrams that has been silent for too long. `keep` says which silent flows are still of use.
    pub(crate) fn next_idle(&mut self, now: Instant, keep: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        let table = &self.table;
        self.datagrams.next_idle(now, |id| last_use(table, id, &keep))
    }

    fn idlest(&mut self, now: Instant, keep: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        let table = &self.table;
        self.datagrams.idlest(now, |id| last_use(table, id, &keep))
    }
}

/// When a flow was used last, unless it is still of use.
fn last_use(table: &BTreeMap<FlowId, Flow>, id: FlowId, keep: impl Fn(FlowId) -> bool) -> Option<Instant> {
    let flow = table.get(&id)?;
    (flow.transactions == 0 && !keep(id)).then_some(flow.last_received)
}

#[cfg(test)]
mod tests;
