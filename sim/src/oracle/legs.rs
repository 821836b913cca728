//! Each media session of a call begins with its first description or as a fork, gets no effect before or after, and is released once.
//! A phone whose host can hold one session for the early dialogs of a call has no more.

use std::collections::BTreeMap;

use offhook::CallEffect;

use super::{Observation, Oracle, WorldView};
use crate::media::{End, Leg};

#[derive(Default)]
pub(super) struct Legs {
    /// Whether each leg that ever was is live.
    legs: BTreeMap<Leg, bool>,
}

impl Oracle for Legs {
    fn name(&self) -> &'static str {
        "legs"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Effect { leg, effect } => {
                let most = view.phones[leg.end.0].setup.legs;
                self.on_effect(most, leg, effect).map_err(|what| {
                    let name = &view.phones[leg.end.0].setup.name;
                    format!("{name} gives leg {} of call {} {effect:?}, {what}", leg.id.0, leg.end.1)
                })
            }
            Observation::PhonePolled { phone, .. } => self.on_polled(view, phone),
            _ => Ok(()),
        }
    }
}

impl Legs {
    fn on_effect(&mut self, most: usize, leg: Leg, effect: &CallEffect) -> Result<(), &'static str> {
        if !effect.needs_session() {
            return Ok(());
        }
        let known = self.legs.get(&leg).copied();
        match (effect, known) {
            (_, Some(false)) => return Err("which was released"),
            (CallEffect::Fork { .. }, Some(true)) => return Err("which has a session"),
            (CallEffect::Fork { .. }, None) if most < 2 => return Err("although it can hold one session"),
            (CallEffect::Fork { of }, None) if self.legs.get(&Leg { id: *of, ..leg }) != Some(&true) => {
                return Err("which repeats no offer");
            }
            (CallEffect::Release, Some(true)) => drop(self.legs.insert(leg, false)),
            (CallEffect::Offer { .. } | CallEffect::Answer { .. } | CallEffect::Fork { .. }, _) => {
                self.legs.insert(leg, true);
            }
            (_, None) => return Err("which has no session"),
            _ => {}
        }
        Ok(())
    }

    fn on_polled(&mut self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let node = &view.phones[phone];
        let mut live: BTreeMap<End, usize> = BTreeMap::new();
        for (leg, _) in self.legs.iter().filter(|(leg, live)| leg.end.0 == phone && **live) {
            *live.entry(leg.end).or_default() += 1;
        }
        match live.into_iter().find(|(_, count)| *count > node.setup.legs) {
            Some((end, count)) => {
                let (name, most) = (&node.setup.name, node.setup.legs);
                Err(format!("call {} of {name} has {count} media sessions, but its host holds {most}", end.1))
            }
            None => Ok(()),
        }
    }
}
