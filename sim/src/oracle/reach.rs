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
}

impl Oracle for Reach {
    fn name(&self) -> &'static str {
        "reach"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Bound { exchange, phone, contact } => {
                self.bindings.insert((exchange, contact.to_owned()), (phone, scene.now));
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
            let is_bound = self.bindings.iter().any(|(&(exchange, _), &(bound, at))| {
                bound == index && at >= scene.exchanges[exchange].started
            });
            if claims && !is_bound {
                return Err(format!(
                    "{} says it is registered, and no exchange knows where",
                    phone.setup.name
                ));
            }
        }
        Ok(())
    }
}
