//! Shrinking of scenarios that fail because of an oracle of the test.

use offhook::{AccountEvent, CallEvent, Event, RegistrationState};
use offhook_sim::generate::generate;
use offhook_sim::oracle::{Observation, Oracle, Violation, WorldView};
use offhook_sim::run::run_with;
use offhook_sim::scenario::{Action, Scenario, Weather};
use offhook_sim::shrink::{Budget, Ended, Shrunk, shrink_by};

/// Fails if a call is held after a digit was sent.
#[derive(Default)]
struct HeldAfterADigit {
    sent: bool,
}

impl Oracle for HeldAfterADigit {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn observe(&mut self, _: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match observation {
            Observation::Event { event: Event::Call { event: CallEvent::DigitSent { .. }, .. }, .. } => {
                self.sent = true
            }
            Observation::Event {
                event: Event::Call { event: CallEvent::Hold { local: true, .. }, .. },
                ..
            } if self.sent => {
                return Err("held after a digit".to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

/// Fails on a third registration attempt.
struct ThirdTry;

impl Oracle for ThirdTry {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn observe(&mut self, _: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match observation {
            Observation::Event {
                event:
                    Event::Account {
                        event: AccountEvent::Registration(RegistrationState::Waiting { attempt: 3.., .. }),
                        ..
                    },
                ..
            } => Err("a third try".to_owned()),
            _ => Ok(()),
        }
    }
}

fn held(scenario: &Scenario) -> Option<Violation> {
    run_with(scenario, vec![Box::<HeldAfterADigit>::default()]).violation
}

fn third_try(scenario: &Scenario) -> Option<Violation> {
    run_with(scenario, vec![Box::new(ThirdTry)]).violation
}

/// The first failing scenarios, and their shrunk forms.
fn shrunk(
    judge: fn(&Scenario) -> Option<Violation>,
    count: usize,
) -> impl Iterator<Item = (Scenario, Shrunk)> {
    let scenarios = (0..2_000).map(generate);
    let small = scenarios.filter_map(move |scenario| {
        let shrunk = shrink_by(&scenario, &Budget::default(), judge)?;
        Some((scenario, shrunk))
    });
    small.take(count)
}

#[test]
fn a_long_scenario_is_shrunk() {
    let mut seen = 0;
    for (long, short) in shrunk(held, 6) {
        seen += 1;
        let story = &short.scenario;
        assert_eq!(short.ended, Ended::Minimal);
        assert!(short.runs <= 1_000, "{} runs for {} steps", short.runs, long.steps.len());
        assert!(story.phones.iter().all(|phone| phone.weather == Weather::CLEAR), "{story}");
        // One or two calls, a digit and a hold; or two holds and a fault, if the glare of the holds delays one.
        assert!(story.steps.len() <= 8 && story.phones.len() <= 6, "{}\n{story}", long.steps.len());
        assert!(!story.steps.iter().any(|step| matches!(step.action, Action::Fault(_))), "{story}");
        assert!(story.phases.faults.as_secs() <= 30, "{story}");
    }
    assert_eq!(seen, 6);
}

#[test]
fn a_required_fault_is_kept() {
    let mut seen = 0;
    for (_, short) in shrunk(third_try, 6) {
        seen += 1;
        let story = &short.scenario;
        assert!(story.steps.len() <= 4 && story.phones.len() == 1, "{story}");
        assert!(story.steps.iter().any(|step| matches!(step.action, Action::Fault(_))), "{story}");
    }
    assert_eq!(seen, 6);
}

#[test]
fn the_shrunk_scenario_fails_and_is_deterministic() {
    for judge in [held, third_try] {
        for (long, short) in shrunk(judge, 2) {
            assert_eq!(judge(&short.scenario).as_ref(), Some(&short.violation), "{}", short.scenario);
            assert_eq!(
                short.scenario.to_string().parse(),
                Ok(short.scenario.clone()),
                "its text round-trips"
            );
            assert_eq!(shrink_by(&long, &Budget::default(), judge).as_ref(), Some(&short), "deterministic");
            let again = shrink_by(&short.scenario, &Budget::default(), judge).expect("it fails");
            assert_eq!(again.scenario, short.scenario, "minimal");
        }
    }
}
