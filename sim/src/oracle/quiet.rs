//! When everybody hung up, no call is left, and a phone wants no more than to keep its registration.

use offhook::DeadlineKind;

use super::{Moment, Oracle, Scene};

pub(super) struct Quiet;

impl Oracle for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn check(&mut self, scene: &Scene<'_>, moment: Moment) -> Result<(), String> {
        if moment != Moment::Quiet {
            return Ok(());
        }
        for (index, phone) in scene.phones.iter().enumerate().filter(|(_, phone)| phone.alive) {
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
            if scene.engines.ends().any(|end| end.0 == index) {
                return Err(format!("{name} never released the media of a call"));
            }
            if let Some(deadline) = phone
                .wants()
                .filter(|deadline| matches!(deadline.kind, DeadlineKind::Session | DeadlineKind::Output))
            {
                return Err(format!("{name} has no call and wants to be woken for {:?}", deadline.kind));
            }
        }
        Ok(())
    }
}
