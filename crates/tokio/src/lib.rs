//! The tokio runtime of Offhook: sockets, WebSocket, TLS, media, a clock and entropy around the machines that have
//! none of them.
//!
//! [`Phone::start`] gives a phone; [`Phone::dial`] and [`Phone::next`] give calls. [`ExchangeServer`] is the embedded
//! exchange on real sockets: registrar and proxy for tests, demonstrations and small houses.
//!
//! ```no_run
//! use offhook::{Account, Config, Password};
//! use offhook_tokio::{Phone, PhoneEvent};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A phone that answers every call and plays a tone.
//! let account = Account::new("sip:bob@example.com", Some(Password::plain("secret")), "ws://127.0.0.1:5066")?;
//! let options =
//!     offhook_tokio::Options { play: offhook_media::Source::tone(880.0), ..offhook_tokio::Options::default() };
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
//! A phone is one task with one `select!`: its connections are polled there, not spawned. Each call has a second task
//! for its media, because coding sound is work that signalling must not wait for. Everything between them is
//! bounded, and nothing waits for the program: see [`Call`] for what happens to events that nobody takes.
#![forbid(unsafe_code)]

mod call;
mod clock;
mod engine;
mod entropy;
mod error;
mod event;
mod exchange;
mod flow;
mod media;
mod options;
mod phone;
mod queue;
mod recorder;
mod tap;

pub use call::Call;
pub use clock::Clock;
pub use error::{CommandError, NotRegistered, StartError};
pub use event::{CallEvent, PhoneEvent};
pub use exchange::{
    Addresses, Certified, ExchangeError, ExchangeServer, Listen, Origin, OriginError, Origins, ServerLoad,
};
pub use flow::{Roots, TlsError};
pub use options::{Bind, Options};
pub use phone::Phone;
pub use recorder::{Desktop, Keep, Recorder, Track};
pub use tap::{Tap, Tapped};
