//! Recent requests that have no transaction any more.

use super::key::Key;
use crate::base::bounds;
use offhook_wire::Instant;
use std::collections::VecDeque;

/// The INVITEs that were answered with a 2xx and whose transaction has ended: over a reliable transport immediately, else with
/// its connection. A proxy that lost the 2xx with a connection retransmits the INVITE over the next one. That must not create a
/// second call: the first one retransmits its 2xx until the ACK (RFC 3261 §13.3.1.4).
///
/// Also the CANCELs over UDP, which have no transaction and may be retransmitted after that of their INVITE has ended. In lists of their
/// own: the MESSAGEs that were accepted, which a proxy retransmits likewise, and the requests that were refused without a transaction,
/// by overload or because they were merged, whose retransmissions get the same response.
pub(super) struct RecentRequests {
    /// The maximum number of requests.
    most: usize,
    /// Oldest first.
    keys: VecDeque<(Instant, Key)>,
}

impl RecentRequests {
    /// An empty list for at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, keys: VecDeque::new() }
    }

    /// Stores a request until a time.
    pub(super) fn insert(&mut self, until: Instant, key: Key) {
        if self.keys.len() == self.most {
            self.keys.pop_front();
        }
        self.keys.push_back((until, key));
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the list has this request.
    pub(super) fn contains(&mut self, now: Instant, key: Key) -> bool {
        self.expire(now);
        self.keys.iter().any(|(_, recent)| *recent == key)
    }

    /// Removes expired requests and releases their memory.
    pub(super) fn shrink(&mut self, now: Instant) {
        self.expire(now);
        self.keys.shrink_to_fit();
    }

    /// The requests, oldest first, with their expiry.
    pub(super) fn snapshot(&self) -> Vec<(Instant, u128)> {
        self.keys.iter().map(|(until, key)| (*until, key.as_u128())).collect()
    }

    /// Restores a snapshot; `None` if it is not one of such a list.
    pub(super) fn restore(remembered: &[(Instant, u128)]) -> Option<Self> {
        let keys = remembered.iter().map(|(until, key)| (*until, Key::from_u128(*key)));
        let most = bounds::RECENT_REQUESTS;
        (remembered.len() <= most).then(|| Self { most, keys: keys.collect() })
    }

    fn expire(&mut self, now: Instant) {
        while self.keys.front().is_some_and(|(until, _)| *until <= now) {
            self.keys.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;
    use crate::testing::{at, message};
    use crate::transaction::key::Keys;

    #[test]
    fn expired_requests_release_their_memory() {
        let options = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS c;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=a\r\n\
                       To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n";
        let key = Keys::new(&mut Entropy::new([1; 32])).of_request(&message(options)).expect("a key");
        let mut recent = RecentRequests::new(1);
        recent.insert(at(32.0), key);
        recent.shrink(at(31.9));
        assert!(recent.contains(at(31.9), key));
        recent.shrink(at(32.0));
        assert_eq!(recent.keys.capacity(), 0);
    }
}
