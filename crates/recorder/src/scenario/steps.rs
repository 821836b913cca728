//! Collects the steps of a scenario.

use crate::recording::PhoneRecording;
use crate::replay::{Observation, ObservationKind, Replay};
use offhook::Instant;
use std::time::Duration;

/// The time of a phone's creation, or of the checkpoint that the replay started from.
pub(super) fn start_of(track: &PhoneRecording, replay: &Replay) -> Instant {
    match replay.observations.first() {
        Some(Observation { at, kind: ObservationKind::Restored(_) }) => *at,
        _ => track.common_time(track.start),
    }
}

/// The steps of a scenario, in whole milliseconds.
pub(super) struct Steps {
    pub(super) start: Instant,
    pub(super) list: Vec<Step>,
}

pub(super) struct Step {
    pub(super) at: Duration,
    /// How much earlier the step has to be, to have its effect at that time.
    pub(super) lead: Duration,
    pub(super) text: String,
}

impl Steps {
    pub(super) fn add(&mut self, at: Instant, text: String) {
        self.add_early(at, Duration::ZERO, text);
    }

    pub(super) fn add_early(&mut self, at: Instant, lead: Duration, text: String) {
        let at = whole_millis(at.saturating_since(self.start));
        self.list.push(Step { at, lead, text });
    }
}

pub(super) fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
