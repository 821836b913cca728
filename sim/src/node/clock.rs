//! A clock with offset and drift, which can be set and stopped.

use std::time::Duration;

use offhook_wire::Instant;

use crate::scenario::ClockStep;

/// The clock of a node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// When it was last set, in world time.
    set: Instant,
    /// Its time then.
    shown: Instant,
    /// The latest time that the node has read, and its value when the clock was last set.
    seen: Instant,
    floor: Instant,
    /// The elapsed time of the node before the clock was last set.
    elapsed: Duration,
    drift: i32,
    stopped: bool,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// A clock that shows `offset` nanoseconds at the start of the world, with a drift in parts per million.
    pub fn new(offset: u64, drift: i32) -> Self {
        let shown = Instant::from_nanos(offset);
        Self {
            set: Instant::ZERO,
            shown,
            seen: shown,
            floor: shown,
            elapsed: Duration::ZERO,
            drift,
            stopped: false,
        }
    }

    /// Its time at a world time.
    pub fn local(self, world: Instant) -> Instant {
        if self.stopped {
            return self.shown;
        }
        self.shown + self.run(world)
    }

    /// Its time at a world time, made monotonic.
    pub fn monotonic(self, world: Instant) -> Instant {
        self.local(world).max(self.seen)
    }

    /// Whether it was set back and is behind a time that the node has read.
    pub fn is_behind(self, world: Instant) -> bool {
        self.local(world) < self.monotonic(world)
    }

    /// The node reads the clock.
    pub fn read(&mut self, world: Instant) -> Instant {
        self.seen = self.monotonic(world);
        self.local(world)
    }

    /// The elapsed time of the node: without stops, steps, and times that it has read before.
    pub fn elapsed(self, world: Instant) -> Duration {
        self.elapsed_until(self.local(world))
    }

    fn elapsed_until(self, local: Instant) -> Duration {
        self.elapsed + local.saturating_since(self.shown.max(self.floor))
    }

    /// The earliest world time at which it shows `local` or more, unless it is set.
    pub fn world(self, local: Instant) -> Instant {
        if self.stopped && self.shown < local {
            return Instant::from_nanos(u64::MAX);
        }
        let passes = local.saturating_since(self.shown).as_nanos() as i128;
        let near = passes * MILLION / (MILLION + i128::from(self.drift)) - 1;
        let near = Duration::from_nanos(u64::try_from(near.max(0)).unwrap_or(u64::MAX));
        let mut world = self.set + near;
        while self.local(world) < local && world.as_nanos() < u64::MAX {
            world = Instant::from_nanos(world.as_nanos() + 1);
        }
        world
    }

    /// Sets it.
    pub fn step(&mut self, world: Instant, step: ClockStep) {
        match step {
            ClockStep::Forward(by) => {
                self.reset(world, self.local(world));
                self.shown += by;
            }
            // Times that the node has not read are still to come.
            ClockStep::Back(by) => {
                self.reset(world, self.local(world).min(self.seen));
                self.shown = Instant::ZERO + self.shown.saturating_since(Instant::ZERO + by);
            }
        }
    }

    /// Stops it.
    pub fn stop(&mut self, world: Instant) {
        self.reset(world, self.local(world));
        self.stopped = true;
    }

    /// Starts it again; if `counted`, as if it had not been stopped.
    pub fn resume(&mut self, world: Instant, counted: bool) {
        if !self.stopped {
            return;
        }
        self.stopped = false;
        let passed = self.run(world);
        self.set = world;
        if counted {
            self.shown += passed;
        }
    }

    /// Sets it to the latest time that the node has read, if it is behind.
    pub fn catch_up(&mut self, world: Instant) {
        self.reset(world, self.local(world));
        self.shown = self.shown.max(self.seen);
    }

    /// Starts a new segment; time before `until` counts as elapsed.
    fn reset(&mut self, world: Instant, until: Instant) {
        self.elapsed = self.elapsed_until(until);
        self.shown = self.local(world);
        self.set = world;
        self.floor = self.seen;
    }

    /// The time since it was set, with drift.
    fn run(self, world: Instant) -> Duration {
        let passed = world.saturating_since(self.set).as_nanos() as i128;
        let counted = passed + passed * i128::from(self.drift) / MILLION;
        Duration::from_nanos(u64::try_from(counted).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_deadline_is_exact_to_the_nanosecond() {
        for drift in [-50_000, -1, 0, 3, 50_000] {
            let clock = Clock::new(1_234_567, drift);
            for nanos in [1_234_567, 1_234_568, 5_000_000_001, 3_600_000_000_123] {
                let deadline = Instant::from_nanos(nanos);
                let world = clock.world(deadline);
                assert!(clock.local(world) >= deadline, "{drift} {nanos}");
                if world > Instant::ZERO {
                    assert!(
                        clock.local(Instant::from_nanos(world.as_nanos() - 1)) < deadline,
                        "{drift} {nanos}"
                    );
                }
            }
            assert_eq!(clock.world(Instant::ZERO), Instant::ZERO);
        }
    }

    #[test]
    fn a_step_forward_does_not_elapse() {
        let mut clock = Clock::new(0, 0);
        clock.step(at(10), ClockStep::Forward(Duration::from_secs(3600)));
        assert_eq!(clock.local(at(11)), at(3611));
        assert_eq!(clock.elapsed(at(11)), Duration::from_secs(11));
        assert_eq!(clock.world(at(3700)), at(100));
        assert_eq!(clock.world(at(1000)), at(10), "long past");
    }

    #[test]
    fn time_after_a_step_back_does_not_elapse_twice() {
        let mut clock = Clock::new(1_000_000_000_000, 0);
        assert_eq!(clock.read(at(8)), at(1008));
        clock.step(at(10), ClockStep::Back(Duration::from_secs(5)));
        assert_eq!(clock.local(at(12)), at(1007));
        assert_eq!((clock.read(at(12)), clock.monotonic(at(12))), (at(1007), at(1008)));
        assert!(clock.is_behind(at(12)) && !clock.is_behind(at(13)));
        assert_eq!(clock.elapsed(at(12)), Duration::from_secs(8));
        assert_eq!(clock.world(at(1011)), at(16));
        assert_eq!(clock.elapsed(at(16)), Duration::from_secs(11), "a timer of eleven seconds is due");
        clock.catch_up(at(16));
        assert_eq!(clock.read(at(16)), at(1011), "nothing to catch up with");
        clock.step(at(16), ClockStep::Back(Duration::from_secs(100)));
        clock.catch_up(at(16));
        assert_eq!((clock.local(at(17)), clock.elapsed(at(17))), (at(1012), Duration::from_secs(12)));
    }

    #[test]
    fn a_stopped_clock_may_resume_with_or_without_the_stop() {
        for (counted, shows) in [(true, 110), (false, 20)] {
            let mut clock = Clock::new(0, 0);
            clock.stop(at(10));
            assert_eq!((clock.local(at(50)), clock.elapsed(at(50))), (at(10), Duration::from_secs(10)));
            assert_eq!(clock.world(at(11)), Instant::from_nanos(u64::MAX), "never while stopped");
            clock.resume(at(100), counted);
            assert_eq!((clock.local(at(110)), clock.elapsed(at(110))), (at(shows), Duration::from_secs(20)));
        }
    }
}
