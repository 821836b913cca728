//! The four transaction machines (RFC 3261 §17 with the corrections of RFC 6026), as the proxy needs them.
//!
//! A machine returns what to send, and its deadline. Its owner, the [`Context`](crate::proxy::Context), sends.

mod client;
mod key;
mod server;
mod timers;

pub(crate) use client::{Client, ResponseOutcome, TimerOutcome};
pub(crate) use key::ServerKey;
pub(crate) use server::Server;
pub(crate) use timers::TIMEOUT;
