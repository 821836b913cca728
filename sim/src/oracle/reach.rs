//! A phone that says it is registered over a connection can be reached: its exchange holds a binding that leads to it.
//!
//! Not so over datagrams: who lost the bindings of a phone there cannot tell it, and it learns so when it refreshes.

use std::collections::BTreeMap;

use offhook_wire::Instant;

use super::{Moment, Oracle, Scene, Sight};
use crate::scenario::Transport;

#[derive(Default)]
pub(super) struct Reach {
    /// By exchange and contact: the phone whose connection it came over, and when.
    bindings: BTreeMap<(usize, String), (usize, Instant)>,
    /// By phone: which exchange took it last, and when.
    last: BTreeMap<usize, (usize, Instant)>,
}

impl Oracle for Reach {
    fn name(&self) -> &'static str {
        "reach"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Bound { exchange, phone, contact } => {
                self.bindings.insert((exchange, contact.to_owned()), (phone, scene.now));
                self.last.insert(phone, (exchange, scene.now));
            }
            Sight::Unbound { exchange, contact } => {
                self.bindings.remove(&(exchange, contact.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self, scene: &Scene<'_>, moment: Moment) -> Result<(), String> {
        if moment == Moment::Healed {
            return Ok(());
        }
        for (index, phone) in scene.phones.iter().enumerate() {
            let claims = phone.alive && phone.is_registered() && phone.setup.transport == Transport::Ws;
            // That an exchange lost its memory, or that its clock was set, is not known before the next refresh.
            let is_excused = self.last.get(&index).is_some_and(|&(exchange, at)| scene.exchanges[exchange].forgot > at)
                    // Nor what it was told wrongly, such as how long its binding lasts.
                    || scene.harms.of_registration(index).is_some_and(|at| self.last.get(&index).is_none_or(|last| at >= last.1));
            let is_bound = self.bindings.iter().any(|(&(exchange, _), &(bound, at))| {
                let node = &scene.exchanges[exchange];
                bound == index && at >= node.started && node.is_running()
            });
            if claims && !is_bound && !is_excused {
                return Err(format!(
                    "{} says it is registered, and no exchange knows where",
                    phone.setup.name
                ));
            }
        }
        Ok(())
    }
}
