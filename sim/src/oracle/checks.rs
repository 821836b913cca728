//! An INVITE whose offer the media engine cannot use is refused with 488 and a Warning, and the user is not alerted (RFC 3261
//! §13.3.1.3, §20.43). One that it can use is not refused for its offer, and the user learns which types of media it has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{AccountEvent, CallCommand, CallEffect, Command, EffectResult, Event, MediaFault, MediaTypes};
use offhook_wire::{HeaderName, Instant, Method};

use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::told::{Told, told};

/// A result within this time certainly counts: a phone waits 200 ms for it.
const IN_TIME: Duration = Duration::from_millis(150);

#[derive(Default)]
pub(super) struct Checks {
    /// Calls whose offer cannot be used: the time of the check, and the fault.
    unusable: BTreeMap<End, (Instant, MediaFault)>,
    /// Calls whose offer can be used: the time of the check, and its types of media.
    usable: BTreeMap<End, (Instant, MediaTypes)>,
    /// Phones that reported a refused INVITE since they were last polled, and sent no 488 yet.
    refusing: BTreeSet<usize>,
    /// Phones whose user chose 488, which has no Warning.
    chosen: BTreeSet<usize>,
}

impl Oracle for Checks {
    fn name(&self) -> &'static str {
        "checks"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::EffectDone { leg, effect: CallEffect::Check { .. }, result } => {
                let now = view.local(leg.end.0);
                match result {
                    EffectResult::Failed(MediaFault::Engine) => {}
                    EffectResult::Failed(fault) => drop(self.unusable.insert(leg.end, (now, *fault))),
                    EffectResult::Checked(agreed) => drop(self.usable.insert(leg.end, (now, agreed.types))),
                    _ => {}
                }
                Ok(())
            }
            Observation::Command {
                phone,
                command: Command::Call { command: CallCommand::Reject { code: 488 }, .. },
                ..
            } => {
                self.chosen.insert(phone);
                Ok(())
            }
            Observation::Event { phone, event } => self.on_event(view, phone, event),
            Observation::Sent { phone, message: Some(message), .. }
                if message.status() == Some(488) && message.of == Method::Invite =>
            {
                self.refusing.remove(&phone);
                let warned = message.values(HeaderName::Warning).any(|warning| {
                    [&b"302 "[..], b"304 ", b"305 ", b"399 "].iter().any(|code| warning.starts_with(code))
                });
                if warned || self.chosen.contains(&phone) {
                    return Ok(());
                }
                Err(format!("{} sends a 488 without a Warning", view.phones[phone].setup.name))
            }
            Observation::PhonePolled { phone, .. } if self.refusing.remove(&phone) => {
                let name = &view.phones[phone].setup.name;
                Err(format!("{name} reports a refused INVITE, but sends no 488"))
            }
            _ => Ok(()),
        }
    }
}

impl Checks {
    fn on_event(&mut self, view: &WorldView<'_>, phone: usize, event: &Event) -> Result<(), String> {
        let name = &view.phones[phone].setup.name;
        if let Event::Account { event: AccountEvent::InviteRefused { fault, .. }, .. } = event {
            self.refusing.insert(phone);
            let found = self.unusable.iter().find(|((of, _), (_, known))| *of == phone && known == fault);
            let Some(end) = found.map(|(end, _)| *end) else {
                return Err(format!("{name} refuses an INVITE whose offer can be used"));
            };
            self.unusable.remove(&end);
        }
        let Some((session, Told::Incoming { types, .. })) = told(event) else { return Ok(()) };
        if let Some((at, checked)) = self.usable.remove(&(phone, session))
            && view.local(phone).saturating_since(at) < IN_TIME
            && types != Some(checked)
        {
            return Err(format!(
                "{name} reports call {session} with {types:?}, but its offer has {checked:?}"
            ));
        }
        match self.unusable.remove(&(phone, session)) {
            Some((at, fault)) if view.local(phone).saturating_since(at) < IN_TIME => Err(format!(
                "{name} alerts its user of call {session}, whose offer cannot be used: {fault:?}"
            )),
            _ => Ok(()),
        }
    }
}
