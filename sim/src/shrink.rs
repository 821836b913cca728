//! Making a failing scenario small: a story of five steps is read, one of fifty is not.
//!
//! Each attempt leaves something out and plays the rest. It is kept when the same oracle still objects.

use std::time::Duration;

use crate::run::run;
use crate::scenario::{Act, Codec, Fault, PhoneSetup, Scenario, Step, Weather};

/// Makes a scenario smaller as long as the same oracle objects to it. Returns it unchanged when none does.
pub fn shrink(scenario: &Scenario) -> Scenario {
    let mut small = Shrinking { best: scenario.clone(), oracle: "" };
    match run(scenario).violation {
        Some(violation) => small.oracle = violation.oracle,
        None => return small.best,
    }
    loop {
        let before = small.best.clone();
        small.leave_out_steps();
        small.leave_out_phones();
        small.calm_down();
        small.shorten();
        if small.best == before {
            return before;
        }
    }
}

struct Shrinking {
    best: Scenario,
    oracle: &'static str,
}

impl Shrinking {
    fn attempt(&mut self, candidate: Scenario) -> bool {
        if candidate == self.best || run(&candidate).violation.is_none_or(|found| found.oracle != self.oracle)
        {
            return false;
        }
        self.best = candidate;
        true
    }

    /// Half of the steps, a quarter, … and at last each single one.
    fn leave_out_steps(&mut self) {
        let mut width = self.best.steps.len().div_ceil(2).max(1);
        loop {
            let mut first = 0;
            while first < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (first + width).min(candidate.steps.len());
                candidate.steps.drain(first..end);
                if !self.attempt(candidate) {
                    first += width;
                }
            }
            if width == 1 {
                return;
            }
            width = width.div_ceil(2);
        }
    }

    fn leave_out_phones(&mut self) {
        for phone in (0..self.best.phones.len()).rev() {
            let candidate = without_phone(&self.best, phone);
            self.attempt(candidate);
        }
    }

    /// Makes phones and networks ordinary.
    fn calm_down(&mut self) {
        for phone in 0..self.best.phones.len() {
            let changes: [fn(&mut PhoneSetup); 8] = [
                |phone| phone.weather = Weather::CLEAR,
                |phone| phone.weather.loss = 0,
                |phone| (phone.weather.duplicate, phone.weather.late) = (0, 0),
                |phone| phone.weather.jitter = Duration::ZERO,
                |phone| phone.drift = 0,
                |phone| (phone.codecs, phone.telephone_event) = (Codec::ALL.to_vec(), true),
                |phone| phone.attempts = None,
                |phone| phone.expires = Duration::from_secs(600),
            ];
            for change in changes {
                let mut candidate = self.best.clone();
                change(&mut candidate.phones[phone]);
                self.attempt(candidate);
            }
        }
    }

    /// Ends the storm after its last step, and moves everything to round times.
    fn shorten(&mut self) {
        let last = self.best.steps.last().map_or(Duration::ZERO, |step| step.at);
        for after in [1, 10, 60] {
            let mut candidate = self.best.clone();
            let storm = Duration::from_secs(last.as_secs() + after);
            candidate.span.storm = storm.min(candidate.span.storm);
            if self.attempt(candidate) {
                break;
            }
        }
        for grid in [10_000, 1_000, 100, 10] {
            for step in 0..self.best.steps.len() {
                let mut candidate = self.best.clone();
                let at = &mut candidate.steps[step].at;
                let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
                *at = Duration::from_millis(millis / grid * grid);
                candidate.steps.sort_by_key(|step| step.at);
                self.attempt(candidate);
            }
        }
    }
}

fn without_phone(scenario: &Scenario, gone: usize) -> Scenario {
    let mut rest = scenario.clone();
    rest.phones.remove(gone);
    rest.steps.retain_mut(|Step { act, .. }| {
        let phone = match act {
            Act::User { phone, .. } => phone,
            Act::Fault(
                Fault::Drop { phone }
                | Fault::Rot { phone }
                | Fault::Cut { phone, .. }
                | Fault::Media { phone, .. }
                | Fault::Die { phone },
            ) => phone,
            Act::Fault(Fault::Crash { .. }) => return true,
        };
        let stays = *phone != gone;
        *phone -= usize::from(*phone > gone);
        stays
    });
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_taken_out_with_what_it_does() {
        let text = "offhook-scenario 1\nphone a ws\nphone b ws\nphone c ws\n1s a dials b\n2s b dies\n3s c hangs up\n";
        let rest = without_phone(&text.parse().expect("a scenario"), 1);
        let expected = "offhook-scenario 1\nphone a ws\nphone c ws\n1s a dials b\n3s c hangs up\n";
        assert_eq!(Ok(rest), expected.parse());
    }

    #[test]
    fn a_clean_scenario_stays_as_it_is() {
        let scenario = crate::generate::generate(1);
        assert_eq!(shrink(&scenario), scenario);
    }
}
