//! The phone's end of the recorder.

use super::Track;
use super::desk::Job;
use offhook::{Config, Instant};
use offhook_recorder::{Notice, Sink, Taken, TrackId};
use std::sync::mpsc::{SyncSender, TrySendError};

/// Hands over what happens to one phone. Never waits.
pub(crate) type Log = offhook_recorder::Log<Desktop>;

/// Where the notices of a phone are laid for the thread that writes.
pub(crate) struct Desktop(SyncSender<Job>);

/// A phone is about to be made from this.
pub(crate) fn begin(track: &Track, config: &mut Config, seed: &[u8; 32], now: Instant) -> Log {
    let Track { recorder, name } = track;
    Log::begin(
        Desktop(recorder.jobs.clone()),
        recorder.next_track(),
        name,
        config,
        seed,
        (now, recorder.age()),
    )
}

impl Sink for Desktop {
    fn take(&mut self, track: TrackId, notices: &mut Vec<Notice>) -> Taken {
        match self.0.try_send(Job::Note(track, std::mem::take(notices))) {
            Ok(()) => Taken::Yes,
            Err(TrySendError::Full(_)) => Taken::Full,
            Err(TrySendError::Disconnected(_)) => Taken::Over,
        }
    }
}
