//! Each media session of a call is muted as the user commanded last, also one that is created later.

use std::collections::BTreeMap;

use offhook::{CallCommand, CallEffect, Command, MediaTypes};

use super::{Observation, Oracle, WorldView};
use crate::media::{End, Leg};

#[derive(Default)]
pub(super) struct Mute {
    /// What the user muted.
    wanted: BTreeMap<End, MediaTypes>,
    /// What is muted in each media session.
    muted: BTreeMap<Leg, MediaTypes>,
}

impl Oracle for Mute {
    fn name(&self) -> &'static str {
        "mute"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::Mute { types } },
                refused: None,
            } => drop(self.wanted.insert((phone, *session), *types)),
            Observation::Effect { leg, effect } => self.on_effect(leg, effect),
            Observation::PhonePolled { phone, .. } => return self.on_polled(view, phone),
            _ => {}
        }
        Ok(())
    }
}

impl Mute {
    fn on_effect(&mut self, leg: Leg, effect: &CallEffect) {
        match effect {
            CallEffect::Offer { .. } | CallEffect::Answer { .. } | CallEffect::Fork { .. } => {
                self.muted.entry(leg).or_insert(MediaTypes::NONE);
            }
            CallEffect::Mute { types } => drop(self.muted.insert(leg, *types)),
            CallEffect::Release => drop(self.muted.remove(&leg)),
            _ => {}
        }
    }

    fn on_polled(&self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let wanted = |leg: &Leg| self.wanted.get(&leg.end).copied().unwrap_or(MediaTypes::NONE);
        match self.muted.iter().find(|(leg, muted)| leg.end.0 == phone && wanted(leg) != **muted) {
            Some((leg, muted)) => Err(format!(
                "leg {} of call {} of {} is to mute {}, and mutes {muted}",
                leg.id.0,
                leg.end.1,
                view.phones[phone].setup.name,
                wanted(leg)
            )),
            None => Ok(()),
        }
    }
}
