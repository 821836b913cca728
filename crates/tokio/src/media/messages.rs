//! The messages between a phone and the media task of a call.

use crate::{Bind, Clock, MediaUpdate};
use offhook::{EffectId, EffectResult, LegId, MediaTypes, SessionId};
use offhook_media::{MediaConfig, ReceivedTone, Recording, Source, Statistics};
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A request to the media task of a call.
pub(crate) enum Request {
    /// Work for a leg.
    Work {
        leg: LegId,
        id: EffectId,
        work: Work,
    },
    /// Create a leg with the first offer of another one.
    Fork {
        leg: LegId,
        of: LegId,
    },
    Rollback {
        leg: LegId,
    },
    /// Close the session of a leg. The sockets are closed with the last one.
    Release {
        leg: LegId,
    },
    /// The call has ended: release all legs, keep the recording and the statistics.
    End,
    Play(Source),
    /// Send silence on a leg, or the audio again.
    Mute {
        leg: LegId,
        on: bool,
    },
    Record(bool),
    Push(Vec<i16>),
    Recording(oneshot::Sender<Recording>),
    Statistics(oneshot::Sender<Statistics>),
    ReceivedTone(oneshot::Sender<ReceivedTone>),
}

/// A request with a result for the core.
pub(crate) enum Work {
    Offer { types: MediaTypes, direction: offhook::Direction, restart: bool },
    Answer { offer: bytes::Bytes, types: MediaTypes, direction: offhook::Direction },
    Apply { answer: bytes::Bytes },
    Digit { digit: char, duration: Duration },
}

/// A report of the media task to the phone.
#[derive(Debug)]
pub(crate) enum MediaReport {
    Done {
        id: EffectId,
        result: EffectResult,
    },
    /// For the core.
    Event {
        leg: LegId,
        event: offhook::MediaEvent,
    },
    /// For the user.
    Update(MediaUpdate),
}

/// The reports of all calls of a phone. A task waits if the channel is full; the phone never does.
pub(crate) type Reports = mpsc::Sender<(SessionId, MediaReport)>;

/// The settings of a media task.
pub(crate) struct Setup {
    pub(crate) session: SessionId,
    pub(crate) config: MediaConfig,
    pub(crate) seed: [u8; 32],
    pub(crate) clock: Clock,
    pub(crate) bind: Bind,
    /// The local address of the connection for the signalling.
    pub(crate) signalling: Option<IpAddr>,
    pub(crate) play: Source,
    pub(crate) record: bool,
}
