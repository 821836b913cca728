//! A token bucket that stores one time.

use std::time::Duration;

use offhook_wire::Instant;

use crate::config::Rate;

/// A token bucket for a [`Rate`]. Initially full.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Bucket {
    /// The time at which it is full again.
    full: Instant,
}

impl Bucket {
    /// The time until a token is available; none if one is.
    pub(super) fn wait(&self, now: Instant, rate: Rate) -> Option<Duration> {
        let missing = self.full.saturating_since(now);
        let allowed = rate.interval * rate.burst.saturating_sub(1);
        (missing > allowed).then(|| missing - allowed)
    }

    /// Takes a token. The count can become negative.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) {
        self.full = self.full.max(now) + rate.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_one_per_interval() {
        let rate = Rate { burst: 2, interval: Duration::from_secs(10) };
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let mut bucket = Bucket::default();
        for _ in 0..2 {
            assert_eq!(bucket.wait(at(0), rate), None);
            bucket.take(at(0), rate);
        }
        assert_eq!(bucket.wait(at(4), rate), Some(Duration::from_secs(6)));
        assert_eq!(bucket.wait(at(10), rate), None);
        bucket.take(at(10), rate);
        assert_eq!(bucket.wait(at(10), rate), Some(Duration::from_secs(10)));
        assert_eq!(bucket.wait(at(40), rate), None);
    }
}
