//! Shortens a scenario: round times, small gaps, and a phase of faults that ends with the last step.
//!
//! Recovery and drain keep their lengths: oracles check at their ends, and a shorter phase would cause false violations.

use std::time::Duration;

use offhook_wire::Instant;

use super::Shrinking;
use crate::scenario::{Scenario, Step, Weather};

/// In milliseconds, the roundest first.
const GRIDS: [u64; 5] = [10_000, 1_000, 100, 10, 1];
const GAPS: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

impl Shrinking<'_> {
    /// Moves steps to round times and closer together, and ends the phase of faults soon after them.
    pub(super) fn shorten(&mut self) {
        self.shorten_faults();
        for step in 0..self.best.scenario.steps.len() {
            let before =
                step.checked_sub(1).map_or(Duration::ZERO, |before| self.best.scenario.steps[before].at);
            let gap = self.best.scenario.steps[step].at.saturating_sub(before);
            for smaller in GAPS.into_iter().filter(|&smaller| smaller < gap) {
                if self.attempt(|scenario| hurry(scenario, step, gap - smaller)) {
                    break;
                }
            }
        }
        for grid in GRIDS {
            self.attempt(|scenario| scenario.steps.iter_mut().for_each(|step| snap(step, grid)));
        }
        for step in (0..self.best.scenario.steps.len()).rev() {
            for grid in GRIDS {
                if self.attempt(|scenario| snap_in_order(&mut scenario.steps, step, grid)) {
                    break;
                }
            }
        }
        self.shorten_faults();
    }

    /// Spaces the steps out without network faults: some scenarios need those only because their steps are close together.
    pub(super) fn space_out(&mut self) {
        for gap in &GAPS[1..] {
            if self.best.scenario.phones.iter().all(|phone| phone.weather == Weather::CLEAR) {
                return;
            }
            self.attempt(|scenario| {
                scenario.phones.iter_mut().for_each(|phone| phone.weather = Weather::CLEAR);
                let mut at = Duration::ZERO;
                for step in &mut scenario.steps {
                    at += *gap;
                    step.at = at;
                }
                scenario.phases.faults = scenario.phases.faults.max(at + *gap);
            });
        }
    }

    fn shorten_faults(&mut self) {
        let last = self.best.scenario.steps.last().map_or(Duration::ZERO, |step| step.at);
        let failed = self.best.violation.at.saturating_since(Instant::ZERO);
        for end in [last.as_secs() + 1, last.as_secs() + 10, last.as_secs() + 60, failed.as_secs() + 1] {
            let end = Duration::from_secs(end);
            if end < self.best.scenario.phases.faults && self.attempt(|scenario| scenario.phases.faults = end)
            {
                return;
            }
        }
        let faults = self.best.scenario.phases.faults;
        let round = Duration::from_secs(faults.as_secs() + u64::from(faults.subsec_nanos() > 0));
        self.attempt(|scenario| scenario.phases.faults = round);
    }
}

/// Moves a step and all later ones to an earlier time.
fn hurry(scenario: &mut Scenario, first: usize, by: Duration) {
    for step in &mut scenario.steps[first..] {
        step.at -= by;
    }
    scenario.phases.faults -= by;
}

fn snap(step: &mut Step, grid: u64) {
    let millis = u64::try_from(step.at.as_millis()).unwrap_or(u64::MAX);
    step.at = Duration::from_millis(millis / grid * grid);
}

/// Rounds the time of a step, unless it would move before an earlier step.
fn snap_in_order(steps: &mut [Step], index: usize, grid: u64) {
    let old = steps[index].at;
    snap(&mut steps[index], grid);
    if index > 0 && steps[index - 1].at > steps[index].at {
        steps[index].at = old;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_steps_keep_their_order() {
        let text = "offhook-scenario 1\nspan storm=30s settle=1s quiesce=1s\nphone a ws\n1.2s a holds\n1.9s a resumes\n7s a hangs up\n";
        let mut scenario: Scenario = text.parse().expect("a scenario");
        snap_in_order(&mut scenario.steps, 1, 1_000);
        assert_eq!(scenario.steps[1].at, Duration::from_millis(1_900), "1 s would be before 1.2 s");
        snap_in_order(&mut scenario.steps, 0, 1_000);
        snap_in_order(&mut scenario.steps, 1, 1_000);
        hurry(&mut scenario, 2, Duration::from_secs(4));
        let at: Vec<u64> = scenario.steps.iter().map(|step| step.at.as_secs()).collect();
        assert_eq!((at, scenario.phases.faults.as_secs()), (vec![1, 1, 3], 26));
    }
}
