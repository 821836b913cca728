//! Sessions call each other on virtual time.

#[path = "../common/mod.rs"]
mod common;

mod call;
mod negotiation;
mod network;
mod sound;
