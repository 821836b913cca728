//! The pen of the episodes.

use std::time::Duration;

use crate::hash::Draw;
use crate::scenario::{Action, Behaviour, Fault, Scenario, Step, UserAction};

/// Writes episodes into a scenario.
pub(super) struct Writer<'a> {
    pub(super) scenario: &'a mut Scenario,
    pub(super) draw: &'a mut Draw,
    /// The phone that the episode is about.
    pub(super) one: usize,
    /// Another one, if there is one.
    pub(super) other: usize,
    /// When the episode begins, in milliseconds.
    at: u64,
    /// When the next one may begin at the earliest.
    pub(super) end: u64,
}

impl<'a> Writer<'a> {
    /// For an episode that begins at `at` milliseconds.
    pub(super) fn new(scenario: &'a mut Scenario, draw: &'a mut Draw, at: u64) -> Self {
        let count = scenario.phones.len() as u64;
        let one = draw.below(count);
        // Who is alone can only call itself.
        let other = if count == 1 { one } else { (one + 1 + draw.below(count - 1)) % count };
        Self { scenario, draw, one: one as usize, other: other as usize, at, end: at }
    }

    /// A user acts `after` milliseconds.
    pub(super) fn user(&mut self, phone: usize, after: u64, action: UserAction) {
        let at = Duration::from_millis(self.at + after);
        self.scenario.steps.push(Step { at, action: Action::User { phone, action } });
    }

    /// Two deeds that meet on the way.
    pub(super) fn both(&mut self, first: UserAction, second: UserAction) {
        self.user(self.one, 0, first);
        let near = self.near(0);
        self.user(self.other, near, second);
    }

    pub(super) fn behaviour(&mut self, phone: usize, behaviour: Behaviour) {
        self.user(phone, 0, UserAction::Behaviour(behaviour));
    }

    /// One calls the other.
    pub(super) fn dial(&mut self) {
        let to = self.scenario.phones[self.other].user.clone();
        self.user(self.one, 0, UserAction::Dial(to));
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.fault_after(0, fault);
    }

    /// Something goes wrong `after` milliseconds.
    pub(super) fn fault_after(&mut self, after: u64, fault: Fault) {
        let at = Duration::from_millis(self.at + after);
        self.scenario.steps.push(Step { at, action: Action::Fault(fault) });
    }

    /// A time near another one, as messages go.
    pub(super) fn near(&mut self, millis: u64) -> u64 {
        let width = *self.draw.pick(&[1, 50, 200, 1_000]);
        millis + self.draw.below(width)
    }

    /// A time up to `most` milliseconds, mostly short, that ends with the storm.
    pub(super) fn lasting(&mut self, most: u64) -> Duration {
        let most = if self.draw.chance(500) { most / 10 } else { most };
        let rest = self.scenario.phases.faults.as_millis() as u64 - self.at;
        self.draw.millis(10, most).min(Duration::from_millis(rest))
    }

    /// Nothing else begins for so long, and the storm lasts so much longer.
    pub(super) fn wait(&mut self, lasting: Duration) {
        self.end += lasting.as_millis() as u64;
        self.scenario.phases.faults += lasting;
    }

    /// Somebody to call, or nobody.
    pub(super) fn somebody(&mut self) -> String {
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
