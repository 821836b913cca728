//! The media of a world, in one of two fidelities.
//!
//! The [`Model`] has offers, answers, directions and digits, but no audio. It is fast, and used in most runs. With `media real` (and the
//! feature `media`), each end of a call has an engine of `offhook-media`: ICE, DTLS-SRTP, codecs, telephone-events and a playout buffer,
//! with datagrams on the networks of the phones.

mod description;
mod engines;
mod interface;
mod model;
#[cfg(feature = "media")]
mod real;
mod variety;

pub use description::{Address, Description, Line, MediaType};
pub use engines::Engines;
#[cfg(feature = "media")]
pub use interface::HeardAudio;
#[cfg(feature = "media")]
pub(crate) use interface::ProbeContext;
pub use interface::{AudioProbe, End, EngineError, Leg};
pub use model::{Agreed, Engine, Model};
#[cfg(feature = "media")]
pub(crate) use real::phone_of;
#[cfg(feature = "media")]
pub use real::{Kind, Real};
