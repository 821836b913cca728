//! The phone's end of the recorder.

use super::Track;
use super::inbox::Sender;
use offhook::{Config, Instant};
use offhook_recorder::{Batch, Log, PhoneId, Sink, SinkStatus};

/// Where the notices of a phone are laid for the thread that writes. It never waits.
pub struct Desktop(Sender);

impl Track {
    /// For a host that drives an [`offhook::Phone`] itself: the log that it hands what happens to. The phone is about to be made
    /// from this.
    pub fn begin(&self, config: &mut Config, seed: &[u8; 32], now: Instant) -> Log<Desktop> {
        let Track { recorder, name } = self;
        let desktop = Desktop(recorder.inbox.clone());
        Log::begin(desktop, recorder.next_track(), name, config, seed, (now, recorder.age()))
    }
}

impl Sink for Desktop {
    fn accept(&mut self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        self.0.lay(track, notices)
    }
}
