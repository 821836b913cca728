//! A token bucket that holds one time.

use std::time::Duration;

use offhook_wire::Instant;

use crate::config::Rate;

/// Counts what is allowed at a [`Rate`]. Full at first.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Bucket {
    /// When it will be full again.
    full: Instant,
}

impl Bucket {
    /// How long until there is a token; none if there is one.
    pub(super) fn wait(&self, now: Instant, rate: Rate) -> Option<Duration> {
        let missing = self.full.saturating_since(now);
        let allowed = rate.interval * rate.burst.saturating_sub(1);
        (missing > allowed).then(|| missing - allowed)
    }

    /// Takes a token; what was taken beyond the burst has to be made up for.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) {
        self.full = self.full.max(now) + rate.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_in_each_interval() {
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
