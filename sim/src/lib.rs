//! The deterministic simulator of Offhook: phones and exchanges on bad networks, in virtual time.
//!
//! Two stages. A seed becomes a [`Scenario`](scenario::Scenario): an explicit list of who is there, what they do and what goes
//! wrong. A scenario is then played. Nothing is drawn while it is played but the fates of messages, and those hang on what each
//! message is ([`fate`]), so that a step can be taken out and the rest goes on as it did.

pub mod fate;
pub mod hash;
pub mod media;
pub mod queue;
pub mod scenario;
