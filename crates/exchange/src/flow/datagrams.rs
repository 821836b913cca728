//! Flows of datagrams: one for each remote address with a transaction or binding, or with recent traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;

use super::id::FlowId;
use crate::config::Limits;

/// How many flows are examined to find one to evict.
const SCAN_LIMIT: usize = 64;

pub(super) struct Datagrams {
    by_address: BTreeMap<SocketAddr, FlowId>,
    /// The next check of each flow. The queue is corrected lazily: a flow that was used in the meantime is queued again at its check, so
    /// that receiving a datagram does not change the queue.
    queue: BTreeSet<(Instant, FlowId)>,
    due: BTreeMap<FlowId, Instant>,
    next: u64,
    limit: usize,
    timeout: Duration,
}

impl Datagrams {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            by_address: BTreeMap::new(),
            queue: BTreeSet::new(),
            due: BTreeMap::new(),
            next: FlowId::DATAGRAMS,
            limit: limits.datagram_flows,
            timeout: limits.idle_datagram_flow,
        }
    }

    /// The id of the flow to this address; if there is none, the id that the next flow will have.
    pub(super) fn id(&mut self, remote: SocketAddr) -> FlowId {
        self.by_address.get(&remote).copied().unwrap_or(FlowId(self.next))
    }

    pub(super) fn is_full(&self) -> bool {
        self.by_address.len() >= self.limit
    }

    /// Adds a flow with the id that [`Datagrams::id`] returned.
    pub(super) fn add(&mut self, now: Instant, id: FlowId, remote: SocketAddr) {
        self.next = self.next.max(id.0 + 1);
        self.by_address.insert(remote, id);
        self.schedule_check(id, now + self.timeout);
    }

    fn schedule_check(&mut self, id: FlowId, at: Instant) {
        if let Some(before) = self.due.insert(id, at) {
            self.queue.remove(&(before, id));
        }
        self.queue.insert((at, id));
    }

    pub(super) fn remove(&mut self, id: FlowId, remote: SocketAddr) {
        self.by_address.remove(&remote);
        if let Some(at) = self.due.remove(&id) {
            self.queue.remove(&(at, id));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    /// The next flow that has been idle for too long. `last_use` is none for a flow that is in use.
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
            assert!(due > at, "a check moves a flow back in the queue");
            self.schedule_check(id, due);
        }
        None
    }

    /// The flow that has been idle longest and is not in use, among the first of the queue. Flows in use go to the end of the queue, so that
    /// the next search begins behind them: a table in which all flows are in use is not scanned each time.
    pub(super) fn idlest(
        &mut self,
        now: Instant,
        last_use: impl Fn(FlowId) -> Option<Instant>,
    ) -> Option<FlowId> {
        let first: Vec<(Instant, FlowId)> = self.queue.iter().take(SCAN_LIMIT).copied().collect();
        let mut idlest = None;
        for (at, id) in first {
            let Some(due) = last_use(id).map(|used| used + self.timeout) else {
                self.schedule_check(id, now + self.timeout);
                continue;
            };
            let known = idlest.get_or_insert((due, id));
            *known = (*known).min((due, id));
            if due <= at {
                // All others are due later.
                break;
            }
            self.schedule_check(id, due);
        }
        idlest.map(|(_, id)| id)
    }
}
