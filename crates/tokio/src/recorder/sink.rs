//! The phone's end of the recorder.

use super::notices::Sender;
use offhook_recorder::{Batch, PhoneId, Sink, SinkStatus};

/// Queues the notices of a phone for the writer thread. It never blocks.
pub struct TrackSink(pub(super) Sender);

impl Sink for TrackSink {
    fn accept(&mut self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        self.0.push(track, notices)
    }
}
