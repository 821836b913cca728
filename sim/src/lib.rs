//! The deterministic simulator of Offhook: phones and exchanges on bad networks, in virtual time.
//!
//! A run has two stages. A seed is expanded to a [`Scenario`](scenario::Scenario): an explicit list of nodes, user actions and faults
//! ([`generate`]). The scenario is then played ([`run`]). Playing draws no random numbers except for the fates of messages, which depend
//! only on the message itself ([`fate`]), so that removing a step leaves the rest of the run unchanged.
//!
//! Oracles check each run ([`oracle`]). A test can also drive a [`World`] by hand, with the same oracles.

mod describe;
pub mod fate;
pub mod flight;
pub mod generate;
#[doc = include_str!("../../docs/simulator.md")]
pub mod guide {}
pub mod hash;
mod html;
mod ladder;
mod machine_trace;
pub mod marks;
pub mod media;
pub mod node;
pub mod oracle;
#[cfg(feature = "planted")]
pub mod planted;
pub mod queue;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod tape;
pub mod told;
pub mod world;

pub use world::World;
