//! The media of one call: a task with a session of `offhook-media` and its sockets. A task of its own, because
//! coding sound is work, and signalling must not wait for it.

mod sockets;
mod task;

use crate::Clock;
use offhook::{EffectId, EffectResult, SessionId};
use offhook_media::{FailureCause, MediaConfig, ReceivedTone, Recording, Source, Statistics};
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task of a call. It takes them between two frames of 20 ms.
const REQUESTS: usize = 64;

/// What the task of a call is asked for.
pub(crate) enum Request {
    Work {
        id: EffectId,
        work: Work,
    },
    Rollback,
    /// The call is over: close the sockets, keep the recording for whoever asks.
    Release,
    Play(Source),
    Mute(bool),
    Record(bool),
    Push(Vec<i16>),
    Recording(oneshot::Sender<Recording>),
    Statistics(oneshot::Sender<Statistics>),
    Heard(oneshot::Sender<ReceivedTone>),
}

/// What the phone waits for.
pub(crate) enum Work {
    Offer { direction: offhook::Direction },
    Answer { offer: bytes::Bytes, direction: offhook::Direction },
    Apply { answer: bytes::Bytes },
    Digit { digit: char, duration: Duration },
}

/// What the task tells the phone.
#[derive(Debug)]
pub(crate) enum News {
    Done {
        id: EffectId,
        result: EffectResult,
    },
    /// For the phone, which tells the user what it makes of it.
    Event(offhook::MediaEvent),
    /// For the user alone.
    Failed(FailureCause),
    FirstAudio,
    Tone {
        hz: Option<f32>,
        level_dbfs: f32,
    },
    SourceEnded,
}

/// The news of every call of a phone, in one channel: a task that finds it full waits, the phone never does.
pub(crate) type Reports = mpsc::Sender<(SessionId, News)>;

/// What a task is made from.
pub(crate) struct Setup {
    pub(crate) session: SessionId,
    pub(crate) config: MediaConfig,
    pub(crate) seed: [u8; 32],
    pub(crate) clock: Clock,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) play: Source,
    pub(crate) record: bool,
}

/// Starts the task of a call. It ends when the last sender of requests is gone.
pub(crate) fn start(setup: Setup, reports: Reports) -> mpsc::Sender<Request> {
    let (sender, requests) = mpsc::channel(REQUESTS);
    tokio::spawn(task::run(setup, requests, reports));
    sender
}
