//! What will happen, in order of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use offhook_wire::Instant;

/// Happenings by time; those of one instant in the order in which they were planned.
///
/// The heap holds small keys, because most of what it does is moving them; the happenings stay in their places.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Key>>,
    places: Vec<Option<T>>,
    free: Vec<u32>,
    planned: u64,
}

/// What is first is what is earliest, then what was planned first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: Instant,
    number: u64,
    place: u32,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self { heap: BinaryHeap::new(), places: Vec::new(), free: Vec::new(), planned: 0 }
    }

    /// Plans something.
    ///
    /// # Panics
    /// When four thousand million things are planned at once.
    pub fn schedule(&mut self, at: Instant, what: T) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("no world plans so much")
        });
        self.places[place as usize] = Some(what);
        self.heap.push(Reverse(Key { at, number: self.planned, place }));
        self.planned += 1;
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(key)| key.at)
    }

    /// The next thing, if it is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse(Key { place, .. }) = self.heap.pop()?;
        self.free.push(place);
        self.places[place as usize].take()
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
    fn time_orders_and_planning_breaks_ties() {
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
        assert_eq!(queue.places.len(), 5, "places are used again");
    }
}
