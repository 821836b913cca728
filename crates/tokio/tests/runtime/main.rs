//! Phones and an exchange on the loopback: real sockets, real media, real time.

mod accounts;
mod calls;
mod exchange;
mod media;
mod recorder;
mod registration;
mod requests;
mod users;
mod world;
