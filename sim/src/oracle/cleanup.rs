//! When everybody hung up, no call is left, and a phone wants no more than to keep its registration.

use offhook::DeadlineKind;

use super::{Oracle, PhaseEnd, WorldView};

pub(super) struct Cleanup;

impl Oracle for Cleanup {
    fn name(&self) -> &'static str {
        "cleanup"
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment != PhaseEnd::Drain {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate().filter(|(_, phone)| phone.alive) {
            let name = &phone.setup.name;
            if let Some((session, call)) = phone.calls.iter().next() {
                return Err(format!("call {session} of {name} is still {}", call.status));
            }
            if let Some(session) = phone.sessions().next() {
                return Err(format!("{name} keeps call {session}, which is over"));
            }
            if let Some((_, session)) = phone.effects.iter().next() {
                return Err(format!("{name} still waits for media of call {session}"));
            }
            if view.engines.ends().any(|end| end.0 == index) {
                return Err(format!("{name} never released the media of a call"));
            }
            if let Some(deadline) = phone
                .next_deadline()
                .filter(|deadline| matches!(deadline.kind, DeadlineKind::Session | DeadlineKind::Output))
            {
                return Err(format!("{name} has no call and wants to be woken for {:?}", deadline.kind));
            }
        }
        Ok(())
    }
}
