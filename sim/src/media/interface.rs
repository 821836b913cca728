//! What both fidelities have in common: the name of an end, refusals, and what is heard.

use offhook::{MediaFault, SessionId};

/// One end of a call: a phone, by its place in the scenario, and its name for the call.
pub type End = (usize, SessionId);

/// Why an engine cannot do what it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// The peer's description is to blame.
    Fault(MediaFault),
    /// The order of offers and answers is broken (RFC 3264 §4): the core is to blame.
    OutOfOrder(&'static str),
}

/// What one end of a call hears, and what it should. Only real media is listened to.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioProbe {
    /// Which end.
    pub end: End,
    /// The frequency it hears, in Hz; none in silence and in noise.
    pub heard_hz: Option<f32>,
    /// How loud, in dB relative to full scale.
    pub level_dbfs: f32,
    /// What the other end plays, when both name each other.
    pub peer_tone: Option<f32>,
    /// What everybody else plays.
    pub other_tones: Vec<f32>,
    /// Whether both ends agreed that both send and receive.
    pub both_ways: bool,
    /// Whether this end agreed to receive at all.
    pub receives: bool,
    /// Whether the other end agreed to receive.
    pub peer_receives: bool,
    /// Whether the networks of both ends let sound pass as it should.
    pub network_clear: bool,
    /// Whether time stands still for this end's engine: what it hears is what it heard then.
    pub time_stopped: bool,
    /// The same of the other end's engine: it plays nothing, and has yet to play what it was about to.
    pub peer_time_stopped: bool,
    /// Whether the other end has digits to send, which take the place of its tone.
    pub peer_sends_digits: bool,
}

/// What only the host of an engine knows of it.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeContext {
    /// [`Listening::clear`].
    pub(crate) network_clear: bool,
    /// [`Listening::stands`].
    pub(crate) time_stopped: bool,
    /// [`Listening::peer_stands`].
    pub(crate) peer_time_stopped: bool,
}

/// What one end of a call hears.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum HeardAudio {
    /// Silence.
    Nothing,
    /// The tone of the other end.
    Peer,
    /// Something else: a tone of this frequency in Hz, or noise.
    Other(Option<f32>),
}
