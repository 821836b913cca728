//! A recording as a scenario for the simulator: who was there, what the users wanted, how peers behaved, and which
//! connections were lost when.
//!
//! It is not the same run (the simulator has its own exchange, times and media) but the same story, on a network that can
//! be made worse, and with oracles watching. The text is that of `offhook-scenario 1`.

mod cast;
mod losses;
mod story;

use crate::recording::Track;
use crate::replay::{Replay, Seen, Sight};
use crate::text::Seconds;
use cast::Cast;
use offhook::Instant;
use std::fmt::Write;
use std::time::Duration;

/// How long the storm lasts after the last step.
const AFTERMATH: Duration = Duration::from_secs(10);
/// What is added before everything and after each fault: the simulator's phones take their time to register, and again to
/// come back.
const RECOVERY: Duration = Duration::from_secs(5);

/// The scenario.
pub fn scenario(replays: &[(&Track, &Replay)]) -> String {
    let start = replays.iter().map(|(track, replay)| begin(track, replay)).min().unwrap_or_default();
    let mut cast = Cast::of(replays);
    let mut steps = Steps { start, list: Vec::new() };
    for (phone, (_, replay)) in replays.iter().enumerate() {
        story::tell(phone, replay, &mut cast, &mut steps);
    }
    let faults = losses::tell(replays, &cast, &mut steps);
    for Step { at, lead, .. } in steps.list.iter_mut().filter(|step| !step.at.is_zero()) {
        let before = faults.iter().filter(|end| **end < *at).count();
        *at = (*at + RECOVERY * u32::try_from(1 + before).unwrap_or(u32::MAX)).saturating_sub(*lead);
    }
    steps.list.sort_by_key(|step| step.at);
    let last = steps.list.last().map_or(Duration::ZERO, |step| step.at);
    let storm = Duration::from_secs((last + AFTERMATH).as_secs() + 1);

    let mut text = String::from("# The story of a recording.\noffhook-scenario 1\nseed 1\n");
    let _ = writeln!(text, "span storm={} settle=240s quiesce=120s", Seconds(storm));
    cast.write(&mut text);
    text.push('\n');
    for Step { at, says, .. } in &steps.list {
        let _ = writeln!(text, "{} {says}", Seconds(*at));
    }
    text
}

/// When it was made, or if nobody knows what was then when it rested.
fn begin(track: &Track, replay: &Replay) -> Instant {
    match replay.sights.first() {
        Some(Sight { at, what: Seen::Rested(_) }) => *at,
        _ => track.common(track.start),
    }
}

/// What happens when. Whole milliseconds are exact enough for a story.
struct Steps {
    start: Instant,
    list: Vec<Step>,
}

struct Step {
    at: Duration,
    /// How much earlier it has to be done, to have the effect at that time.
    lead: Duration,
    says: String,
}

impl Steps {
    fn add(&mut self, at: Instant, says: String) {
        self.add_early(at, Duration::ZERO, says);
    }

    fn add_early(&mut self, at: Instant, lead: Duration, says: String) {
        let at = whole(at.saturating_since(self.start));
        self.list.push(Step { at, lead, says });
    }
}

fn whole(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
