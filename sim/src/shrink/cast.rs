//! Removes phones and exchanges with their steps.

use super::Shrinking;
use crate::scenario::{Action, Scenario, Step};

impl Shrinking<'_> {
    /// Removes phones, and all exchanges but one.
    pub(super) fn remove_nodes(&mut self) {
        for phone in (0..self.best.scenario.phones.len()).rev() {
            self.attempt(|scenario| remove_phone(scenario, phone));
        }
        for exchange in (0..self.best.scenario.exchanges.len()).rev() {
            if self.best.scenario.exchanges.len() > 1 {
                self.attempt(|scenario| remove_exchange(scenario, exchange));
            }
        }
    }
}

fn remove_phone(scenario: &mut Scenario, gone: usize) {
    scenario.phones.remove(gone);
    scenario.steps.retain_mut(|step| phone_of(step).is_none_or(|phone| stays(phone, gone)));
}

fn remove_exchange(scenario: &mut Scenario, gone: usize) {
    scenario.exchanges.remove(gone);
    scenario.steps.retain_mut(|step| match &mut step.action {
        Action::Fault(fault) => fault.exchange_mut().is_none_or(|exchange| stays(exchange, gone)),
        Action::User { .. } | Action::Rogue { .. } => true,
    });
}

/// Whether an index is not the removed one. Higher indexes move down.
pub(super) fn stays(place: &mut usize, gone: usize) -> bool {
    let stays = *place != gone;
    *place -= usize::from(*place > gone);
    stays
}

fn phone_of(step: &mut Step) -> Option<&mut usize> {
    match &mut step.action {
        Action::User { phone, .. } => Some(phone),
        Action::Fault(fault) => fault.phone_mut(),
        Action::Rogue { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Scenario {
        format!("offhook-scenario 1\n{text}").parse().expect("a scenario")
    }

    #[test]
    fn a_phone_is_removed_with_its_steps() {
        let mut rest = read(
            "exchange x\nphone a ws\nphone b ws\nphone c ws\n1s a dials b\n2s b dies\n3s c hangs up\n4s x crashes for 1s",
        );
        remove_phone(&mut rest, 1);
        let left = "exchange x\nphone a ws\nphone c ws\n1s a dials b\n3s c hangs up\n4s x crashes for 1s";
        assert_eq!(rest, read(left));
    }

    #[test]
    fn an_exchange_is_removed_with_its_faults() {
        let mut rest = read("exchange x\nexchange y\nphone a ws\n1s x crashes for 1s\n2s y crashes for 1s");
        remove_exchange(&mut rest, 0);
        assert_eq!(rest, read("exchange y\nphone a ws\n2s y crashes for 1s"));
    }
}
