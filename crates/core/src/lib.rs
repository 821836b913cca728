//! The SIP user agent of Offhook: a phone as a sans-I/O library, without sockets, clocks, tasks or ambient randomness.
//!
//! [`Phone`] is a plain value. Bytes, time, randomness (one seed) and media results go in with
//! [`Phone::handle`]; bytes, events and requests to the host come out of [`Phone::poll`];
//! [`Phone::deadline`] says when to wake it.
//!
//! Related crates: `offhook-wire` (bytes and messages), `offhook-media` (a sans-I/O media engine), `offhook-tokio` (a
//! runtime). Another runtime carries out the outputs: it opens connections, sends and receives messages, and gives effects to a media
//! engine.
//!
//! # Example
//!
//! Two phones, joined by moving their messages. In place of a media engine there is a function; it answers at once.
//!
//! ```
//! use offhook::{
//!     Account, Agreed, CallEffect, CallEvent, Config, ConnectionChange, Dial, Direction, Effect, EffectResult, Event,
//!     Input, Instant, MediaEvent, MediaTypes, Output, Phone, Status,
//! };
//!
//! fn media(effect: &CallEffect) -> Option<EffectResult> {
//!     let agreed = Agreed::new(Direction::SendRecv).with_types(MediaTypes::AUDIO_VIDEO);
//!     Some(match effect {
//!         CallEffect::Check { .. } => EffectResult::Checked(agreed),
//!         CallEffect::Offer { .. } => EffectResult::Description("an offer".into()),
//!         CallEffect::Answer { .. } => EffectResult::Answered { answer: "an answer".into(), agreed },
//!         CallEffect::Apply { .. } => EffectResult::Applied(agreed),
//!         _ => return None, // Mute, Rollback and Release have no result.
//!     })
//! }
//!
//! let now = Instant::ZERO;
//! let phone = |user: &str, seed| {
//!     let mut account = Account::new(format!("sip:{user}@example.com"), None, "ws://example.com").unwrap();
//!     account.register = false;
//!     Phone::new(Config::new(account), [seed; 32], now)
//! };
//! let mut phones = [phone("alice", 1), phone("bob", 2)];
//! let mut connections = [None, None];
//! let mut call = None;
//! let mut established = 0;
//! while established < 2 {
//!     for one in 0..2 {
//!         while let Some(output) = phones[one].poll() {
//!             match output {
//!                 Output::Open { connection, .. } => {
//!                     connections[one] = Some(connection);
//!                     let change = ConnectionChange::Up { local: None };
//!                     phones[one].handle(now, Input::Connection { connection, change }).unwrap();
//!                 }
//!                 Output::Transmit { data, .. } => {
//!                     let connection = connections[1 - one].expect("both are connected");
//!                     phones[1 - one].handle(now, Input::Received { connection, data }).unwrap();
//!                 }
//!                 Output::Effect { id, effect: Effect::Call { session, leg, effect } } => {
//!                     let Some(result) = media(&effect) else { continue };
//!                     phones[one].handle(now, Input::Done { effect: id, result }).unwrap();
//!                     if matches!(effect, CallEffect::Answer { .. } | CallEffect::Apply { .. }) {
//!                         let event = MediaEvent::Up;
//!                         phones[one].handle(now, Input::Media { session, leg, event }).unwrap();
//!                     }
//!                 }
//!                 Output::Event(Event::Call { session, event }) => match event {
//!                     CallEvent::Incoming(incoming) => {
//!                         assert_eq!(incoming.types, Some(MediaTypes::AUDIO_VIDEO));
//!                         phones[one].set_media_types(now, session, MediaTypes::AUDIO_VIDEO).unwrap();
//!                         phones[one].answer(now, session).unwrap();
//!                     }
//!                     CallEvent::Status { to: Status::Established, .. } => established += 1,
//!                     other => println!("{other:?}"),
//!                 },
//!                 _ => {}
//!             }
//!         }
//!     }
//!     if call.is_none() && connections.iter().all(Option::is_some) {
//!         let dial = Dial::to("sip:bob@example.com").with_types(MediaTypes::AUDIO_VIDEO);
//!         call = Some(phones[0].dial(now, dial).unwrap());
//!     }
//! }
//! ```
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

pub use bytes::Bytes;

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
