//! The queue of events between an engine and the program that uses it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// Events that may wait. A program that is slower for long loses the oldest ones, and is told how many.
const CAPACITY: usize = 256;

/// A bounded queue whose writer never waits: signalling must go on when a program does not listen. When it is
/// full the oldest item makes room, because the newest one tells how things are.
pub(crate) struct Queue<T> {
    inner: Arc<Inner<T>>,
}

struct Inner<T> {
    state: Mutex<State<T>>,
    news: Notify,
}

struct State<T> {
    items: VecDeque<T>,
    missed: u64,
    closed: bool,
}

/// What [`Queue::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<T> {
    Item(T),
    /// So many items were lost before the one that comes next.
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
        Self { inner: Arc::new(Inner { state: Mutex::new(state), news: Notify::new() }) }
    }

    pub(crate) fn push(&self, item: T) {
        // An item that has to go is dropped after the lock: it may be a call, whose end has consequences.
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
        self.inner.news.notify_one();
    }

    /// Nothing comes any more. What is in it can still be taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.inner.news.notify_one();
    }

    /// Nobody listens any more: forget what waits, and keep nothing from here on.
    pub(crate) fn discard(&self) {
        let items = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.items)
        };
        drop(items);
    }

    /// The next one; `None` when the queue is closed and empty. Cancel-safe. One reader only.
    pub(crate) async fn next(&mut self) -> Option<Taken<T>> {
        loop {
            {
                let mut state = self.state();
                match std::mem::take(&mut state.missed) {
                    0 => {}
                    missed => return Some(Taken::Missed(missed)),
                }
                if let Some(item) = state.items.pop_front() {
                    return Some(Taken::Item(item));
                }
                if state.closed {
                    return None;
                }
            }
            self.inner.news.notified().await;
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
    async fn a_full_queue_loses_the_oldest_and_says_how_many() {
        let mut queue = Queue::new();
        for n in 0..CAPACITY + 3 {
            queue.push(n);
        }
        assert_eq!(queue.next().await, Some(Taken::Missed(3)));
        assert_eq!(queue.next().await, Some(Taken::Item(3)));
        for _ in 4..CAPACITY + 3 {
            queue.next().await;
        }
        queue.push(7);
        queue.close();
        queue.push(8);
        assert_eq!(queue.next().await, Some(Taken::Item(7)));
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let mut queue = Queue::new();
        let writer = queue.clone();
        let (got, ()) = tokio::join!(queue.next(), async { writer.push(1) });
        assert_eq!(got, Some(Taken::Item(1)));
    }

    #[tokio::test]
    async fn a_discarded_queue_keeps_nothing() {
        let queue = Queue::new();
        let item = Arc::new(());
        queue.push(Arc::clone(&item));
        queue.discard();
        queue.push(Arc::clone(&item));
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
