//! The phone from outside: two of them with a wire between, or one with a peer that the test plays. Virtual time.

mod bad_peers;
mod call;
mod common;
mod hold_and_digits;
mod transfer;
