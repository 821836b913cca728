//! The SIP user agent of Offhook: a phone as a sans-I/O library, without sockets, clocks, tasks or ambient randomness.
//!
//! [`Phone`] is a plain value. Bytes, time, randomness (one seed) and media results go in with
//! [`Phone::handle`]; bytes, events and requests to the host come out of [`Phone::poll`];
//! [`Phone::deadline`] says when to wake it.
//!
//! Related crates: `offhook-wire` (bytes and messages), `offhook-media` (a sans-I/O media engine), `offhook-tokio` (a
//! runtime). Another runtime needs about forty lines.
#![forbid(unsafe_code)]

mod account;
mod api;
mod base;
mod call;
mod capabilities;
mod connection;
mod dialog;
mod negotiation;
mod outside;
mod phone;
mod planted;
mod request;
#[cfg(test)]
mod testing;
mod transaction;

pub use api::checkpoint::{
    AccountCheckpoint, Checkpoint, ConnectionCheckpoint, InvalidCheckpoint, RealmCheckpoint,
    RegistrationCheckpoint,
};
pub use api::command::{
    AccountCommand, CallCommand, Command, Credentials, Dial, DtmfPath, Request, RequestKind,
};
pub use api::config::{
    Account, Config, Framing, Hop, HopError, RedirectPolicy, ReferPolicy, RegistrationPolicy, RenegotiateBy,
    Server, TransactionTimes, Transport,
};
pub use api::connection::{ConnectionChange, ConnectionFailure, ConnectionState};
pub use api::deadline::{Deadline, DeadlineKind, PendingTimer};
pub use api::effect::{AccountEffect, Agreed, CallEffect, Effect, EffectResult, MediaEvent, MediaFault};
pub use api::event::{
    AccountEvent, CallEvent, DigitFailure, Event, Incoming, PeerCapabilities, RegistrationFailure,
    RegistrationState, RequestOutcome, TransferState, Untrusted,
};
pub use api::id::{AccountId, ConnectionId, EffectId, LegId, RequestId, SessionId};
pub use api::io::{Input, Output};
pub use api::media_types::MediaTypes;
pub use api::misuse::Misuse;
pub use api::reason::{Cause, EndReason, EndedBy};
pub use api::status::Status;
pub use api::trace::{Record, Traced};
pub use base::name::{AccountTimer, Machine};
pub use offhook_wire::digest::{Algorithm, Password, ResponderSnapshot, Secret};
pub use offhook_wire::sdp::Direction;
pub use offhook_wire::{Instant, Limits};
#[cfg(any(test, feature = "marks"))]
pub use phone::Marks;
pub use phone::{Counters, Holdings, Phone};
#[cfg(feature = "planted")]
pub use planted::Bug;
