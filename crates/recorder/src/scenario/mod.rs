//! Exports a recording as a scenario for the simulator: the phones, the actions of users and peers, and the lost connections.
//!
//! The run of the scenario is not the recorded one (the simulator has its own exchange, times and media), but has the same actions on a
//! network that can be impaired, checked by oracles. The format is `offhook-scenario 1`.

mod actions;
mod losses;
mod participants;
mod steps;

use crate::recording::PhoneRecording;
use crate::replay::Replay;
use crate::text::Seconds;
use participants::Participants;
use std::fmt::Write;
use std::time::Duration;
use steps::{Step, Steps, start_of};

/// The time after the last step in which the network is still impaired.
const AFTERMATH: Duration = Duration::from_secs(10);
/// The time added before the first step and after each fault, in which the simulator's phones register.
const RECOVERY: Duration = Duration::from_secs(5);

/// The scenario.
pub fn scenario(replays: &[(&PhoneRecording, &Replay)]) -> String {
    let start =
        replays.iter().map(|(recording, replay)| start_of(recording, replay)).min().unwrap_or_default();
    let mut participants = Participants::of(replays);
    let mut steps = Steps { start, list: Vec::new() };
    for (phone, (_, replay)) in replays.iter().enumerate() {
        actions::add(phone, replay, &mut participants, &mut steps);
    }
    let faults = losses::add(replays, &participants, &mut steps);
    for Step { at, lead, .. } in steps.list.iter_mut().filter(|step| !step.at.is_zero()) {
        let before = faults.iter().filter(|end| **end < *at).count();
        *at = (*at + RECOVERY * u32::try_from(1 + before).unwrap_or(u32::MAX)).saturating_sub(*lead);
    }
    steps.list.sort_by_key(|step| step.at);
    let last = steps.list.last().map_or(Duration::ZERO, |step| step.at);
    let storm = Duration::from_secs((last + AFTERMATH).as_secs() + 1);

    let mut text = String::from("# From a recording.\noffhook-scenario 1\nseed 1\n");
    let _ = writeln!(text, "span storm={} settle=240s quiesce=120s", Seconds(storm));
    participants.write(&mut text);
    text.push('\n');
    for Step { at, text: step, .. } in &steps.list {
        let _ = writeln!(text, "{} {step}", Seconds(*at));
    }
    text
}
