//! The phone's end of the recorder.

use super::notices::Sender;
use offhook_recorder::{Batch, Sink, Taken, TrackId};

/// Queues the notices of a phone for the writer thread. It never blocks.
pub struct TrackSink(pub(super) Sender);

impl Sink for TrackSink {
    fn take(&mut self, track: TrackId, notices: &mut Batch) -> Taken {
        self.0.push(track, notices)
    }
}
