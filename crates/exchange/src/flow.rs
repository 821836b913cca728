//! Flows: what the host can send on. A WebSocket is one flow, and so is each remote address of a UDP socket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook_wire::Instant;
use offhook_wire::StreamFramer;

use crate::config::Limits;

/// The host's name for a flow. Never used again after the flow went down.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

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

/// What happened to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// It can be sent on.
    Up {
        /// What it runs over.
        transport: Transport,
        /// `address:port` of the other side as seen from here, written into `received` and `rport` (RFC 3581).
        remote: String,
    },
    /// It is gone, with everything that was on its way.
    Down,
}

/// What is known of one flow.
pub(crate) struct Flow {
    pub(crate) transport: Transport,
    /// The address without brackets or port, as `received` wants it.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Server transactions that came over it and still live.
    pub(crate) transactions: usize,
    pub(crate) framer: Option<StreamFramer>,
    heard: Instant,
    /// When a datagram flow is looked at next.
    due: Option<Instant>,
}

/// All flows that are up, and when silent datagram flows are due to be forgotten.
pub(crate) struct Flows {
    table: BTreeMap<FlowId, Flow>,
    idle: BTreeSet<(Instant, FlowId)>,
    limit: usize,
    patience: Duration,
    message: offhook_wire::Limits,
}

impl Flows {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            table: BTreeMap::new(),
            idle: BTreeSet::new(),
            limit: limits.flows,
            patience: limits.idle_datagram_flow,
            message: limits.message,
        }
    }

    /// False if there is no room for it.
    pub(crate) fn up(&mut self, now: Instant, id: FlowId, transport: Transport, remote: &str) -> bool {
        if self.table.len() >= self.limit && !self.table.contains_key(&id) {
            return false;
        }
        let (host, port) = split_remote(remote);
        let framer = transport.is_stream().then(|| StreamFramer::new(self.message));
        let due = (!transport.is_reliable()).then(|| now + self.patience);
        let flow = Flow { transport, host: host.to_owned(), port, transactions: 0, framer, heard: now, due };
        self.table.insert(id, flow);
        self.idle.extend(due.map(|at| (at, id)));
        true
    }

    /// True if it was up.
    pub(crate) fn down(&mut self, id: FlowId) -> bool {
        let Some(flow) = self.table.remove(&id) else { return false };
        if let Some(at) = flow.due {
            self.idle.remove(&(at, id));
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

    pub(crate) fn heard(&mut self, now: Instant, id: FlowId) -> Option<&mut Flow> {
        let flow = self.table.get_mut(&id)?;
        flow.heard = now;
        Some(flow)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.idle.first().map(|&(at, _)| at)
    }

    /// The next datagram flow that has been silent for too long. `keep` says which silent flows are still of use.
    ///
    /// The queue is corrected lazily: a flow that was heard in the meantime goes back with its true time, so hearing
    /// a datagram costs nothing.
    pub(crate) fn next_idle(&mut self, now: Instant, keep: impl Fn(FlowId) -> bool) -> Option<FlowId> {
        while let Some(&(at, id)) = self.idle.first().filter(|(at, _)| *at <= now) {
            self.idle.remove(&(at, id));
            let Some(flow) = self.table.get_mut(&id) else { continue };
            let silent = flow.heard + self.patience <= now;
            if silent && flow.transactions == 0 && !keep(id) {
                flow.due = None;
                return Some(id);
            }
            let due = if silent { now } else { flow.heard } + self.patience;
            flow.due = Some(due);
            self.idle.insert((due, id));
        }
        None
    }
}

/// `address:port`, `[v6]:port` or a bare address.
fn split_remote(remote: &str) -> (&str, Option<u16>) {
    let (host, port) = match remote.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (remote, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_split_into_address_and_port() {
        assert_eq!(split_remote("192.0.2.1:5060"), ("192.0.2.1", Some(5060)));
        assert_eq!(split_remote("[2001:db8::1]:5060"), ("2001:db8::1", Some(5060)));
        assert_eq!(split_remote("2001:db8::1"), ("2001:db8::1", None));
        assert_eq!(split_remote("peer"), ("peer", None));
    }

    fn patience(times: u32) -> Instant {
        Instant::ZERO + Duration::from_secs(300) * times
    }

    #[test]
    fn a_silent_datagram_flow_is_found_once_and_a_heard_one_is_not() {
        let mut flows = Flows::new(&Limits::default());
        assert!(flows.up(Instant::ZERO, FlowId(1), Transport::Udp, "192.0.2.1:5060"));
        assert!(flows.up(Instant::ZERO, FlowId(2), Transport::Udp, "192.0.2.2:5060"));
        assert!(flows.up(Instant::ZERO, FlowId(3), Transport::Ws, "192.0.2.3:1"));
        let later = Duration::from_secs(10);
        flows.heard(Instant::ZERO + later, FlowId(2));
        assert_eq!(flows.deadline(), Some(patience(1)));
        assert_eq!(flows.next_idle(patience(1), |_| false), Some(FlowId(1)));
        flows.down(FlowId(1));
        assert_eq!(flows.next_idle(patience(1), |_| false), None);
        assert_eq!(flows.deadline(), Some(patience(1) + later));
    }

    #[test]
    fn a_silent_flow_of_use_is_kept_and_looked_at_again() {
        let mut flows = Flows::new(&Limits::default());
        flows.up(Instant::ZERO, FlowId(1), Transport::Udp, "192.0.2.1:5060");
        assert_eq!(flows.next_idle(patience(1), |_| true), None);
        flows.get_mut(FlowId(1)).unwrap().transactions = 1;
        assert_eq!(flows.next_idle(patience(2), |_| false), None);
        flows.get_mut(FlowId(1)).unwrap().transactions = 0;
        assert_eq!(flows.next_idle(patience(3), |_| false), Some(FlowId(1)));
    }
}
