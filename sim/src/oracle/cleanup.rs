//! After the drain no calls, effects or media engines are left, and a phone has no timers of calls.

use offhook::DeadlineKind;

use super::{Oracle, PhaseEnd, WorldView};
use crate::describe;

pub(super) struct Cleanup;

impl Oracle for Cleanup {
    fn name(&self) -> &'static str {
        "cleanup"
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Drain {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate().filter(|(_, phone)| phone.alive) {
            let name = &phone.setup.name;
            if let Some((session, call)) = phone.calls.iter().next() {
                return Err(format!("call {session} of {name} is still {}", call.status));
            }
            if let Some(session) = phone.sessions().next() {
                return Err(format!("{name} keeps call {session}, which has ended"));
            }
            if let Some((_, leg)) = phone.effects.iter().next() {
                return Err(format!("{name} still waits for an effect of call {}", leg.end.1));
            }
            if view.engines.legs().any(|leg| leg.end.0 == index) {
                return Err(format!("{name} never released the media of a call"));
            }
            if let Some(deadline) = phone
                .next_deadline()
                .filter(|deadline| matches!(deadline.kind, DeadlineKind::Session | DeadlineKind::Output))
            {
                return Err(format!(
                    "{name} has no call, but a timer for {}",
                    describe::deadline(deadline.kind)
                ));
            }
        }
        Ok(())
    }
}
