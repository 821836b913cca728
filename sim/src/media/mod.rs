//! The media of a world, at one of two fidelities.
//!
//! The [`Model`] is honest about offers, answers, directions and digits, and silent about sound. It is fast, and most runs
//! use it. With `media real` (and the feature `media`), each end of a call has an engine of `offhook-media`: ICE, DTLS-SRTP,
//! codecs, telephone-events and a playout buffer, with their datagrams on the networks of the phones.

mod description;
mod model;
#[cfg(feature = "media")]
mod real;

use offhook::{MediaFault, SessionId};
use offhook_wire::Instant;

pub use description::{Address, Description};
pub use model::{Agreed, Engine, Model};
#[cfg(feature = "media")]
pub(crate) use real::phone_of;
#[cfg(feature = "media")]
pub use real::{Kind, Real};

use crate::node::PhoneNode;
use crate::scenario::{Fidelity, Scenario};

/// One end of a call: a phone, by its place in the scenario, and its name for the call.
pub type End = (usize, SessionId);

/// All media engines of a world.
#[derive(Debug)]
pub enum Engines {
    /// Those of a model.
    Model(Model),
    /// Those that make sound.
    #[cfg(feature = "media")]
    Real(Box<Real>),
}

/// Why an engine cannot do what it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The peer's description is to blame.
    Fault(MediaFault),
    /// The order of offers and answers is broken (RFC 3264 §4): the core is to blame.
    Disorder(&'static str),
}

/// What one end of a call hears, and what it should. Only real media is listened to.
#[derive(Clone, Debug, PartialEq)]
pub struct Listening {
    /// Which end.
    pub end: End,
    /// The frequency it hears, in Hz; none in silence and in noise.
    pub hears: Option<f32>,
    /// How loud, in dB relative to full scale.
    pub level_dbfs: f32,
    /// What the other end plays, when both name each other.
    pub peer_plays: Option<f32>,
    /// What everybody else plays.
    pub others_play: Vec<f32>,
    /// Whether both ends agreed that both send and receive.
    pub both_ways: bool,
    /// Whether this end agreed to receive at all.
    pub receives: bool,
    /// Whether the other end agreed to receive.
    pub peer_receives: bool,
    /// Whether the networks of both ends let sound pass as it should.
    pub clear: bool,
    /// Whether time stands still for this end's engine: what it hears is what it heard then.
    pub stands: bool,
    /// The same of the other end's engine: it plays nothing, and has yet to play what it was about to.
    pub peer_stands: bool,
    /// Whether the other end has digits to send, which take the place of its tone.
    pub peer_dials: bool,
}

/// What only the host of an engine knows of it.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// [`Listening::clear`].
    pub(crate) clear: bool,
    /// [`Listening::stands`].
    pub(crate) stands: bool,
    /// [`Listening::peer_stands`].
    pub(crate) peer_stands: bool,
}

/// What one end of a call hears.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Hears {
    /// Silence.
    Nothing,
    /// The tone of the other end.
    Peer,
    /// Something else: a tone of this frequency in Hz, or noise.
    Other(Option<f32>),
}

impl Engines {
    /// None yet.
    pub fn new(scenario: &Scenario) -> Self {
        match scenario.media {
            Fidelity::Model => Self::Model(Model::default()),
            #[cfg(feature = "media")]
            Fidelity::Real => Self::Real(Box::new(Real::new(scenario.seed))),
        }
    }

    /// All ends that have an engine.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        match self {
            Self::Model(model) => model.ends().collect::<Vec<_>>(),
            #[cfg(feature = "media")]
            Self::Real(real) => real.ends().collect(),
        }
        .into_iter()
    }

    /// The other end, when both name each other.
    pub fn peer(&self, end: End) -> Option<End> {
        match self {
            Self::Model(model) => model.peer(end),
            #[cfg(feature = "media")]
            Self::Real(real) => real.peer(end),
        }
    }

    /// Whether this end agreed with somebody who is no phone of the scenario. Real engines agree with nobody who has no real one.
    pub fn is_with_stranger(&self, end: End) -> bool {
        match self {
            Self::Model(model) => model.is_with_stranger(end),
            #[cfg(feature = "media")]
            Self::Real(_) => false,
        }
    }

    /// Whose offer a description is, and its version. Unknown of real engines.
    pub fn offer_in(&self, description: &[u8]) -> Option<(End, u64)> {
        let description = Description::read(description)?;
        match self {
            Self::Model(model) => Some((model.end_at(description.address)?, description.version)),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The version of the offer of an end that is out and was not answered or withdrawn. Unknown of real engines.
    pub fn open_offer(&self, end: End) -> Option<u64> {
        match self {
            Self::Model(model) => model.open_offer(end),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// When the next engine wants to be woken, in world time. A model never does.
    #[cfg_attr(not(feature = "media"), expect(unused_variables, reason = "only real engines have deadlines"))]
    pub fn deadline(&self, phones: &[PhoneNode]) -> Option<Instant> {
        match self {
            Self::Model(_) => None,
            #[cfg(feature = "media")]
            Self::Real(real) => real.deadline(phones),
        }
    }

    /// The model, if that is what it is.
    pub fn model(&mut self) -> Option<&mut Model> {
        match self {
            Self::Model(model) => Some(model),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The real engines, if that is what they are.
    #[cfg(feature = "media")]
    pub fn real(&mut self) -> Option<&mut Real> {
        match self {
            Self::Model(_) => None,
            Self::Real(real) => Some(real),
        }
    }

    /// What an end hears.
    #[cfg(feature = "media")]
    pub fn hears(&self, end: End) -> Hears {
        let Self::Real(real) = self else { return Hears::Nothing };
        let circumstances = Circumstances { clear: true, stands: false, peer_stands: false };
        match real.listen(end, circumstances) {
            None => Hears::Nothing,
            Some(listening) if listening.hears.is_none() && listening.level_dbfs < -45.0 => Hears::Nothing,
            Some(Listening { hears: Some(hears), peer_plays: Some(tone), .. })
                if (hears - tone).abs() < 20.0 =>
            {
                Hears::Peer
            }
            Some(listening) => Hears::Other(listening.hears),
        }
    }
}
