//! Phones and an exchange on the loopback: real sockets, real media, real time.

mod calls;
mod exchange;
mod recorder;
mod registration;
mod users;
mod world;
