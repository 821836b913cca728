//! Counts allocations.

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

/// The system allocator with a counter.
pub type Counting = StatsAlloc<System>;

/// The allocator to install as `#[global_allocator]`, for [`during`] to count allocations.
pub static COUNTING: &Counting = &INSTRUMENTED_SYSTEM;

/// The number of allocations and reallocations during `work`, in all threads.
pub fn during(work: impl FnOnce()) -> usize {
    let region = Region::new(COUNTING);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

/// The number of bytes allocated by `work` that are alive after it, with its result.
pub fn held<T>(work: impl FnOnce() -> T) -> (i64, T) {
    let region = Region::new(COUNTING);
    let value = work();
    let change = region.change();
    let bytes = change.bytes_allocated as i64 - change.bytes_deallocated as i64;
    (bytes, value)
}
