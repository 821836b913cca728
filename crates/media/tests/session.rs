//! Calls between two sessions on virtual time.

mod common;

#[path = "session/agreement.rs"]
mod agreement;
#[path = "session/call.rs"]
mod call;
#[path = "session/forks.rs"]
mod forks;
#[path = "session/negotiation.rs"]
mod negotiation;
#[path = "session/network.rs"]
mod network;
#[path = "session/sound.rs"]
mod sound;
