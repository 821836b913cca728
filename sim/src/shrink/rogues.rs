//! Removes rogues and breaches.

use std::collections::BTreeSet;

use super::Shrinking;
use super::cast::stays;
use crate::scenario::{Action, RogueAction, Scenario, Transport};

impl Shrinking<'_> {
    /// Removes rogues; then all breaches but one, or single breaches.
    pub(super) fn simplify_rogues(&mut self) {
        for rogue in (0..self.best.scenario.rogues.len()).rev() {
            self.attempt(|scenario| remove_rogue(scenario, rogue));
        }
        for rogue in 0..self.best.scenario.rogues.len() {
            self.attempt(|scenario| scenario.rogues[rogue].breaks.clear());
            let breaks = self.best.scenario.rogues[rogue].breaks.clone();
            for breach in &breaks {
                self.attempt(|scenario| scenario.rogues[rogue].breaks = BTreeSet::from([*breach]));
            }
            for breach in &breaks {
                self.attempt(|scenario| scenario.rogues[rogue].breaks.retain(|kept| kept != breach));
            }
            self.attempt(|scenario| scenario.rogues[rogue].transport = Transport::Ws);
        }
    }
}

fn remove_rogue(scenario: &mut Scenario, gone: usize) {
    scenario.rogues.remove(gone);
    scenario.steps.retain_mut(|step| match &mut step.action {
        Action::Rogue { rogue, .. } => stays(rogue, gone),
        _ => true,
    });
}

/// Simpler variants of an action, the simplest first.
pub(super) fn plainer(rogue: usize, action: RogueAction) -> Vec<Action> {
    let RogueAction::Flood { user, count, with } = action else { return Vec::new() };
    let fewer = [1, 2, 5, count / 2, count - (count / 8).max(1).min(count)]
        .into_iter()
        .filter(|few| (1..count).contains(few));
    fewer
        .map(|count| Action::Rogue { rogue, action: RogueAction::Flood { user: user.clone(), count, with } })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rogue_is_removed_with_its_steps() {
        let read =
            |text: &str| -> Scenario { format!("offhook-scenario 1\n{text}").parse().expect("a scenario") };
        let mut rest = read(
            "phone a ws\nrogue x ws\nrogue y ws breaks=no-ack\n1s x calls a\n2s y calls a\n3s a hangs up",
        );
        remove_rogue(&mut rest, 0);
        assert_eq!(rest, read("phone a ws\nrogue y ws breaks=no-ack\n2s y calls a\n3s a hangs up"));
    }
}
