//! What a phone tells of its registration adds up: failures are counted, each is followed by a wait, and a binding is
//! refreshed while it lasts.

use std::time::Duration;

use offhook::{Command, Event, RegistrationState};

use super::{Observation, Oracle, PhaseEnd, WorldView};

/// Half of the default of [`offhook::RegistrationPolicy::first_wait`]: the least that a jittered wait may be.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Registration {
    /// Failures since the last success, by phone.
    failures: Vec<u32>,
}

impl Oracle for Registration {
    fn name(&self) -> &'static str {
        "registration"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.failures.resize(view.phones.len(), 0);
        match *sight {
            Observation::Event { phone, event: Event::Registration { state, .. } } => {
                let node = &view.phones[phone];
                let now = node.local(view.now);
                self.on_event(phone, state, now)
                    .map_err(|what| format!("{} says {state:?}, but {what}", node.setup.name))
            }
            Observation::Command { phone, command: Command::Register { .. }, .. } => {
                // The command starts a new count, or goes on with the old one.
                self.failures[phone] = self.failures[phone].max(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment == PhaseEnd::Faults {
            return Ok(());
        }
        for node in view.phones.iter().filter(|phone| phone.alive) {
            let now = node.local(view.now);
            match node.registration {
                Some(RegistrationState::Registered { until }) if until < now => {
                    return Err(format!(
                        "the binding of {} is over, and it knows nothing of it",
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
        phone: usize,
        state: &RegistrationState,
        now: offhook_wire::Instant,
    ) -> Result<(), String> {
        let failures = &mut self.failures[phone];
        match state {
            RegistrationState::Registered { .. } => *failures = 0,
            RegistrationState::Waiting { until, why, .. } => {
                *failures += 1;
                if until.saturating_since(now) < SHORTEST_WAIT {
                    return Err("that is no wait".to_owned());
                }
                if why.attempts > *failures {
                    return Err(format!("only {failures} failed since it was registered"));
                }
            }
            RegistrationState::Failed(why) => {
                *failures += 1;
                if why.attempts > *failures {
                    return Err(format!("only {failures} failed since it was registered"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
