//! Work is bounded: one input gives few outputs, and nobody is woken again and again at one instant.

use std::collections::BTreeMap;

use offhook_wire::Instant;

use super::{Oracle, Scene, Sight};
use crate::tape::Node;

/// Outputs after one input. Ending all calls of a phone takes a few for each.
const MOST_OUTPUTS: usize = 200;

/// Wakes of one machine at one instant.
const MOST_WAKES: u32 = 200;

#[derive(Default)]
pub(super) struct Busy {
    wakes: BTreeMap<Node, (Instant, u32)>,
}

impl Oracle for Busy {
    fn name(&self) -> &'static str {
        "busy"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Drained { phone, outputs } if outputs > MOST_OUTPUTS => {
                Err(format!("{} gives {outputs} outputs at once", scene.phones[phone].setup.name))
            }
            Sight::Woken(node) => {
                let (at, count) = self.wakes.entry(node).or_insert((scene.now, 0));
                if *at != scene.now {
                    (*at, *count) = (scene.now, 0);
                }
                *count += 1;
                if *count <= MOST_WAKES {
                    return Ok(());
                }
                let name = match node {
                    Node::Phone(phone) => &scene.phones[phone].setup.name,
                    Node::Exchange(exchange) => scene.exchanges[exchange].name(),
                    // Nobody promised that it would not.
                    Node::Rogue(_) => return Ok(()),
                };
                Err(format!("{name} wants to be woken {count} times at one instant"))
            }
            _ => Ok(()),
        }
    }
}
