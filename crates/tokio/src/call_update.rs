//! What [`Call::next`](crate::Call::next) returns.

use offhook::{CallEvent, EndReason, Status};
use offhook_media::FailureCause;

/// Something that happened to a call. Text from peers is untrusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallUpdate {
    /// An event of the call. The last one is its end: [`Call::next`](crate::Call::next) returns `None` after it.
    Event(CallEvent),
    /// An event of its media, in addition to the events of the call about them.
    Media(MediaUpdate),
    /// This many older updates were dropped, because the queue was full.
    Missed(u64),
}

/// Something that happened to the media of a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MediaUpdate {
    /// The media path failed permanently; the end of the call follows.
    Failed(FailureCause),
    /// The first audio of the peer was received.
    FirstAudio,
    /// The received audio changed to another tone or to silence, and is stable.
    Tone {
        /// The dominant frequency in Hz; `None` is silence.
        hz: Option<f32>,
        /// The level in dB relative to full scale.
        level_dbfs: f32,
    },
    /// The played source has ended.
    SourceEnded,
}

impl CallUpdate {
    /// The event of the call, if it is one.
    pub fn event(&self) -> Option<&CallEvent> {
        match self {
            CallUpdate::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The new status, if it changed.
    pub fn status(&self) -> Option<Status> {
        self.event()?.status()
    }

    /// Why the call has ended, if this is its end.
    pub fn ended(&self) -> Option<&EndReason> {
        self.event()?.ended()
    }
}
