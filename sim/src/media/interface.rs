//! Types of both fidelities: ends of calls, errors and audio probes.

use offhook::{LegId, MediaFault, SessionId};

/// One end of a call: the index of the phone in the scenario, and its call ID.
pub type End = (usize, SessionId);

/// One leg of an end: a media session.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leg {
    /// The end.
    pub end: End,
    /// The leg of the call.
    pub id: LegId,
}

/// Why an engine refuses an effect.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// The description of the peer is invalid or not acceptable.
    Fault(MediaFault),
    /// The order of offers and answers is wrong (RFC 3264 §4): a bug of the core.
    OutOfOrder(&'static str),
}

/// A probe of the audio of an end, with what determines the expected audio. Real media only.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioProbe {
    /// The end.
    pub end: End,
    /// The frequency of the received tone in Hz; `None` for silence and noise.
    pub heard_hz: Option<f32>,
    /// The level, in dB relative to full scale.
    pub level_dbfs: f32,
    /// The tone of the peer in Hz, if both ends are connected.
    pub peer_tone: Option<f32>,
    /// The tones of all other ends, in Hz.
    pub other_tones: Vec<f32>,
    /// Whether both ends negotiated sendrecv.
    pub both_ways: bool,
    /// Whether this end negotiated to receive.
    pub receives: bool,
    /// Whether the peer negotiated to receive.
    pub peer_receives: bool,
    /// Whether the networks of both ends pass audio without gaps.
    pub network_clear: bool,
    /// Whether the clock of this engine is stopped, so that the probe is old.
    pub time_stopped: bool,
    /// Whether the clock of the peer's engine is stopped, so that it sends nothing.
    pub peer_time_stopped: bool,
    /// Whether the peer sends digits, which replace its tone.
    pub peer_sends_digits: bool,
    /// Whether the peer is muted.
    pub peer_mutes: bool,
}

/// The parts of a probe that only the host knows.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeContext {
    /// [`AudioProbe::network_clear`].
    pub(crate) network_clear: bool,
    /// [`AudioProbe::time_stopped`].
    pub(crate) time_stopped: bool,
    /// [`AudioProbe::peer_time_stopped`].
    pub(crate) peer_time_stopped: bool,
}

/// The audio that an end of a call receives.
#[cfg(feature = "media")]
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum HeardAudio {
    /// Silence.
    Nothing,
    /// The tone of the peer.
    Peer,
    /// Another tone, with its frequency in Hz, or noise.
    Other(Option<f32>),
}
