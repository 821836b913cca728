//! The queue of events between an engine and the program.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// The maximum of queued events. Beyond it the oldest are dropped and counted.
const CAPACITY: usize = 256;

/// A bounded queue whose writer never waits, so that signalling continues if the program does not read. A full queue drops its oldest item,
/// because the newest one has the present state.
pub(crate) struct Queue<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

struct State<T> {
    items: VecDeque<T>,
    missed: u64,
    closed: bool,
}

/// The result of [`Queue::next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    Item(T),
    /// This many items were dropped before the next one.
    Missed(u64),
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} waiting)", self.state().items.len())
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { items: VecDeque::new(), missed: 0, closed: false };
        Self { inner: Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }) }
    }

    pub(crate) fn push(&self, item: T) {
        // The dropped item is dropped outside the lock: it may be a call, which hangs up.
        let _lost = {
            let mut state = self.state();
            let full = state.items.len() >= CAPACITY;
            let lost = if full { state.items.pop_front() } else { None };
            state.missed += u64::from(lost.is_some());
            if !state.closed {
                state.items.push_back(item);
            }
            lost
        };
        self.inner.changed.notify_one();
    }

    /// Closes the queue. Queued items can still be read.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.inner.changed.notify_one();
    }

    /// Closes the queue for a reader that is gone, and drops all items.
    pub(crate) fn discard(&self) {
        let items = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.items)
        };
        drop(items);
    }

    /// The next one; `None` when the queue is closed and empty. Cancel-safe. One reader only.
    pub(crate) async fn next(&mut self) -> Option<Popped<T>> {
        loop {
            {
                let mut state = self.state();
                match std::mem::take(&mut state.missed) {
                    0 => {}
                    missed => return Some(Popped::Missed(missed)),
                }
                if let Some(item) = state.items.pop_front() {
                    return Some(Popped::Item(item));
                }
                if state.closed {
                    return None;
                }
            }
            self.inner.changed.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.inner.state.lock().expect("no panic while it is held")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn full_queue_drops_and_counts_the_oldest() {
        let mut queue = Queue::new();
        for n in 0..CAPACITY + 3 {
            queue.push(n);
        }
        assert_eq!(queue.next().await, Some(Popped::Missed(3)));
        assert_eq!(queue.next().await, Some(Popped::Item(3)));
        for _ in 4..CAPACITY + 3 {
            queue.next().await;
        }
        queue.push(7);
        queue.close();
        queue.push(8);
        assert_eq!(queue.next().await, Some(Popped::Item(7)));
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn waiting_reader_is_woken() {
        let mut queue = Queue::new();
        let writer = queue.clone();
        let (got, ()) = tokio::join!(queue.next(), async { writer.push(1) });
        assert_eq!(got, Some(Popped::Item(1)));
    }

    #[tokio::test]
    async fn discarded_queue_is_empty() {
        let queue = Queue::new();
        let item = Arc::new(());
        queue.push(Arc::clone(&item));
        queue.discard();
        queue.push(Arc::clone(&item));
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
