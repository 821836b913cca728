//! The host's clock: monotonic, and running while the machine sleeps.

use offhook::Instant;
use std::time::Duration;

/// The longest sleep of a task, in one piece. Timers of the operating system stand still while the machine is
/// suspended, the clock does not: after a resume, what became due meanwhile is done within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// A monotonic clock that also counts the time a laptop was asleep, so that a registration that lapsed meanwhile is
/// known to have lapsed. (`std::time::Instant` does not count it on Linux.) Copies share one start: give one clock
/// to several phones and their times can be compared.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    start: Duration,
    epoch: std::time::Instant,
}

impl Clock {
    /// A clock that shows [`Instant::ZERO`] now.
    pub fn start() -> Self {
        Self { start: since_boot(), epoch: std::time::Instant::now() }
    }

    /// The time since the start.
    pub fn now(&self) -> Instant {
        Instant::ZERO + since_boot().saturating_sub(self.start)
    }

    /// What the standard library's clock showed at the start; str0m wants to count from one.
    pub(crate) fn epoch(&self) -> std::time::Instant {
        self.epoch
    }

    /// Returns at `at`, or a little before for a wake-up that is far off, which the machines take as a spurious one.
    /// Without a time it never returns.
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
    async fn it_starts_at_zero_and_reaches_what_is_slept_for() {
        let clock = Clock::start();
        let start = clock.now();
        assert!(start < Instant::ZERO + Duration::from_secs(1));
        let at = start + Duration::from_millis(30);
        clock.sleep_until(Some(at)).await;
        assert!(clock.now() >= at);
        assert!(clock.now() < at + Duration::from_secs(5), "{:?}", clock.now());
    }

    #[tokio::test]
    async fn a_time_that_passed_is_not_waited_for_and_no_time_is_never_reached() {
        let clock = Clock::start();
        clock.sleep_until(Some(Instant::ZERO)).await;
        let never = clock.sleep_until(None);
        assert!(tokio::time::timeout(Duration::from_millis(20), never).await.is_err());
    }
}
