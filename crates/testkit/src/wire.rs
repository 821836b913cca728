use bytes::Bytes;
use offhook::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// Decides whether a message is lost.
pub type Loses = Box<dyn FnMut(&[u8]) -> bool>;

/// Messages in transit, each with a label for its ends. They arrive in the order of sending.
pub struct Wire<L> {
    /// The latency (10 ms).
    pub latency: Duration,
    /// Decides whether a message is lost; called once for each message.
    pub loses: Loses,
    /// By the time of arrival, then in the order of sending.
    queue: BTreeMap<(Instant, u64), (L, Bytes)>,
    sent: u64,
}

impl<L> Default for Wire<L> {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(10),
            loses: Box::new(|_| false),
            queue: BTreeMap::new(),
            sent: 0,
        }
    }
}

impl<L> Wire<L> {
    /// Sends a message at `now`. Returns whether it will arrive.
    pub fn send(&mut self, now: Instant, label: L, data: Bytes) -> bool {
        let arrives = !(self.loses)(&data);
        if arrives {
            self.sent += 1;
            self.queue.insert((now + self.latency, self.sent), (label, data));
        }
        arrives
    }

    /// The time at which the next message arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next message, if it has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<(L, Bytes)> {
        self.next_arrival().filter(|at| *at <= now)?;
        self.queue.pop_first().map(|(_, message)| message)
    }
}
