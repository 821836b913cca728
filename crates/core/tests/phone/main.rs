//! Tests of the public API: two phones on a wire, or one with a scripted peer, on virtual time.

mod accounts;
mod any_input;
mod any_server;
mod bad_peers;
mod call;
mod challenges;
mod checkpoint;
mod consent;
mod credentials;
mod early_media;
mod hold_and_digits;
mod incoming;
mod info;
mod nonces;
mod realms;
mod redirects;
mod renegotiation;
mod requests;
mod rogue;
mod server_log;
mod timers;
mod transfer;
