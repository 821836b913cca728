//! Which connections may be open: some by credentials, a few without.
//!
//! A connection begins as a stranger's. It has to carry a request with right credentials (or, where guests are welcome, an INVITE) before
//! its time is over. Strangers and guests have a small number of places of their own, in all and for each source, so that they cannot
//! take those of users. Where these are taken, the stranger that came first makes room, because a phone that just connected shows its
//! credentials within a round trip and idle connections do not; without a stranger, the guest that has called the longest time ago.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook_wire::Instant;

use super::{FlowId, Prefix, Room};
use crate::config::Limits;

pub(super) struct Connections {
    table: BTreeMap<FlowId, Connection>,
    strangers: Queue,
    guests: Queue,
    of_user: BTreeSet<(String, FlowId)>,
    limits: Bounds,
}

struct Connection {
    source: Prefix,
    standing: Standing,
}

enum Standing {
    Stranger { since: Instant },
    Guest { since: Instant },
    User(String),
}

struct Bounds {
    connections: usize,
    strangers: usize,
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
            strangers: Queue::default(),
            guests: Queue::default(),
            of_user: BTreeSet::new(),
            limits: Bounds {
                connections: limits.connections,
                strangers: limits.strangers,
                per_source: limits.strangers_per_source,
                per_user: limits.connections_per_user,
                authentication: limits.authentication_timeout,
            },
        }
    }

    /// One more stranger. Says which others have to go for it.
    pub(super) fn accept(&mut self, now: Instant, id: FlowId, source: Prefix) -> Room {
        let Self { strangers, guests, limits, .. } = self;
        let mut evicted = Vec::new();
        if strangers.count(source) + guests.count(source) >= limits.per_source {
            evicted.push(strangers.first_of(source).or_else(|| guests.first_of(source))?);
        } else if strangers.all.len() + guests.all.len() >= limits.strangers
            || self.table.len() >= limits.connections
        {
            evicted.push(strangers.first().or_else(|| guests.first())?);
        }
        self.strangers.insert(source, now, id);
        self.table.insert(id, Connection { source, standing: Standing::Stranger { since: now } });
        Some(evicted)
    }

    /// It is a user's. The user's connections are bounded, too: one without a binding makes room. Where none may be closed, this one has
    /// no room.
    pub(super) fn authenticated(&mut self, id: FlowId, user: &str, keep: impl Fn(FlowId) -> bool) -> Room {
        let Some(connection) = self.table.get(&id) else { return Some(Vec::new()) };
        if matches!(&connection.standing, Standing::User(known) if known == user) {
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
        self.set_standing(id, Standing::User(user.to_owned()));
        Some(evicted)
    }

    /// It carried a request of a guest.
    pub(super) fn welcomed(&mut self, now: Instant, id: FlowId) {
        let Some(connection) = self.table.get(&id) else { return };
        if !matches!(connection.standing, Standing::User(_)) {
            self.set_standing(id, Standing::Guest { since: now });
        }
    }

    fn set_standing(&mut self, id: FlowId, standing: Standing) {
        self.unlist(id);
        let Some(connection) = self.table.get_mut(&id) else { return };
        match &standing {
            Standing::Stranger { since } => self.strangers.insert(connection.source, *since, id),
            Standing::Guest { since } => self.guests.insert(connection.source, *since, id),
            Standing::User(user) => drop(self.of_user.insert((user.clone(), id))),
        }
        connection.standing = standing;
    }

    pub(super) fn remove(&mut self, id: FlowId) {
        self.unlist(id);
        self.table.remove(&id);
        let listed = self.strangers.all.len() + self.guests.all.len() + self.of_user.len();
        assert!(listed == self.table.len(), "each connection is listed once");
    }

    fn unlist(&mut self, id: FlowId) {
        let Some(Connection { source, standing }) = self.table.get(&id) else { return };
        match standing {
            Standing::Stranger { since } => self.strangers.remove(*source, *since, id),
            Standing::Guest { since } => self.guests.remove(*source, *since, id),
            Standing::User(user) => drop(self.of_user.remove(&(user.clone(), id))),
        }
    }

    pub(super) fn strangers(&self) -> usize {
        self.strangers.all.len()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.strangers.all.first().map(|&(since, _)| since + self.limits.authentication)
    }

    pub(super) fn overdue(&self, now: Instant) -> Option<FlowId> {
        let &(since, id) = self.strangers.all.first()?;
        (since + self.limits.authentication <= now).then_some(id)
    }
}
