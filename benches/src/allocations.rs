//! Counting what is allocated.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

/// The system's allocator with a counter.
pub type Counting = StatsAlloc<System>;

/// The allocator to install as `#[global_allocator]` where [`during`] shall see anything.
pub static COUNTING: &Counting = &INSTRUMENTED_SYSTEM;

/// How often `work` asked for memory: allocations and growths of allocations, of all threads.
pub fn during(work: impl FnOnce()) -> usize {
    let region = Region::new(COUNTING);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

/// How many bytes more are allocated after `work` than before, while what it returns is alive.
pub fn held<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let region = Region::new(COUNTING);
    let value = work();
    let change = region.change();
    let bytes = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    (bytes, value)
}
