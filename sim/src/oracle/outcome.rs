//! The ledger of wishes: each hold, resume and transfer that a phone took on comes to an end that the user is told of, once.

use std::collections::BTreeMap;

use offhook::{Command, Event, RegistrationState, TransferState};

use super::{Observation, Oracle, PhaseEnd, WorldView, session_of};
use crate::media::End;
use crate::node::PhoneNode;

#[derive(Default)]
pub(super) struct Outcome {
    calls: BTreeMap<End, Open>,
}

/// What was asked for and has no outcome yet.
#[derive(Default)]
struct Open {
    /// The hold wanted last.
    hold: Option<bool>,
    /// Who held whom, as was told last: we the peer, the peer us.
    held: (bool, bool),
    transfer: bool,
}

impl Oracle for Outcome {
    fn name(&self) -> &'static str {
        "outcome"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        match *sight {
            Observation::Command { phone, command, refused: None } => {
                self.on_command(phone, command);
                Ok(())
            }
            Observation::Event { phone, event } => match session_of(event) {
                Some(session) => self
                    .on_event((phone, session), event)
                    .map_err(|what| format!("{} says {event:?}, but {what}", view.phones[phone].setup.name)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment != PhaseEnd::Recovery {
            return Ok(());
        }
        // A phone that gave up registering has no connection and seeks none: what is wished waits for its user.
        let lives = |phone: &PhoneNode| {
            phone.alive
                && !phone.all_exchanges_lost
                && !matches!(phone.registration, Some(RegistrationState::Failed(_)))
        };
        for ((phone, session), open) in self.calls.iter().filter(|(end, _)| lives(&view.phones[end.0])) {
            let name = &view.phones[*phone].setup.name;
            if let Some(hold) = open.hold {
                return Err(format!("nothing became of hold={hold} in call {session} of {name}"));
            }
            if open.transfer {
                return Err(format!("nothing became of the transfer of call {session} of {name}"));
            }
        }
        Ok(())
    }
}

impl Outcome {
    fn on_command(&mut self, phone: usize, command: &Command) {
        match command {
            Command::Hold { session } => self.open((phone, *session)).hold = Some(true),
            Command::Resume { session } => self.open((phone, *session)).hold = Some(false),
            Command::Transfer { session, .. } => self.open((phone, *session)).transfer = true,
            _ => {}
        }
    }

    fn on_event(&mut self, end: End, event: &Event) -> Result<(), String> {
        match event {
            Event::Hold { local, remote, .. } => {
                let open = self.open(end);
                let before = std::mem::replace(&mut open.held, (*local, *remote));
                if before == open.held && open.hold.is_none() {
                    return Err("that was told, and nobody asked for anything since".to_owned());
                }
                open.hold.take_if(|wanted| wanted == local);
            }
            // A wish that was taken back meanwhile may fail all the same.
            Event::HoldFailed { hold: failed, .. } => {
                let hold = &mut self.open(end).hold;
                hold.take_if(|wanted| wanted == failed);
            }
            Event::Transfer { state, .. } => {
                if !self.open(end).transfer {
                    return Err("nobody asked for a transfer, or its outcome was told".to_owned());
                }
                if let TransferState::Done | TransferState::Failed { .. } = state {
                    self.open(end).transfer = false;
                }
            }
            Event::Ended { .. } => {
                self.calls.remove(&end);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, end: End) -> &mut Open {
        self.calls.entry(end).or_default()
    }
}
