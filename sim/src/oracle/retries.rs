//! Registration attempts are counted as documented: consecutive failures, reset by a success only, and at most the configured limit.

use std::collections::BTreeMap;

use offhook::{AccountEvent, AccountId, Event, RegistrationState};

use super::{Observation, Oracle, WorldView};

/// Consecutive failed attempts, by phone and account.
#[derive(Default)]
pub(super) struct Retries {
    failures: BTreeMap<(usize, AccountId), u32>,
}

impl Oracle for Retries {
    fn name(&self) -> &'static str {
        "retries"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let &Observation::Event {
            phone,
            event: Event::Account { account, event: AccountEvent::Registration(state) },
        } = observation
        else {
            return Ok(());
        };
        let setup = &view.phones[phone].setup;
        let failures = self.failures.entry((phone, *account)).or_default();
        follow(failures, setup.attempts, state)
            .map_err(|what| format!("{} reports `{state}`, but {what}", setup.name))
    }
}

fn follow(failures: &mut u32, limit: Option<u32>, state: &RegistrationState) -> Result<(), String> {
    let told = match state {
        RegistrationState::Registered { .. } | RegistrationState::Unregistered => {
            *failures = 0;
            return Ok(());
        }
        RegistrationState::Registering { attempt } => attempt - 1,
        RegistrationState::Waiting { attempt, of, why, .. } => {
            // The flood budget causes a back-off without a failure.
            *failures += u32::from(why.attempts == *failures + 1);
            if *attempt != why.attempts + 1 || *of != limit {
                return Err("it contradicts itself or the configuration".to_owned());
            }
            if limit.is_some_and(|limit| why.attempts >= limit) {
                return Err("the limit is reached".to_owned());
            }
            why.attempts
        }
        RegistrationState::Failed(why) => {
            let expected = std::mem::take(failures) + 1;
            return if why.attempts == expected { Ok(()) } else { Err(format!("it is failure {expected}")) };
        }
        RegistrationState::Refreshing | RegistrationState::Unregistering => return Ok(()),
    };
    if told == *failures { Ok(()) } else { Err(format!("{failures} attempts failed")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{Cause, Instant, RegistrationFailure};

    fn failure(attempts: u32) -> RegistrationFailure {
        RegistrationFailure::new(Cause::TimedOut, None, attempts)
    }

    fn waiting(attempts: u32) -> RegistrationState {
        let (attempt, of) = (attempts + 1, Some(3));
        RegistrationState::Waiting { attempt, of, until: Instant::ZERO, why: failure(attempts) }
    }

    fn fate(states: &[RegistrationState]) -> Result<(), String> {
        let mut failures = 0;
        states.iter().try_for_each(|state| follow(&mut failures, Some(3), state))
    }

    #[test]
    fn a_success_and_only_a_success_resets_the_count() {
        let first = RegistrationState::Registering { attempt: 1 };
        let second = RegistrationState::Registering { attempt: 2 };
        let registered = RegistrationState::Registered { until: Instant::ZERO };
        assert_eq!(
            fate(&[first, waiting(1), second, waiting(2), RegistrationState::Failed(failure(3))]),
            Ok(())
        );
        assert_eq!(fate(&[first, waiting(1), second, registered, first, waiting(1)]), Ok(()));
        assert!(fate(&[first, waiting(1), second, registered, second]).is_err(), "not reset");
        assert!(fate(&[first, waiting(1), first]).is_err(), "reset by a failure");
        assert!(fate(&[first, waiting(1), second, waiting(2), waiting(3)]).is_err(), "beyond the limit");
        assert!(fate(&[first, RegistrationState::Failed(failure(3))]).is_err(), "given up too soon");
    }
}
