//! The media of a world, at one of two fidelities.
//!
//! The [`Model`] is honest about offers, answers, directions and digits, and silent about sound. It is fast, and most runs
//! use it. With `media real` (and the feature `media`), each end of a call has an engine of `offhook-media`: ICE, DTLS-SRTP,
//! codecs, telephone-events and a playout buffer, with their datagrams on the networks of the phones.

mod description;
mod engines;
mod interface;
mod model;
#[cfg(feature = "media")]
mod real;

pub use description::{Address, Description};
pub use engines::Engines;
#[cfg(feature = "media")]
pub use interface::HeardAudio;
#[cfg(feature = "media")]
pub(crate) use interface::ProbeContext;
pub use interface::{AudioProbe, End, EngineError};
pub use model::{Agreed, Engine, Model};
#[cfg(feature = "media")]
pub(crate) use real::phone_of;
#[cfg(feature = "media")]
pub use real::{Kind, Real};
