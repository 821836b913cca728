//! The flight recorder of Offhook.
//!
//! A [`Phone`](offhook::Phone) is a pure function of its configuration, its seed and its inputs. A recording of these reproduces a run
//! exactly: every message and every transition.
//!
//! [`RecordingWriter`] writes recordings as text, without secrets and with a running [`Check`] of what the phone did.
//! [`Recording::read`] reads them, and [`replay::replay`] runs them again and reports where the run diverged.
//! [`Ring`] keeps the newest lines in bounded memory; its recording is replayed from the first checkpoint in it.
//! A runtime calls a [`Log`] while it drives a phone. Sockets, files and threads are left to the runtime: see `offhook-tokio`.
//!
//! # Contents of a recording
//!
//! Secrets are redacted when a recording is written (see [`redact`]): passwords, values computed from them, tokens, media keys, digits,
//! and texts of users. Names, addresses and the parties of calls are not. Nor is the seed of the phone: anyone who knows it can forge the
//! tags and branches of the phone as long as it runs.
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
mod text;
mod write;
mod writer;

pub use batch::Batch;
pub use check::Check;
pub use log::{Log, Sink, SinkStatus};
pub use pcap::pcap;
pub use read::{ReadError, Unreadable};
pub use recording::{Entry, EntryKind, PhoneRecording, Recording};
pub use ring::Ring;
pub use scenario::scenario;
pub use writer::{Notice, PhoneId, RecordingWriter};
