//! A clock that started at another time than the world, and runs a little faster or slower.

use offhook_wire::Instant;

/// The clock of one node.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    offset: u64,
    drift: i32,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// A clock that shows `offset` nanoseconds at the start of the world, and `drift` parts per million too many later.
    pub fn new(offset: u64, drift: i32) -> Self {
        Self { offset, drift }
    }

    /// What it shows at a time of the world.
    pub fn local(self, world: Instant) -> Instant {
        let passed = i128::from(world.as_nanos());
        let shown = i128::from(self.offset) + passed + passed * i128::from(self.drift) / MILLION;
        Instant::from_nanos(u64::try_from(shown).unwrap_or(u64::MAX))
    }

    /// The earliest time of the world at which it shows `local` or more.
    pub fn world(self, local: Instant) -> Instant {
        let passed = i128::from(local.as_nanos()) - i128::from(self.offset);
        let near = passed * MILLION / (MILLION + i128::from(self.drift)) - 1;
        let mut world = Instant::from_nanos(u64::try_from(near.max(0)).unwrap_or(u64::MAX));
        while self.local(world) < local && world.as_nanos() < u64::MAX {
            world = Instant::from_nanos(world.as_nanos() + 1);
        }
        world
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_met_at_once_and_not_a_nanosecond_early() {
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
}
