//! No call ends as hung up, cancelled or rejected by the phone without a command of its user.

use std::collections::BTreeSet;

use offhook::{AccountCommand, CallCommand, Cause, Command, EndedBy};

use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct UnexpectedEnd {
    /// Calls that the user hung up or rejected.
    ending: BTreeSet<End>,
}

impl Oracle for UnexpectedEnd {
    fn name(&self) -> &'static str {
        "unexpected-end"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::HangUp | CallCommand::Reject { .. } },
                refused: None,
            } => {
                self.ending.insert((phone, *session));
                Ok(())
            }
            // The removal of an account ends its calls.
            Observation::Command {
                phone,
                command: Command::Account { command: AccountCommand::Remove, .. },
                refused: None,
            } => {
                self.ending.extend(view.phones[phone].calls.keys().map(|session| (phone, *session)));
                Ok(())
            }
            Observation::Event { phone, event } => {
                let Some((session, Told::Ended(why))) = told(event) else { return Ok(()) };
                let asked = self.ending.remove(&(phone, session));
                let users = matches!(why.cause, Cause::HungUp | Cause::Cancelled | Cause::Rejected);
                if why.by == EndedBy::Us && users && !asked {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} ends call {session} without a command of its user"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
