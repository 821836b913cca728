//! Making a failing scenario small: a story of five steps is read, one of fifty is not.
//!
//! Each attempt leaves something out or makes something plain, and plays the rest. It is kept when the same oracle still objects.
//! Every attempt that is kept brings the scenario nearer to an end, so shrinking ends; it is the same each time, unless the host's
//! clock stops it.

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

/// What shrinking may cost.
#[derive(Copy, Clone)]
pub struct Budget<'a> {
    /// The most scenarios that are played.
    pub runs: u32,
    /// Asked before each of them: whether the host has no more time. A simulator has no clock of its own.
    pub is_over: &'a dyn Fn() -> bool,
}

impl Default for Budget<'_> {
    /// Four thousand runs, which take some seconds, whatever the time.
    fn default() -> Self {
        Self { runs: 4_000, is_over: &|| false }
    }
}

/// A scenario that was made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// What is left.
    pub scenario: Scenario,
    /// What the oracle objects to in it.
    pub violation: Violation,
    /// How many scenarios were played.
    pub runs: u32,
    /// Why no smaller one was looked for.
    pub ended: Ended,
}

/// Why shrinking ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing more can be left out or made plain.
    Minimal,
    /// All runs of the budget were used.
    Runs,
    /// The host had no more time.
    Time,
}

impl Ended {
    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Minimal => "minimal",
            Ended::Runs => "runs",
            Ended::Time => "time",
        }
    }
}

/// Makes a scenario small as long as the same oracle objects to it. `None` when none does, not even to a second run that
/// differs from the first.
pub fn shrink(scenario: &Scenario, budget: &Budget<'_>) -> Option<Shrunk> {
    shrink_by(scenario, budget, |candidate| run(candidate).violation)
        .or_else(|| shrink_by(scenario, budget, |candidate| run_twice(candidate).violation))
}

/// Makes a scenario small with somebody else to play it and to say what is wrong with it.
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
    shrinking.until_nothing_helps();
    Some(shrinking.best)
}

struct Shrinking<'a> {
    best: Shrunk,
    judge: &'a mut dyn FnMut(&Scenario) -> Option<Violation>,
    budget: Budget<'a>,
    /// The hashes of what was played in vain. The last round asks much that was asked before.
    refused: BTreeSet<u64>,
}

impl Shrinking<'_> {
    fn until_nothing_helps(&mut self) {
        self.forget_the_future();
        // What a model shows too is shown a thousand times sooner.
        self.attempt(|scenario| scenario.media = Fidelity::Model);
        loop {
            let before = self.best.scenario.clone();
            self.leave_out_steps();
            self.leave_out_nodes();
            self.tame_rogues();
            self.make_plain();
            self.space_out();
            self.make_short();
            if self.best.scenario == before {
                self.leave_out_pairs();
            }
            if self.best.scenario == before || self.best.ended != Ended::Minimal {
                return;
            }
        }
    }

    /// Changes the best scenario, and keeps it changed if it is still as bad.
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

/// All panics are objections of one oracle; what tells them apart is their place, which is in the first line.
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
    fn nothing_is_made_of_a_clean_scenario() {
        assert_eq!(shrink(&generate(1), &Budget::default()), None);
    }

    #[test]
    fn panics_at_two_places_are_two_failures() {
        let panic = |what: &str| Violation { oracle: "panic", at: Instant::ZERO, what: what.to_owned() };
        assert!(is_same(&panic("at a.rs:1:\nsaid 1"), &panic("at a.rs:1:\nsaid 2")));
        assert!(!is_same(&panic("at a.rs:1:\nsaid 1"), &panic("at b.rs:1:\nsaid 1")));
        let stuck = |what: &str| Violation { oracle: "stuck", ..panic(what) };
        assert!(is_same(&stuck("call 1"), &stuck("call 2")) && !is_same(&stuck("x"), &panic("x")));
    }

    /// Objects as long as there are two steps.
    fn two_steps(scenario: &Scenario) -> Option<Violation> {
        let violation = Violation { oracle: "canary", at: Instant::ZERO, what: String::new() };
        (scenario.steps.len() >= 2).then_some(violation)
    }

    #[test]
    fn a_budget_is_kept() {
        let scenario = generate(1);
        let few = Budget { runs: 5, ..Budget::default() };
        let shrunk = shrink_by(&scenario, &few, two_steps).expect("it has more than two steps");
        assert_eq!((shrunk.runs, shrunk.ended), (5, Ended::Runs));
        let late = Budget { is_over: &|| true, ..Budget::default() };
        let shrunk = shrink_by(&scenario, &late, two_steps).expect("it has more than two steps");
        assert_eq!((&shrunk.scenario, shrunk.runs, shrunk.ended), (&scenario, 1, Ended::Time));
    }

    #[test]
    fn what_nobody_needs_is_left_out() {
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
