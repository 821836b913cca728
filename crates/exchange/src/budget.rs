//! Bounds on the bytes that transactions hold, by sender.

use std::collections::BTreeMap;

use crate::config::{Bytes, Limits};
use crate::flow::Prefix;

/// The bytes of one transaction besides its messages: table entries and state machine, rounded up.
pub(crate) const TRANSACTION: usize = 1024;
/// The same for each branch.
pub(crate) const BRANCH: usize = 512;

/// The class of the sender that began a transaction.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// An authenticated user, or a party of a dialog with a user.
    User,
    /// Any other sender.
    Guest,
}

/// Bytes held by the transactions of one class of senders.
#[derive(Default)]
struct Usage {
    total: usize,
    of_source: BTreeMap<Prefix, usize>,
}

/// The bytes held by all transactions.
pub(crate) struct Budget {
    users: Usage,
    guests: Usage,
    limits: Limits,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { users: Usage::default(), guests: Usage::default(), limits: *limits }
    }

    /// Whether `more` bytes in addition are within the bounds. `flow` is the number of bytes that the flow already holds.
    pub(crate) fn admits(&self, sender: Sender, source: Prefix, flow: usize, more: usize) -> bool {
        let Bytes { total, per_source, per_flow } = match sender {
            Sender::User => self.limits.bytes,
            Sender::Guest => self.limits.guest_bytes,
        };
        let usage = self.usage(sender);
        let of_source = usage.of_source.get(&source).copied().unwrap_or_default();
        let fits = |held: usize, bound: usize| held.saturating_add(more) <= bound;
        fits(usage.total, total) && fits(of_source, per_source) && fits(flow, per_flow)
    }

    /// Records that the size of one transaction has changed, in bytes.
    pub(crate) fn change(&mut self, sender: Sender, source: Prefix, before: usize, after: usize) {
        let usage = match sender {
            Sender::User => &mut self.users,
            Sender::Guest => &mut self.guests,
        };
        usage.total = usage.total + after - before;
        let of_source = usage.of_source.entry(source).or_default();
        *of_source = *of_source + after - before;
        if *of_source == 0 {
            usage.of_source.remove(&source);
        }
    }

    fn usage(&self, sender: Sender) -> &Usage {
        match sender {
            Sender::User => &self.users,
            Sender::Guest => &self.guests,
        }
    }

    /// All bytes held.
    pub(crate) fn held(&self) -> usize {
        self.users.total + self.guests.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_independent_and_guests_are_counted_separately() {
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
        assert!(!budget.admits(Sender::User, source(3), 0, 1), "the total");
        assert!(budget.admits(Sender::Guest, source(1), 0, 10), "guests are counted separately");
        budget.change(Sender::User, source(1), 50, 0);
        budget.change(Sender::User, source(2), 50, 0);
        assert_eq!(budget.held(), 0);
        assert!(budget.users.of_source.is_empty());
    }
}
