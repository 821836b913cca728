//! The writer of episodes.

use std::time::Duration;

use crate::hash::Draw;
use crate::scenario::{Action, Behaviour, Fault, Scenario, Step, UserAction};

/// Writes episodes into a scenario.
pub(super) struct Writer<'a> {
    pub(super) scenario: &'a mut Scenario,
    pub(super) draw: &'a mut Draw,
    /// The first phone of the episode.
    pub(super) one: usize,
    /// The second phone; the same one if there is only one.
    pub(super) other: usize,
    /// The start of the episode, in milliseconds.
    at: u64,
    /// The earliest start of the next episode.
    pub(super) end: u64,
}

impl<'a> Writer<'a> {
    /// A writer of an episode that starts at `at` milliseconds.
    pub(super) fn new(scenario: &'a mut Scenario, draw: &'a mut Draw, at: u64) -> Self {
        let count = scenario.phones.len() as u64;
        let one = draw.below(count);
        // A single phone calls itself.
        let other = if count == 1 { one } else { (one + 1 + draw.below(count - 1)) % count };
        Self { scenario, draw, one: one as usize, other: other as usize, at, end: at }
    }

    /// Adds a user action after `after` milliseconds.
    pub(super) fn user(&mut self, phone: usize, after: u64, action: UserAction) {
        let at = Duration::from_millis(self.at + after);
        self.scenario.steps.push(Step { at, action: Action::User { phone, action } });
    }

    /// Adds two actions whose messages may cross.
    pub(super) fn both(&mut self, first: UserAction, second: UserAction) {
        self.user(self.one, 0, first);
        let near = self.near(0);
        self.user(self.other, near, second);
    }

    pub(super) fn behaviour(&mut self, phone: usize, behaviour: Behaviour) {
        self.user(phone, 0, UserAction::Behaviour(behaviour));
    }

    /// The first phone dials the second.
    pub(super) fn dial(&mut self) {
        let to = self.scenario.phones[self.other].user.clone();
        self.user(self.one, 0, UserAction::Dial(to));
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.fault_after(0, fault);
    }

    /// Adds a fault after `after` milliseconds.
    pub(super) fn fault_after(&mut self, after: u64, fault: Fault) {
        let at = Duration::from_millis(self.at + after);
        self.scenario.steps.push(Step { at, action: Action::Fault(fault) });
    }

    /// A time up to a second after another one, usually within a message delay.
    pub(super) fn near(&mut self, millis: u64) -> u64 {
        let width = *self.draw.pick(&[1, 50, 200, 1_000]);
        millis + self.draw.below(width)
    }

    /// A duration up to `most` milliseconds, mostly short, within the phase of faults.
    pub(super) fn lasting(&mut self, most: u64) -> Duration {
        let most = if self.draw.chance(500) { most / 10 } else { most };
        let rest = self.scenario.phases.faults.as_millis() as u64 - self.at;
        self.draw.millis(10, most).min(Duration::from_millis(rest))
    }

    /// Delays the next episode, and extends the phase of faults.
    pub(super) fn wait(&mut self, lasting: Duration) {
        self.end += lasting.as_millis() as u64;
        self.scenario.phases.faults += lasting;
    }

    /// A user to call, sometimes an unknown one.
    pub(super) fn any_user(&mut self) -> String {
        if self.draw.chance(100) {
            return "nobody".to_owned();
        }
        let phone = self.draw.below(self.scenario.phones.len() as u64) as usize;
        self.scenario.phones[phone].user.clone()
    }

    pub(super) fn any_behaviour(&mut self) -> Behaviour {
        let after = *self.draw.pick(&[0, 50, 1_500, 5_000, 20_000]);
        let after = Duration::from_millis(self.draw.between(after / 2, after));
        match self.draw.below(10) {
            0..6 => Behaviour::Answer { after },
            6..9 => Behaviour::Reject { code: *self.draw.pick(&[486, 603, 480, 404, 302]), after },
            _ => Behaviour::Ignore,
        }
    }
}
