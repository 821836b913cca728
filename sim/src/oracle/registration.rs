//! The registration events of a phone are consistent: failures are counted, each is followed by a back-off, and a binding is refreshed
//! before it expires.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::{AccountCommand, AccountEvent, AccountId, Command, Event, RegistrationState};

use super::{Observation, Oracle, PhaseEnd, WorldView};

/// Half of the default of [`offhook::RegistrationPolicy::first_wait`]: the shortest jittered back-off.
const MIN_BACK_OFF: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Registration {
    /// Failures since the last success, by phone and account.
    failures: BTreeMap<(usize, AccountId), u32>,
}

impl Oracle for Registration {
    fn name(&self) -> &'static str {
        "registration"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Event {
                phone,
                event: Event::Account { account, event: AccountEvent::Registration(state) },
            } => {
                let node = &view.phones[phone];
                let now = node.local(view.now);
                self.on_event((phone, *account), state, now)
                    .map_err(|what| format!("{} reports `{state}`, but {what}", node.setup.name))
            }
            // These commands reset the count or continue it.
            Observation::Command {
                phone,
                command:
                    Command::Account { account, command: AccountCommand::Register | AccountCommand::Replace(_) },
                ..
            } => {
                let failures = self.failures.entry((phone, *account)).or_default();
                *failures = (*failures).max(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end == PhaseEnd::Faults {
            return Ok(());
        }
        for node in view.phones.iter().filter(|phone| phone.alive) {
            let now = node.local(view.now);
            match node.registration {
                Some(RegistrationState::Registered { until }) if until < now => {
                    return Err(format!(
                        "the binding of {} has expired, but it reports a registration",
                        node.setup.name
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Registration {
    fn on_event(
        &mut self,
        of: (usize, AccountId),
        state: &RegistrationState,
        now: offhook_wire::Instant,
    ) -> Result<(), String> {
        let failures = self.failures.entry(of).or_default();
        match state {
            RegistrationState::Registered { .. } => *failures = 0,
            RegistrationState::Waiting { until, why, .. } => {
                *failures += 1;
                if until.saturating_since(now) < MIN_BACK_OFF {
                    return Err("the back-off is shorter than a second".to_owned());
                }
                if why.attempts > *failures {
                    return Err(format!("only {failures} attempts failed since the last success"));
                }
            }
            RegistrationState::Failed(why) => {
                *failures += 1;
                if why.attempts > *failures {
                    return Err(format!("only {failures} attempts failed since the last success"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
