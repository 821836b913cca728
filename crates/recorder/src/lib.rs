//! The flight recorder of Offhook.
//!
//! A [`Phone`](offhook::Phone) is a pure function of its configuration, its seed and its inputs. Who keeps these can run
//! on a desk what happened in the field, bit for bit: every message, every transition.
//!
//! [`Scribe`] writes them down as text, without the secrets and with a running [`Check`] of what the phone did;
//! [`Recording::read`] reads them back, and [`replay::replay`] runs them and says where something was otherwise.
//! [`Ring`] keeps the last of them in bounded memory, and is replayed from the first moment on at which the phone rested.
//! A [`Log`] is what a runtime calls while it drives a phone. Sockets, files and threads are the runtime's: see `offhook-tokio`.
//!
//! # What a recording holds
//!
//! Everything but secrets: passwords, what was computed from them, tokens, media keys, digits, and what people wrote are
//! replaced when it is written (see [`redact`]). Names, addresses and who called whom are in it, and the seed of the phone's
//! tags and branches, which are worth something as long as the phone runs.
#![forbid(unsafe_code)]

mod batch;
mod check;
pub mod ladder;
mod log;
mod names;
mod pcap;
mod read;
mod recording;
pub mod redact;
pub mod replay;
mod ring;
mod scenario;
mod scribe;
mod text;
mod write;

pub use batch::Batch;
pub use check::Check;
pub use log::{Log, Sink, Taken};
pub use pcap::pcap;
pub use read::{ReadError, Unreadable};
pub use recording::{Entry, Recording, Track, What};
pub use ring::Ring;
pub use scenario::scenario;
pub use scribe::{Notice, Scribe, TrackId};
