//! All media engines of a world, of either fidelity.

use offhook_wire::Instant;

#[cfg(feature = "media")]
use super::{AudioProbe, HeardAudio, ProbeContext, Real};
use super::{Description, End, Model};
use crate::node::PhoneNode;
use crate::scenario::{Fidelity, Scenario};

/// All media engines of a world.
#[derive(Debug)]
pub enum Engines {
    /// The model.
    Model(Model),
    /// Real engines.
    #[cfg(feature = "media")]
    Real(Box<Real>),
}

impl Engines {
    /// No engines.
    pub fn new(scenario: &Scenario) -> Self {
        match scenario.media {
            Fidelity::Model => Self::Model(Model::default()),
            #[cfg(feature = "media")]
            Fidelity::Real => Self::Real(Box::new(Real::new(scenario.seed))),
        }
    }

    /// All ends with an engine.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        match self {
            Self::Model(model) => model.ends().collect::<Vec<_>>(),
            #[cfg(feature = "media")]
            Self::Real(real) => real.ends().collect(),
        }
        .into_iter()
    }

    /// The peer, if both ends are connected to each other.
    pub fn peer(&self, end: End) -> Option<End> {
        match self {
            Self::Model(model) => model.peer(end),
            #[cfg(feature = "media")]
            Self::Real(real) => real.peer(end),
        }
    }

    /// Whether this end negotiated with a rogue. Real engines do not connect to rogues.
    pub fn is_with_stranger(&self, end: End) -> bool {
        match self {
            Self::Model(model) => model.is_with_stranger(end),
            #[cfg(feature = "media")]
            Self::Real(_) => false,
        }
    }

    /// The end and the version of an offer. Unknown with real media.
    pub fn offer_in(&self, description: &[u8]) -> Option<(End, u64)> {
        let description = Description::read(description)?;
        match self {
            Self::Model(model) => Some((model.end_at(description.address)?, description.version)),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The version of the pending offer of an end. Unknown with real media.
    pub fn open_offer(&self, end: End) -> Option<u64> {
        match self {
            Self::Model(model) => model.open_offer(end),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The next deadline of an engine, in world time. A model has none.
    #[cfg_attr(not(feature = "media"), expect(unused_variables, reason = "only real engines have deadlines"))]
    pub fn deadline(&self, phones: &[PhoneNode]) -> Option<Instant> {
        match self {
            Self::Model(_) => None,
            #[cfg(feature = "media")]
            Self::Real(real) => real.deadline(phones),
        }
    }

    /// The model, if it is used.
    pub fn model(&mut self) -> Option<&mut Model> {
        match self {
            Self::Model(model) => Some(model),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The real engines, if they are used.
    #[cfg(feature = "media")]
    pub fn real(&mut self) -> Option<&mut Real> {
        match self {
            Self::Model(_) => None,
            Self::Real(real) => Some(real),
        }
    }

    /// The audio that an end receives.
    #[cfg(feature = "media")]
    pub fn heard_audio(&self, end: End) -> HeardAudio {
        let Self::Real(real) = self else { return HeardAudio::Nothing };
        let circumstances =
            ProbeContext { network_clear: true, time_stopped: false, peer_time_stopped: false };
        match real.probe(end, circumstances) {
            None => HeardAudio::Nothing,
            Some(probe) if probe.heard_hz.is_none() && probe.level_dbfs < -45.0 => HeardAudio::Nothing,
            Some(AudioProbe { heard_hz: Some(hz), peer_tone: Some(tone), .. })
                if (hz - tone).abs() < 20.0 =>
            {
                HeardAudio::Peer
            }
            Some(probe) => HeardAudio::Other(probe.heard_hz),
        }
    }
}
