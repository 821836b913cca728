//! Bounds on the bytes queued for connections.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The maximum queued for one connection, in bytes: some messages of full size.
const PER_CONNECTION: usize = 256 * 1024;

/// The bytes queued for one connection.
#[derive(Clone, Default)]
pub(super) struct Queued(Arc<AtomicUsize>);

impl Queued {
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The bytes queued for all connections.
pub(super) struct Outboxes {
    all: Queued,
    limit: usize,
}

impl Outboxes {
    pub(super) fn new(limit: usize) -> Self {
        Self { all: Queued::default(), limit }
    }

    /// The same data, counted until its last reference is dropped. None if the connection's queue is full.
    pub(super) fn queue(&self, connection: &Queued, data: Bytes) -> Option<Bytes> {
        if connection.bytes() + data.len() > PER_CONNECTION {
            return None;
        }
        let counters = [self.all.clone(), connection.clone()];
        for counter in &counters {
            counter.0.fetch_add(data.len(), Ordering::Relaxed);
        }
        Some(Bytes::from_owner(Counted { data, counters }))
    }

    /// Whether the limit is exceeded.
    pub(super) fn is_full(&self) -> bool {
        self.all.bytes() > self.limit
    }

    /// All queued bytes.
    pub(super) fn bytes(&self) -> usize {
        self.all.bytes()
    }
}

struct Counted {
    data: Bytes,
    counters: [Queued; 2],
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        for counter in &self.counters {
            counter.0.fetch_sub(self.data.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_until_dropped() {
        let outboxes = Outboxes::new(1000);
        let [one, two] = [Queued::default(), Queued::default()];
        let first = outboxes.queue(&one, Bytes::from(vec![0; 600])).expect("room");
        let second = outboxes.queue(&two, Bytes::from(vec![0; 500])).expect("room");
        assert_eq!((one.bytes(), two.bytes(), outboxes.bytes(), outboxes.is_full()), (600, 500, 1100, true));
        let part = first.slice(10..20);
        drop(first);
        assert_eq!(one.bytes(), 600, "a part keeps the whole");
        drop((part, second));
        assert_eq!((one.bytes(), two.bytes(), outboxes.bytes(), outboxes.is_full()), (0, 0, 0, false));
    }

    #[test]
    fn queue_of_one_connection_is_bounded() {
        let outboxes = Outboxes::new(usize::MAX);
        let queued = Queued::default();
        let full = outboxes.queue(&queued, Bytes::from(vec![0; PER_CONNECTION]));
        assert!(full.is_some() && outboxes.queue(&queued, Bytes::from_static(b"x")).is_none());
    }
}
