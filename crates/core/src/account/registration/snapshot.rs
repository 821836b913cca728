//! Snapshots of a registration.

use super::{Registration, State, Step};
use crate::Instant;
use crate::api::checkpoint::{AccountCheckpoint, InvalidCheckpoint, RegistrationCheckpoint};
use crate::base::timers::TimerId;

/// The CSeq of a request is below 2^31 (RFC 3261 §8.1.1.5); the other counters have the same limit.
const MOST: u32 = 1 << 31;

impl Registration {
    /// The snapshot of the state; `None` while a REGISTER is pending.
    pub(crate) fn checkpoint(&self) -> Option<RegistrationCheckpoint> {
        Some(match self.state {
            State::Unregistered => RegistrationCheckpoint::Unregistered,
            State::Registering(Step::NoConnection | Step::NoBudget(_)) => RegistrationCheckpoint::Registering,
            State::Registered { until, .. } => RegistrationCheckpoint::Registered { until },
            State::Waiting { until, why, .. } => RegistrationCheckpoint::Waiting { until, why },
            State::Failed(why) => RegistrationCheckpoint::Failed(why),
            State::Registering(_) | State::Refreshing { .. } | State::Unregistering { .. } => {
                return None;
            }
        })
    }

    /// CSeq, lifetime, failures, expiry of the binding, and flood budget.
    pub(crate) fn counts(&self) -> (u32, u32, u32, Option<Instant>, Vec<Instant>) {
        let spent = self.budget.spent.iter().copied().collect();
        (self.ids.cseq, self.expires, self.failures, self.bound, spent)
    }

    /// How many servers answered the pending attempt with 503.
    pub(crate) fn servers_refused(&self) -> u32 {
        self.servers_refused
    }

    /// Restores a snapshot, with its timer.
    pub(crate) fn restore(
        &mut self,
        at: &AccountCheckpoint,
        timer: Option<TimerId>,
    ) -> Result<(), InvalidCheckpoint> {
        let set = timer.ok_or(InvalidCheckpoint("the timer of the registration is missing"));
        self.state = match at.registration {
            RegistrationCheckpoint::Unregistered => State::Unregistered,
            RegistrationCheckpoint::Registering => {
                State::Registering(timer.map_or(Step::NoConnection, Step::NoBudget))
            }
            RegistrationCheckpoint::Registered { until } => State::Registered { until, refresh: set? },
            RegistrationCheckpoint::Waiting { until, why } => State::Waiting { until, timer: set?, why },
            RegistrationCheckpoint::Failed(why) => State::Failed(why),
        };
        if at.cseq >= MOST || at.expires >= MOST || at.servers_refused >= MOST || !at.spent.is_sorted() {
            return Err(InvalidCheckpoint("the registration cannot count like this"));
        }
        (self.ids.cseq, self.expires, self.failures) = (at.cseq, at.expires, at.failures);
        self.servers_refused = at.servers_refused;
        (self.bound, self.budget.spent) = (at.bound, at.spent.iter().copied().collect());
        Ok(())
    }
}
