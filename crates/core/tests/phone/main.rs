//! The phone from outside: two of them with a wire between, or one with a peer that the test plays. Virtual time.

mod anything;
mod bad_peers;
mod call;
mod challenges;
mod changes;
mod early_media;
mod hold_and_digits;
mod incoming;
mod rest;
mod rogue;
mod timers;
mod transfer;
