//! No call ends in its user's name when the user did not ask for that.

use std::collections::BTreeSet;

use offhook::{Cause, Command, EndedBy, Event};

use super::{Oracle, Scene, Sight};
use crate::media::End;

#[derive(Default)]
pub(super) struct Will {
    /// Calls whose user hung up or refused.
    ending: BTreeSet<End>,
}

impl Oracle for Will {
    fn name(&self) -> &'static str {
        "will"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Asked {
                phone,
                command: Command::HangUp { session } | Command::Reject { session, .. },
                refused: None,
            } => {
                self.ending.insert((phone, *session));
                Ok(())
            }
            Sight::Told { phone, event: Event::Ended { session, why } } => {
                let asked = self.ending.remove(&(phone, *session));
                let users = matches!(why.cause, Cause::HungUp | Cause::Cancelled | Cause::Rejected);
                if why.by == EndedBy::Us && users && !asked {
                    let name = &scene.phones[phone].setup.name;
                    return Err(format!("{name} ends call {session}, and its user did not ask for that"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
