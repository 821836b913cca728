//! All media engines of a world, of either fidelity.

use offhook_wire::Instant;

#[cfg(feature = "media")]
use super::{AudioProbe, HeardAudio, ProbeContext, Real};
use super::{Description, End, Leg, Model};
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
            Fidelity::Model => Self::Model(Model::new(scenario.seed)),
            #[cfg(feature = "media")]
            Fidelity::Real => Self::Real(Box::new(Real::new(scenario.seed))),
        }
    }

    /// All legs with an engine.
    pub fn legs(&self) -> impl Iterator<Item = Leg> {
        match self {
            Self::Model(model) => model.legs().collect::<Vec<_>>(),
            #[cfg(feature = "media")]
            Self::Real(real) => real.legs().collect(),
        }
        .into_iter()
    }

    /// The legs of an end that have an engine.
    pub fn legs_of(&self, end: End) -> impl Iterator<Item = Leg> {
        self.legs().filter(move |leg| leg.end == end)
    }

    /// The peer of a leg, if both are connected to each other.
    pub fn peer_of(&self, leg: Leg) -> Option<Leg> {
        match self {
            Self::Model(model) => model.peer(leg),
            #[cfg(feature = "media")]
            Self::Real(real) => real.peer(leg),
        }
    }

    /// The peer of an end, if a leg of each is connected to the other. An end with several early dialogs has that of its first such leg.
    pub fn peer(&self, end: End) -> Option<End> {
        self.legs_of(end).find_map(|leg| self.peer_of(leg)).map(|leg| leg.end)
    }

    /// Whether this end negotiated with a rogue. Real engines do not connect to rogues.
    pub fn is_with_stranger(&self, end: End) -> bool {
        match self {
            Self::Model(model) => self.legs_of(end).any(|leg| model.is_with_stranger(leg)),
            #[cfg(feature = "media")]
            Self::Real(_) => false,
        }
    }

    /// The end and the version of an offer. Unknown with real media.
    pub fn offer_in(&self, description: &[u8]) -> Option<(End, u64)> {
        let description = Description::read(description).ok()?;
        match self {
            Self::Model(model) => Some((model.at(description.address).next()?.end, description.version)),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// The version of the pending offer of an end. Unknown with real media.
    pub fn open_offer(&self, end: End) -> Option<u64> {
        match self {
            Self::Model(model) => self.legs_of(end).find_map(|leg| model.open_offer(leg)),
            #[cfg(feature = "media")]
            Self::Real(_) => None,
        }
    }

    /// What the last offer of a leg and its answer agreed on.
    pub fn agreed(&self, leg: Leg) -> Option<offhook::Agreed> {
        match self {
            Self::Model(model) => model.agreed(leg).map(super::Agreed::for_core),
            #[cfg(feature = "media")]
            Self::Real(real) => real.agreed(leg),
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
        match self.legs_of(end).next().and_then(|leg| real.probe(leg, circumstances)) {
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
