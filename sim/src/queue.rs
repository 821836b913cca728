//! The queue of scheduled events, in order of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use offhook_wire::Instant;

/// Events by time; those of one instant in the order in which they were scheduled.
///
/// The heap holds small keys, which are cheap to move; the events stay in their slots.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Key>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    scheduled: u64,
}

/// Orders by time, then by the order of scheduling.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: Instant,
    number: u64,
    slot: u32,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), scheduled: 0 }
    }

    /// Schedules an event.
    ///
    /// # Panics
    /// If more than 2³² events are scheduled simultaneously.
    pub fn schedule(&mut self, at: Instant, what: T) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2³² events")
        });
        self.slots[slot as usize] = Some(what);
        self.heap.push(Reverse(Key { at, number: self.scheduled, slot }));
        self.scheduled += 1;
    }

    /// The time of the next event.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(key)| key.at)
    }

    /// The next event, if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse(Key { slot, .. }) = self.heap.pop()?;
        self.free.push(slot);
        self.slots[slot as usize].take()
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_ordered_by_time_and_then_by_scheduling() {
        let at = Instant::from_nanos;
        let mut queue = Queue::new();
        for (time, what) in [(5, "c"), (1, "a"), (5, "d"), (3, "b"), (9, "e")] {
            queue.schedule(at(time), what);
        }
        let due: Vec<_> = std::iter::from_fn(|| queue.pop_due(at(5))).collect();
        assert_eq!(due, ["a", "b", "c", "d"]);
        assert_eq!(queue.next_at(), Some(at(9)));
        queue.schedule(at(7), "f");
        let due: Vec<_> = std::iter::from_fn(|| queue.pop_due(at(9))).collect();
        assert_eq!((due, queue.next_at()), (vec!["f", "e"], None));
        assert_eq!(queue.slots.len(), 5, "slots are reused");
    }
}
