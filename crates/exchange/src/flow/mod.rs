//! Flows. A connection is one flow, and so is each remote address of datagrams.

mod arrival;
mod connections;
mod datagrams;
mod id;
mod prefix;
mod transport;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use offhook_wire::{Instant, StreamFramer};

use crate::config::Limits;
use connections::{Connections, Evictions};
use datagrams::Datagrams;

pub(crate) use arrival::{Arrival, SIP_PORT, ip_of};
pub use id::FlowId;
pub(crate) use prefix::Prefix;
pub use transport::Transport;

/// A change of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// It was accepted. A WebSocket is up from its accept on, before its handshakes, so that the bounds on unauthenticated connections hold
    /// for slow handshakes too: nothing is sent on it before a request has come over it.
    Up {
        /// Its transport. Datagrams need no `Up` (see [`Input::Datagram`](crate::Input::Datagram)); [`Transport::Udp`] is refused
        /// with [`Output::Close`](crate::Output::Close).
        transport: Transport,
        /// The remote address, written into `received` and `rport` (RFC 3581).
        remote: SocketAddr,
    },
    /// It was closed or lost, with all data in flight.
    Down,
}

/// One flow that is up.
pub(crate) struct Flow {
    pub(crate) transport: Transport,
    pub(crate) remote: SocketAddr,
    /// Live server transactions whose requests came over it.
    pub(crate) transactions: usize,
    /// Bytes held by those.
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

impl Flows {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            table: BTreeMap::new(),
            connections: Connections::new(limits),
            datagrams: Datagrams::new(limits),
            message: limits.message,
        }
    }

    /// Adds an accepted connection. Returns the connections to close for it.
    pub(crate) fn up(
        &mut self,
        now: Instant,
        id: FlowId,
        transport: Transport,
        remote: SocketAddr,
    ) -> Evictions {
        let evicted = self.connections.accept(now, id, Prefix::of(remote.ip()))?;
        let framer = transport.is_stream().then(|| StreamFramer::new(self.message));
        self.insert(now, id, transport, remote, framer);
        Some(evicted)
    }

    /// The source of a datagram from this address.
    pub(crate) fn arrival(&mut self, remote: SocketAddr) -> Arrival {
        Arrival { flow: self.datagrams.id(remote), remote, transport: Transport::Udp }
    }

    /// The flow of datagrams to an address, created if necessary. `keep` is true for idle flows that are in use. None if there is no room.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        keep: impl Fn(FlowId) -> bool,
    ) -> Option<FlowId> {
        let id = self.datagrams.id(remote);
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

    /// The connection carried valid credentials of a user. Returns the connections to close for it.
    pub(crate) fn authenticated(
        &mut self,
        id: FlowId,
        user: &str,
        keep: impl Fn(FlowId) -> bool,
    ) -> Evictions {
        self.connections.authenticated(id, user, keep)
    }

    /// The connection carried a request of a guest, and stays open within the bounds on guests.
    pub(crate) fn mark_guest(&mut self, now: Instant, id: FlowId) {
        self.connections.mark_guest(now, id);
    }

    /// Removes a flow. True if it was up.
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

    /// The number of unauthenticated connections.
    pub(crate) fn unauthenticated(&self) -> usize {
        self.connections.unauthenticated()
    }

    pub(crate) fn received(&mut self, now: Instant, id: FlowId) -> Option<&mut Flow> {
        let flow = self.table.get_mut(&id)?;
        flow.last_received = now;
        Some(flow)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.datagrams.deadline(), self.connections.deadline()].into_iter().flatten().min()
    }

    /// The next connection that did not authenticate in time.
    pub(crate) fn next_overdue(&self, now: Instant) -> Option<FlowId> {
        self.connections.overdue(now)
    }

    /// The next flow of datagrams that has been idle for too long. `keep` is true for idle flows that are in use.
    pub(crate) fn next_idle(&mut self, now: Instant, keep: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        let table = &self.table;
        self.datagrams.next_idle(now, |id| last_use(table, id, &keep))
    }

    fn idlest(&mut self, now: Instant, keep: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        let table = &self.table;
        self.datagrams.idlest(now, |id| last_use(table, id, &keep))
    }
}

/// The time of a flow's last use; none if it is in use.
fn last_use(table: &BTreeMap<FlowId, Flow>, id: FlowId, keep: impl Fn(FlowId) -> bool) -> Option<Instant> {
    let flow = table.get(&id)?;
    (flow.transactions == 0 && !keep(id)).then_some(flow.last_received)
}

#[cfg(test)]
mod tests;
