//! Clocks: the library has none, somebody waits for the command.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

#[expect(
    clippy::disallowed_methods,
    reason = "the command says how long it took, and plays for so many minutes"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// How long this process worked so far, waits not counted.
pub(super) fn worked() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
