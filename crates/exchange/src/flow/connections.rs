//! Bounds on connections, with and without credentials.
//!
//! A connection is unauthenticated at first. It has to carry a request with valid credentials (or, if guests are allowed, an INVITE) before
//! the authentication timeout. Unauthenticated and guest connections have separate bounds, in total and for each source, so that they
//! cannot displace those of users. At a bound the oldest unauthenticated connection is closed, because a phone sends its credentials
//! within a round trip and an idle connection does not; if there is none, the guest with the oldest call.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook_wire::Instant;

use super::id::FlowId;
use super::prefix::Prefix;
use crate::config::Limits;

/// The connections to close so that another one can stay open. None if no connection may be closed for it: the other one is closed.
pub(crate) type Evictions = Option<Vec<FlowId>>;

pub(super) struct Connections {
    table: BTreeMap<FlowId, Connection>,
    unauthenticated: Queue,
    guests: Queue,
    of_user: BTreeSet<(String, FlowId)>,
    limits: Bounds,
}

struct Connection {
    source: Prefix,
    class: Class,
}

enum Class {
    Unauthenticated { since: Instant },
    Guest { since: Instant },
    User(String),
}

struct Bounds {
    connections: usize,
    unauthenticated: usize,
    per_source: usize,
    per_user: usize,
    authentication: Duration,
}

/// Connections in order of time, of all sources and of each.
#[derive(Default)]
struct Queue {
    all: BTreeSet<(Instant, FlowId)>,
    of_source: BTreeSet<(Prefix, Instant, FlowId)>,
    counts: BTreeMap<Prefix, usize>,
}

impl Queue {
    fn insert(&mut self, source: Prefix, since: Instant, id: FlowId) {
        self.all.insert((since, id));
        self.of_source.insert((source, since, id));
        *self.counts.entry(source).or_default() += 1;
    }

    fn remove(&mut self, source: Prefix, since: Instant, id: FlowId) {
        self.all.remove(&(since, id));
        self.of_source.remove(&(source, since, id));
        if let Some(count) = self.counts.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&source);
            }
        }
    }

    fn count(&self, source: Prefix) -> usize {
        self.counts.get(&source).copied().unwrap_or_default()
    }

    fn first(&self) -> Option<FlowId> {
        self.all.first().map(|&(_, id)| id)
    }

    fn first_of(&self, source: Prefix) -> Option<FlowId> {
        let first = self.of_source.range((source, Instant::ZERO, FlowId(0))..).next();
        first.filter(|(other, ..)| *other == source).map(|&(.., id)| id)
    }
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            table: BTreeMap::new(),
            unauthenticated: Queue::default(),
            guests: Queue::default(),
            of_user: BTreeSet::new(),
            limits: Bounds {
                connections: limits.connections,
                unauthenticated: limits.unauthenticated,
                per_source: limits.unauthenticated_per_source,
                per_user: limits.connections_per_user,
                authentication: limits.authentication_timeout,
            },
        }
    }

    /// Adds an unauthenticated connection. Returns the connections to close for it.
    pub(super) fn accept(&mut self, now: Instant, id: FlowId, source: Prefix) -> Evictions {
        let Self { unauthenticated, guests, limits, .. } = self;
        let mut evicted = Vec::new();
        if unauthenticated.count(source) + guests.count(source) >= limits.per_source {
            evicted.push(unauthenticated.first_of(source).or_else(|| guests.first_of(source))?);
        } else if unauthenticated.all.len() + guests.all.len() >= limits.unauthenticated
            || self.table.len() >= limits.connections
        {
            evicted.push(unauthenticated.first().or_else(|| guests.first())?);
        }
        self.unauthenticated.insert(source, now, id);
        self.table.insert(id, Connection { source, class: Class::Unauthenticated { since: now } });
        Some(evicted)
    }

    /// The connection is a user's. The connections of a user are bounded too: one without a binding is closed. If there is none, this one
    /// is closed.
    pub(super) fn authenticated(
        &mut self,
        id: FlowId,
        user: &str,
        keep: impl Fn(FlowId) -> bool,
    ) -> Evictions {
        let Some(connection) = self.table.get(&id) else { return Some(Vec::new()) };
        if matches!(&connection.class, Class::User(known) if known == user) {
            return Some(Vec::new());
        }
        let others = || {
            let range = (user.to_owned(), FlowId(0))..=(user.to_owned(), FlowId(u64::MAX));
            self.of_user.range(range).map(|(_, id)| *id)
        };
        let evicted = if others().count() >= self.limits.per_user {
            vec![others().find(|other| !keep(*other))?]
        } else {
            Vec::new()
        };
        self.set_class(id, Class::User(user.to_owned()));
        Some(evicted)
    }

    /// The connection carried a request of a guest.
    pub(super) fn mark_guest(&mut self, now: Instant, id: FlowId) {
        let Some(connection) = self.table.get(&id) else { return };
        if !matches!(connection.class, Class::User(_)) {
            self.set_class(id, Class::Guest { since: now });
        }
    }

    fn set_class(&mut self, id: FlowId, class: Class) {
        self.unlist(id);
        let Some(connection) = self.table.get_mut(&id) else { return };
        match &class {
            Class::Unauthenticated { since } => self.unauthenticated.insert(connection.source, *since, id),
            Class::Guest { since } => self.guests.insert(connection.source, *since, id),
            Class::User(user) => drop(self.of_user.insert((user.clone(), id))),
        }
        connection.class = class;
    }

    pub(super) fn remove(&mut self, id: FlowId) {
        self.unlist(id);
        self.table.remove(&id);
        let listed = self.unauthenticated.all.len() + self.guests.all.len() + self.of_user.len();
        assert!(listed == self.table.len(), "each connection is listed once");
    }

    fn unlist(&mut self, id: FlowId) {
        let Some(Connection { source, class }) = self.table.get(&id) else { return };
        match class {
            Class::Unauthenticated { since } => self.unauthenticated.remove(*source, *since, id),
            Class::Guest { since } => self.guests.remove(*source, *since, id),
            Class::User(user) => drop(self.of_user.remove(&(user.clone(), id))),
        }
    }

    pub(super) fn unauthenticated(&self) -> usize {
        self.unauthenticated.all.len()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.unauthenticated.all.first().map(|&(since, _)| since + self.limits.authentication)
    }

    pub(super) fn overdue(&self, now: Instant) -> Option<FlowId> {
        let &(since, id) = self.unauthenticated.all.first()?;
        (since + self.limits.authentication <= now).then_some(id)
    }
}
