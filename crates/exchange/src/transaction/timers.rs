//! The intervals of RFC 3261 §17 and the schedule of retransmissions.

use std::time::Duration;

use offhook_wire::Instant;

/// RFC 3261 §17.1.1.1: the estimate of a round trip.
pub(crate) const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2: the longest interval between retransmissions of a non-INVITE request.
pub(crate) const T2: Duration = Duration::from_secs(4);
/// RFC 3261 §17.1.2.2: how long a message stays in the network.
pub(crate) const T4: Duration = Duration::from_secs(5);
/// 64*T1: timers B, D (at least 32 s), F, H, J, L and M.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(32);

/// A schedule of retransmissions at doubling intervals.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Backoff {
    at: Instant,
    interval: Duration,
    longest: Duration,
}

impl Backoff {
    /// First after T1, then at doubling intervals up to `longest`; none on a reliable transport.
    pub(super) fn start(now: Instant, reliable: bool, longest: Duration) -> Option<Self> {
        (!reliable).then(|| Self { at: now + T1, interval: T1, longest })
    }

    /// The same schedule with intervals of T2 from the next retransmission on.
    pub(super) fn at_t2(self) -> Self {
        Self { interval: T2, ..self }
    }

    /// True if a retransmission is due; then schedules the next one.
    pub(super) fn fire(&mut self, now: Instant) -> bool {
        if self.at > now {
            return false;
        }
        self.interval = (self.interval * 2).min(self.longest);
        self.at = now + self.interval;
        true
    }
}

pub(super) fn earliest(retransmit: &Option<Backoff>, until: Instant) -> Instant {
    retransmit.map_or(until, |backoff| backoff.at.min(until))
}
