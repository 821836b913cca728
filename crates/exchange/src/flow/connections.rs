//! Which connections may be open: some by credentials, a few without for a short time.
//!
//! A connection begins as a stranger's. It has to carry a request with right credentials (or, where guests are welcome, an INVITE) before
//! its time is over. Strangers have a small number of places of their own, in all and for each source, so that they cannot take those of
//! users; where these are taken, the stranger that came first makes room, because a phone that just connected shows its credentials within
//! a round trip and idle connections do not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook_wire::Instant;

use super::{FlowId, Prefix, Room};
use crate::config::Limits;

pub(super) struct Connections {
    table: BTreeMap<FlowId, Connection>,
    /// Strangers that may be closed, the first that came first.
    strangers: BTreeSet<(Instant, FlowId)>,
    /// The same for each source.
    of_source: BTreeSet<(Prefix, Instant, FlowId)>,
    /// How many connections of each source are a stranger's or a guest's.
    without_user: BTreeMap<Prefix, usize>,
    /// The sum of those.
    without_user_in_all: usize,
    of_user: BTreeSet<(String, FlowId)>,
    limits: Bounds,
}

struct Connection {
    since: Instant,
    source: Prefix,
    standing: Standing,
}

enum Standing {
    Stranger,
    /// Kept, but in a stranger's place.
    Guest,
    User(String),
}

struct Bounds {
    connections: usize,
    strangers: usize,
    per_source: usize,
    per_user: usize,
    authentication: Duration,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            table: BTreeMap::new(),
            strangers: BTreeSet::new(),
            of_source: BTreeSet::new(),
            without_user: BTreeMap::new(),
            without_user_in_all: 0,
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
        let mut evicted = Vec::new();
        if self.without_user.get(&source).is_some_and(|count| *count >= self.limits.per_source) {
            let range = (source, Instant::ZERO, FlowId(0))
                ..=(source, Instant::from_nanos(u64::MAX), FlowId(u64::MAX));
            evicted.push(self.of_source.range(range).next()?.2);
        } else if self.without_user_in_all >= self.limits.strangers
            || self.table.len() >= self.limits.connections
        {
            evicted.push(self.strangers.first()?.1);
        }
        self.table.insert(id, Connection { since: now, source, standing: Standing::Stranger });
        self.strangers.insert((now, id));
        self.of_source.insert((source, now, id));
        *self.without_user.entry(source).or_default() += 1;
        self.without_user_in_all += 1;
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
        self.forget_standing(id);
        if let Some(connection) = self.table.get_mut(&id) {
            connection.standing = Standing::User(user.to_owned());
            self.of_user.insert((user.to_owned(), id));
        }
        Some(evicted)
    }

    pub(super) fn welcomed(&mut self, id: FlowId) {
        let Some(connection) = self.table.get_mut(&id) else { return };
        if matches!(connection.standing, Standing::Stranger) {
            connection.standing = Standing::Guest;
            self.strangers.remove(&(connection.since, id));
            self.of_source.remove(&(connection.source, connection.since, id));
        }
    }

    pub(super) fn remove(&mut self, id: FlowId) {
        self.forget_standing(id);
        self.table.remove(&id);
        let empty = self.strangers.is_empty()
            && self.of_source.is_empty()
            && self.without_user.is_empty()
            && self.of_user.is_empty();
        assert!(empty || !self.table.is_empty(), "an index outlived its connections");
    }

    fn forget_standing(&mut self, id: FlowId) {
        let Some(Connection { since, source, standing }) = self.table.get(&id) else { return };
        match standing {
            Standing::User(user) => {
                self.of_user.remove(&(user.clone(), id));
            }
            Standing::Stranger | Standing::Guest => {
                self.strangers.remove(&(*since, id));
                self.of_source.remove(&(*source, *since, id));
                self.without_user_in_all -= 1;
                if let Some(count) = self.without_user.get_mut(source) {
                    *count -= 1;
                    if *count == 0 {
                        self.without_user.remove(source);
                    }
                }
            }
        }
    }

    pub(super) fn strangers(&self) -> usize {
        self.strangers.len()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.strangers.first().map(|&(since, _)| since + self.limits.authentication)
    }

    pub(super) fn overdue(&self, now: Instant) -> Option<FlowId> {
        let &(since, id) = self.strangers.first()?;
        (since + self.limits.authentication <= now).then_some(id)
    }
}
