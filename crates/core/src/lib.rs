//! A telephone as a library: the SIP user agent of Offhook, without sockets, clocks, tasks or ambient randomness.
//!
//! [`Phone`] is a plain value. Bytes, time, randomness (one seed) and media results go in with
//! [`Phone::handle`]; bytes, events and requests to the host come out of [`Phone::poll`];
//! [`Phone::deadline`] says when to wake it.
//!
//! Crates beside it: `offhook-wire` (bytes and messages), `offhook-media` (a media engine of the same
//! shape), `offhook-tokio` (a runtime). Any other runtime needs some forty lines.
#![forbid(unsafe_code)]

mod address;
mod bounds;
mod checkpoint;
mod command;
mod config;
mod cx;
mod deadline;
mod dialog;
mod dtmf;
mod effect;
mod entropy;
mod event;
mod id;
mod input;
mod line;
mod machine;
mod marks;
mod misuse;
mod negotiation;
mod path;
mod phone;
mod planted;
mod reason;
mod session;
mod status;
#[cfg(test)]
mod testing;
mod timer;
mod trace;
mod transaction;
mod uas;

pub use checkpoint::{Checkpoint, FlowCheckpoint, LineCheckpoint, NotARest, RegistrationCheckpoint};
pub use command::{Command, Dial, DtmfPath};
pub use config::{
    Account, Config, RegistrationPolicy, Server, Target, TargetError, TransactionTimes, Transport,
};
pub use deadline::{Alarm, Deadline, Why};
pub use effect::{Effect, EffectResult, MediaEvent, MediaFault};
pub use event::{
    DigitFailure, Event, FlowState, Incoming, RegistrationFailure, RegistrationState, TransferState,
};
pub use id::{AccountId, EffectId, FlowId, SessionId};
pub use input::{FlowChange, FlowFailure, Input, Output};
pub use line::LineTimer;
#[cfg(any(test, feature = "marks"))]
pub use marks::Marks;
pub use misuse::Misuse;
pub use offhook_wire::digest::{Password, Remembered, Secret};
pub use offhook_wire::sdp::Direction;
pub use offhook_wire::{Instant, Limits};
pub use phone::{Counters, Holdings, Phone};
#[cfg(feature = "planted")]
pub use planted::Bug;
pub use reason::{By, Cause, EndReason};
pub use status::Status;
pub use trace::{Machine, Record};
