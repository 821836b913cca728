//! The deterministic simulator of Offhook: phones and exchanges on bad networks, in virtual time.
//!
//! Two stages. A seed becomes a [`Scenario`](scenario::Scenario): an explicit list of who is there, what they do and what goes
//! wrong ([`generate`]). A scenario is then played ([`run`]). Nothing is drawn while it is played but the fates of messages, and
//! those hang on what each message is ([`fate`]), so that a step can be taken out and the rest goes on as it did.
//!
//! Oracles watch each run ([`oracle`]). A test can also drive a [`World`] by hand, with the same oracles watching.

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
pub mod world;

pub use world::World;
