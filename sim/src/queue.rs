//! What will happen, in order of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use offhook_wire::Instant;

/// Happenings by time; those of one instant in the order in which they were planned.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    planned: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    number: u64,
    what: T,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), planned: 0 }
    }

    /// Plans something.
    pub fn plan(&mut self, at: Instant, what: T) {
        self.heap.push(Reverse(Entry { at, number: self.planned, what }));
        self.planned += 1;
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The next thing, if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.what)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_orders_and_planning_breaks_ties() {
        let at = Instant::from_nanos;
        let mut queue = Queue::new();
        for (time, what) in [(5, "c"), (1, "a"), (5, "d"), (3, "b"), (9, "e")] {
            queue.plan(at(time), what);
        }
        let due: Vec<_> = std::iter::from_fn(|| queue.pop_due(at(5))).collect();
        assert_eq!(due, ["a", "b", "c", "d"]);
        assert_eq!(queue.next_at(), Some(at(9)));
    }
}
