//! Fills a scenario with episodes.

use super::swarm::Swarm;
use super::writer::Writer;
use crate::hash::Draw;
use crate::scenario::Scenario;

/// Fills the phase of faults with episodes, with a mean distance of `gap` milliseconds.
pub(super) fn write_steps(scenario: &mut Scenario, draw: &mut Draw, swarm: &Swarm, gap: u64) {
    let mut at = 1_000;
    while at < scenario.phases.faults.as_millis() as u64 {
        let write = swarm.pick(draw).write;
        let mut writer = Writer::new(scenario, draw, at);
        write(&mut writer);
        at = writer.end + 1 + draw.below(2 * gap);
    }
    let end = scenario.phases.faults;
    scenario.steps.retain(|step| step.at < end);
    scenario.steps.sort_by_key(|step| step.at);
}
