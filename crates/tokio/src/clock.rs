//! The host's clock: monotonic, and not paused by suspend.

use offhook::Instant;
use std::time::Duration;

/// The longest single sleep of a task. Timers of the operating system pause during suspend, this clock does not: after a resume, overdue
/// timers fire within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// A monotonic clock that includes the time of a suspend, so that a registration that expired meanwhile is refreshed.
/// (`std::time::Instant` excludes it on Linux.) Copies share one start: phones with the same clock have comparable times.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    start: Duration,
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock whose present time is [`Instant::ZERO`].
    pub fn start() -> Self {
        Self { start: since_boot(), epoch: std::time::Instant::now() }
    }

    /// The time since the start.
    pub fn now(&self) -> Instant {
        Instant::ZERO + since_boot().saturating_sub(self.start)
    }

    /// The time of the standard library's clock at the start; str0m needs one as origin.
    pub(crate) fn epoch(&self) -> std::time::Instant {
        self.epoch
    }

    /// Returns at `at`, or earlier if that is more than `LONGEST_SLEEP` away (early wake-ups are harmless). Without a time it never returns.
    pub(crate) async fn sleep_until(&self, at: Option<Instant>) {
        match at {
            None => std::future::pending().await,
            Some(at) => tokio::time::sleep(at.saturating_since(self.now()).min(LONGEST_SLEEP)).await,
        }
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    use std::sync::LazyLock;
    static FIRST: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn starts_at_zero_and_sleeps_until_the_time() {
        let clock = Clock::start();
        let start = clock.now();
        assert!(start < Instant::ZERO + Duration::from_secs(1));
        let at = start + Duration::from_millis(30);
        clock.sleep_until(Some(at)).await;
        assert!(clock.now() >= at);
        assert!(clock.now() < at + Duration::from_secs(5), "{:?}", clock.now());
    }

    #[tokio::test]
    async fn past_time_returns_immediately_and_no_time_never() {
        let clock = Clock::start();
        clock.sleep_until(Some(Instant::ZERO)).await;
        let never = clock.sleep_until(None);
        assert!(tokio::time::timeout(Duration::from_millis(20), never).await.is_err());
    }
}
