//! Benchmarks of Offhook, and their baselines.
//!
//! The command (`cargo run --release -p offhook-benches`) prints figures; the criterion benches
//! (`cargo bench -p offhook-benches`) measure time. Both run the work in this crate.

pub mod allocations;
pub mod basic;
mod callgrind;
pub mod handle;
pub mod memory;
pub mod recorder;
pub mod register;
pub mod wire;
