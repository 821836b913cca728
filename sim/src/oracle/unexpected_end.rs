//! No call ends in its user's name when the user did not ask for that.

use std::collections::BTreeSet;

use offhook::{Cause, Command, EndedBy, Event};

use super::{Observation, Oracle, WorldView};
use crate::media::End;

#[derive(Default)]
pub(super) struct UnexpectedEnd {
    /// Calls whose user hung up or refused.
    ending: BTreeSet<End>,
}

impl Oracle for UnexpectedEnd {
    fn name(&self) -> &'static str {
        "unexpected-end"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        match *sight {
            Observation::Command {
                phone,
                command: Command::HangUp { session } | Command::Reject { session, .. },
                refused: None,
            } => {
                self.ending.insert((phone, *session));
                Ok(())
            }
            Observation::Event { phone, event: Event::Ended { session, why } } => {
                let asked = self.ending.remove(&(phone, *session));
                let users = matches!(why.cause, Cause::HungUp | Cause::Cancelled | Cause::Rejected);
                if why.by == EndedBy::Us && users && !asked {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} ends call {session}, and its user did not ask for that"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
