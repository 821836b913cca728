//! Flows of datagrams: one for each remote address that the exchange has reason to remember.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;

use super::FlowId;
use crate::config::Limits;

/// How many flows are looked at to find one that makes room.
const LOOKS: usize = 64;

pub(super) struct Datagrams {
    names: BTreeMap<SocketAddr, FlowId>,
    /// When each flow is looked at next. The queue is corrected lazily: a flow that was used in the meantime goes back with its true
    /// time, so that receiving a datagram costs nothing.
    queue: BTreeSet<(Instant, FlowId)>,
    due: BTreeMap<FlowId, Instant>,
    next: u64,
    limit: usize,
    timeout: Duration,
}

impl Datagrams {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            names: BTreeMap::new(),
            queue: BTreeSet::new(),
            due: BTreeMap::new(),
            next: FlowId::DATAGRAMS,
            limit: limits.datagram_flows,
            timeout: limits.idle_datagram_flow,
        }
    }

    /// The name of the flow to this address; a new one if there is none, which is not remembered yet.
    pub(super) fn name(&mut self, remote: SocketAddr) -> FlowId {
        self.names.get(&remote).copied().unwrap_or(FlowId(self.next))
    }

    pub(super) fn is_full(&self) -> bool {
        self.names.len() >= self.limit
    }

    /// Remembers a flow by the name that [`Datagrams::name`] gave it.
    pub(super) fn add(&mut self, now: Instant, id: FlowId, remote: SocketAddr) {
        self.next = self.next.max(id.0 + 1);
        self.names.insert(remote, id);
        self.look_at(id, now + self.timeout);
    }

    fn look_at(&mut self, id: FlowId, at: Instant) {
        if let Some(before) = self.due.insert(id, at) {
            self.queue.remove(&(before, id));
        }
        self.queue.insert((at, id));
    }

    pub(super) fn remove(&mut self, id: FlowId, remote: SocketAddr) {
        self.names.remove(&remote);
        if let Some(at) = self.due.remove(&id) {
            self.queue.remove(&(at, id));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    /// The next flow that has been silent for too long. `last_use` is none for a flow that is still of use.
    pub(super) fn next_idle(
        &mut self,
        now: Instant,
        last_use: impl Fn(FlowId) -> Option<Instant>,
    ) -> Option<FlowId> {
        while let Some(&(at, id)) = self.queue.first().filter(|(at, _)| *at <= now) {
            let due = last_use(id).unwrap_or(now) + self.timeout;
            if due <= now {
                return Some(id);
            }
            assert!(due > at, "a flow is looked at later each time");
            self.look_at(id, due);
        }
        None
    }

    /// The flow that has been silent for the longest time and is of no use any more, among the first of the queue. Those of use go to its
    /// end, so that the next search goes on behind them: a table whose flows are all in use does not cost a walk over it each time.
    pub(super) fn idlest(
        &mut self,
        now: Instant,
        last_use: impl Fn(FlowId) -> Option<Instant>,
    ) -> Option<FlowId> {
        let first: Vec<(Instant, FlowId)> = self.queue.iter().take(LOOKS).copied().collect();
        let mut idlest = None;
        for (at, id) in first {
            let Some(due) = last_use(id).map(|used| used + self.timeout) else {
                self.look_at(id, now + self.timeout);
                continue;
            };
            let known = idlest.get_or_insert((due, id));
            *known = (*known).min((due, id));
            if due <= at {
                // All others are due later.
                break;
            }
            self.look_at(id, due);
        }
        idlest.map(|(_, id)| id)
    }
}
