//! Calls between two sessions on virtual time.

mod common;

#[path = "session/call.rs"]
mod call;
#[path = "session/negotiation.rs"]
mod negotiation;
#[path = "session/network.rs"]
mod network;
#[path = "session/sound.rs"]
mod sound;
