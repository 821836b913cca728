//! Shrinks a failing scenario to the smallest one that still fails.
//!
//! Each attempt removes or simplifies a part, and plays the scenario. It is kept if the same oracle still reports a violation. Each kept
//! attempt makes the scenario smaller, so shrinking terminates. The result is deterministic, unless a time limit stops it.

mod cast;
mod plain;
mod rogues;
mod steps;
mod times;

use std::collections::BTreeSet;

use crate::hash::Digest;
use crate::oracle::Violation;
use crate::run::{run, run_twice};
use crate::scenario::{Fidelity, Scenario};

/// The limits of shrinking.
#[derive(Copy, Clone)]
pub struct Budget<'a> {
    /// The maximum number of runs.
    pub runs: u32,
    /// Called before each run: whether the time limit is reached.
    pub is_over: &'a dyn Fn() -> bool,
}

impl Default for Budget<'_> {
    /// 4,000 runs, without a time limit.
    fn default() -> Self {
        Self { runs: 4_000, is_over: &|| false }
    }
}

/// A shrunk scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// The violation.
    pub violation: Violation,
    /// The number of runs.
    pub runs: u32,
    /// Why shrinking ended.
    pub ended: Ended,
}

/// Why shrinking ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing more can be removed or simplified.
    Minimal,
    /// The limit of runs was reached.
    Runs,
    /// The time limit was reached.
    Time,
}

impl Ended {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Minimal => "minimal",
            Ended::Runs => "runs",
            Ended::Time => "time",
        }
    }
}

/// Shrinks a scenario as long as the same oracle reports a violation. `None` if there is no violation, and two runs are identical.
pub fn shrink(scenario: &Scenario, budget: &Budget<'_>) -> Option<Shrunk> {
    shrink_by(scenario, budget, |candidate| run(candidate).violation)
        .or_else(|| shrink_by(scenario, budget, |candidate| run_twice(candidate).violation))
}

/// Shrinks a scenario with a function that plays it and returns the violation.
pub fn shrink_by(
    scenario: &Scenario,
    budget: &Budget<'_>,
    mut judge: impl FnMut(&Scenario) -> Option<Violation>,
) -> Option<Shrunk> {
    let violation = judge(scenario)?;
    let mut shrinking = Shrinking {
        best: Shrunk { scenario: scenario.clone(), violation, runs: 1, ended: Ended::Minimal },
        judge: &mut judge,
        budget: *budget,
        refused: BTreeSet::new(),
    };
    shrinking.run_to_fixpoint();
    Some(shrinking.best)
}

struct Shrinking<'a> {
    best: Shrunk,
    judge: &'a mut dyn FnMut(&Scenario) -> Option<Violation>,
    budget: Budget<'a>,
    /// The hashes of scenarios that did not fail, so that they are not played again.
    refused: BTreeSet<u64>,
}

impl Shrinking<'_> {
    fn run_to_fixpoint(&mut self) {
        self.remove_later_steps();
        // The model of media is a thousand times faster.
        self.attempt(|scenario| scenario.media = Fidelity::Model);
        loop {
            let before = self.best.scenario.clone();
            self.remove_steps();
            self.remove_nodes();
            self.simplify_rogues();
            self.simplify();
            self.space_out();
            self.shorten();
            if self.best.scenario == before {
                self.remove_pairs();
            }
            if self.best.scenario == before || self.best.ended != Ended::Minimal {
                return;
            }
        }
    }

    /// Changes the best scenario, and keeps the change if it still fails.
    fn attempt(&mut self, change: impl FnOnce(&mut Scenario)) -> bool {
        let mut candidate = self.best.scenario.clone();
        change(&mut candidate);
        if candidate == self.best.scenario || self.best.ended != Ended::Minimal {
            return false;
        }
        let hash = Digest::new(0).bytes(candidate.to_string().as_bytes()).finish();
        if self.refused.contains(&hash) {
            return false;
        }
        if self.best.runs >= self.budget.runs {
            self.best.ended = Ended::Runs;
            return false;
        }
        if (self.budget.is_over)() {
            self.best.ended = Ended::Time;
            return false;
        }
        self.best.runs += 1;
        match (self.judge)(&candidate).filter(|found| is_same(found, &self.best.violation)) {
            Some(violation) => {
                self.best.scenario = candidate;
                self.best.violation = violation;
                true
            }
            None => {
                self.refused.insert(hash);
                false
            }
        }
    }
}

/// Panics are distinguished by their location, which is in the first line.
fn is_same(one: &Violation, other: &Violation) -> bool {
    let same_place = || one.what.lines().next() == other.what.lines().next();
    one.oracle == other.oracle && (one.oracle != "panic" || same_place())
}

#[cfg(test)]
mod tests {
    use offhook_wire::Instant;

    use super::*;
    use crate::generate::generate;

    #[test]
    fn a_clean_scenario_is_not_shrunk() {
        assert_eq!(shrink(&generate(1), &Budget::default()), None);
    }

    #[test]
    fn panics_at_different_locations_are_different_failures() {
        let panic = |what: &str| Violation { oracle: "panic", at: Instant::ZERO, what: what.to_owned() };
        assert!(is_same(&panic("at a.rs:1:\nsaid 1"), &panic("at a.rs:1:\nsaid 2")));
        assert!(!is_same(&panic("at a.rs:1:\nsaid 1"), &panic("at b.rs:1:\nsaid 1")));
        let stuck = |what: &str| Violation { oracle: "stuck", ..panic(what) };
        assert!(is_same(&stuck("call 1"), &stuck("call 2")) && !is_same(&stuck("x"), &panic("x")));
    }

    /// Fails with at least two steps.
    fn two_steps(scenario: &Scenario) -> Option<Violation> {
        let violation = Violation { oracle: "canary", at: Instant::ZERO, what: String::new() };
        (scenario.steps.len() >= 2).then_some(violation)
    }

    #[test]
    fn limits_are_respected() {
        let scenario = generate(1);
        let few = Budget { runs: 5, ..Budget::default() };
        let shrunk = shrink_by(&scenario, &few, two_steps).expect("it has more than two steps");
        assert_eq!((shrunk.runs, shrunk.ended), (5, Ended::Runs));
        let late = Budget { is_over: &|| true, ..Budget::default() };
        let shrunk = shrink_by(&scenario, &late, two_steps).expect("it has more than two steps");
        assert_eq!((&shrunk.scenario, shrunk.runs, shrunk.ended), (&scenario, 1, Ended::Time));
    }

    #[test]
    fn steps_and_nodes_that_are_not_needed_are_removed() {
        for seed in 0..20 {
            let scenario = generate(seed);
            let Some(shrunk) = shrink_by(&scenario, &Budget::default(), two_steps) else { continue };
            assert_eq!(
                (shrunk.scenario.steps.len(), shrunk.ended),
                (2, Ended::Minimal),
                "{}",
                shrunk.scenario
            );
            assert!(shrunk.scenario.phones.len() <= 2, "no phone without a step: {}", shrunk.scenario);
            assert_eq!(shrunk.scenario.to_string().parse(), Ok(shrunk.scenario));
        }
    }
}
