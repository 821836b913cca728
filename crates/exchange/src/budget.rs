//! How many bytes transactions hold, and whose they are.

use std::collections::BTreeMap;

use crate::config::{Bytes, Limits};
use crate::flow::Prefix;

/// What one transaction counts besides the messages that it keeps: the entries of the tables and the machine, rounded up.
pub(crate) const TRANSACTION: usize = 1024;
/// The same for each branch.
pub(crate) const BRANCH: usize = 512;

/// The class of the sender that began a transaction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A user that proved to be one, or a party of a dialog that a user is in.
    User,
    /// Any other sender.
    Guest,
}

/// Bytes held by the transactions of one class of senders.
#[derive(Default)]
struct Account {
    total: usize,
    of_source: BTreeMap<Prefix, usize>,
}

/// All that transactions hold.
pub(crate) struct Budget {
    users: Account,
    guests: Account,
    limits: Limits,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { users: Account::default(), guests: Account::default(), limits: *limits }
    }

    /// Whether so many bytes more would be within the bounds. `flow` is what the flow holds already.
    pub(crate) fn admits(&self, sender: Sender, source: Prefix, flow: usize, more: usize) -> bool {
        let Bytes { total, per_source, per_flow } = match sender {
            Sender::User => self.limits.bytes,
            Sender::Guest => self.limits.guest_bytes,
        };
        let account = self.of(sender);
        let of_source = account.of_source.get(&source).copied().unwrap_or_default();
        let fits = |held: usize, bound: usize| held.saturating_add(more) <= bound;
        fits(account.total, total) && fits(of_source, per_source) && fits(flow, per_flow)
    }

    /// What one transaction holds has changed.
    pub(crate) fn change(&mut self, sender: Sender, source: Prefix, before: usize, after: usize) {
        let account = match sender {
            Sender::User => &mut self.users,
            Sender::Guest => &mut self.guests,
        };
        account.total = account.total + after - before;
        let of_source = account.of_source.entry(source).or_default();
        *of_source = *of_source + after - before;
        if *of_source == 0 {
            account.of_source.remove(&source);
        }
    }

    fn of(&self, sender: Sender) -> &Account {
        match sender {
            Sender::User => &self.users,
            Sender::Guest => &self.guests,
        }
    }

    /// All bytes that are held.
    pub(crate) fn held(&self) -> usize {
        self.users.total + self.guests.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds_by_itself_and_guests_have_their_own() {
        let bytes = |total, per_source, per_flow| Bytes { total, per_source, per_flow };
        let limits =
            Limits { bytes: bytes(100, 60, 40), guest_bytes: bytes(10, 10, 10), ..Limits::default() };
        let mut budget = Budget::new(&limits);
        let source = |last| Prefix::of([192, 0, 2, last].into());
        assert!(budget.admits(Sender::User, source(1), 0, 40));
        assert!(!budget.admits(Sender::User, source(1), 1, 40), "the flow");
        budget.change(Sender::User, source(1), 0, 50);
        assert!(!budget.admits(Sender::User, source(1), 0, 11), "the source");
        assert!(budget.admits(Sender::User, source(2), 0, 40));
        budget.change(Sender::User, source(2), 0, 50);
        assert!(!budget.admits(Sender::User, source(3), 0, 1), "all together");
        assert!(budget.admits(Sender::Guest, source(1), 0, 10), "guests are counted apart");
        budget.change(Sender::User, source(1), 50, 0);
        budget.change(Sender::User, source(2), 50, 0);
        assert_eq!(budget.held(), 0);
        assert!(budget.users.of_source.is_empty());
    }
}
