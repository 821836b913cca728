//! What Offhook costs, and what it is measured against.
//!
//! The command (`cargo run --release -p offhook-benches`) prints figures; the criterion benches
//! (`cargo bench -p offhook-benches`) watch the clock. Both do the work that stands here.

pub mod allocations;
pub mod basic;
mod callgrind;
pub mod handle;
pub mod memory;
pub mod recorder;
pub mod register;
pub mod wire;
