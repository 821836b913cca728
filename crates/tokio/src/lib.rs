//! The tokio runtime of Offhook: sockets, WebSocket, TLS, media, a clock and entropy for the core, which has no I/O.
//!
//! [`Phone::start`] starts a phone; [`Phone::dial`] and [`Phone::next`] return calls. [`ExchangeServer`] is the embedded exchange on real
//! sockets: registrar and proxy for tests, demonstrations and small sites.
//!
//! ```no_run
//! use offhook::{Account, Config, Password};
//! use offhook_tokio::{Phone, PhoneEvent};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A phone that answers every call and plays a tone.
//! let account = Account::new("sip:bob@example.com", Some(Password::plain("secret")), "ws://127.0.0.1:5066")?;
//! let options = offhook_tokio::Options::default().with_play(offhook_media::Source::tone(880.0));
//! let mut phone = Phone::start_with(Config::new(account), options).await?;
//! while let Some(event) = phone.next().await {
//!     if let PhoneEvent::Incoming(call) = event {
//!         call.answer().await?;
//!         call.detach();
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # How it runs
//!
//! A phone is one task with one `select!`, which polls its connections. Each call has a second task for its media, so that encoding and
//! decoding do not delay signalling. All channels are bounded, and no task waits for the program: [`Call`] describes what happens to events
//! that are not read.
#![forbid(unsafe_code)]

mod call;
mod call_update;
mod clock;
mod connection;
mod credentials;
mod engine;
mod entropy;
mod error;
mod exchange;
mod media;
mod options;
mod phone;
mod phone_event;
mod queue;
mod recorder;
mod tap;

pub use call::Call;
pub use call_update::{CallUpdate, MediaUpdate};
pub use clock::Clock;
pub use connection::{Roots, TlsError};
pub use credentials::CredentialsRequest;
pub use error::{CommandError, NotRegistered, StartError};
pub use exchange::{
    Addresses, CertifiedKey, ExchangeError, ExchangeServer, Listen, Origin, OriginError, Origins, ServerLoad,
};
pub use offhook::{AccountEvent, CallEvent};
pub use options::{Bind, Options};
pub use phone::Phone;
pub use phone_event::PhoneEvent;
pub use recorder::{Recorder, RecorderOptions, RecorderTrack, TrackSink};
pub use tap::{Tap, TappedMessage};
