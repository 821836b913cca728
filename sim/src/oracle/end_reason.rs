//! The reason that a call is terminating is the reason with which it ends.

use std::collections::BTreeMap;

use offhook::{EndReason, Status};

use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct EndReasons {
    /// The reasons of calls that are terminating.
    told: BTreeMap<End, EndReason>,
}

impl Oracle for EndReasons {
    fn name(&self) -> &'static str {
        "end-reason"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let &Observation::Event { phone, event } = observation else { return Ok(()) };
        let name = &view.phones[phone].setup.name;
        match told(event) {
            Some((session, Told::Status { to: Status::Terminating, why, .. })) => {
                let Some(why) = why else {
                    return Err(format!("call {session} of {name} is terminating without a reason"));
                };
                self.told.insert((phone, session), why.clone());
            }
            Some((session, Told::Status { why: Some(_), .. })) => {
                return Err(format!("call {session} of {name} has a reason to end, but goes on"));
            }
            Some((session, Told::Ended(why))) => {
                let before = self.told.remove(&(phone, session));
                if before.as_ref().is_some_and(|before| before != why) {
                    return Err(format!("call {session} of {name} ends for another reason than reported"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
