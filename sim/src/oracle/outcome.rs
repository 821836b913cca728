//! Each accepted hold, resume and transfer has one outcome, which is reported once.

use std::collections::BTreeMap;

use offhook::{Command, Event, RegistrationState, TransferState};

use super::{Observation, Oracle, PhaseEnd, WorldView, session_of};
use crate::describe;
use crate::media::End;
use crate::node::PhoneNode;

#[derive(Default)]
pub(super) struct Outcome {
    calls: BTreeMap<End, Open>,
}

/// Commands of a call without an outcome.
#[derive(Default)]
struct Open {
    /// The last requested hold state.
    hold: Option<bool>,
    /// The last reported hold state: by us, by the peer.
    held: (bool, bool),
    transfer: bool,
}

impl Oracle for Outcome {
    fn name(&self) -> &'static str {
        "outcome"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command { phone, command, refused: None } => {
                self.on_command(phone, command);
                Ok(())
            }
            Observation::Event { phone, event } => match session_of(event) {
                Some(session) => self.on_event((phone, session), event).map_err(|what| {
                    format!(
                        "{} reports `{}`, but {what}",
                        view.phones[phone].setup.name,
                        describe::event(event)
                    )
                }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Recovery {
            return Ok(());
        }
        // A phone whose registration failed opens no connection: its commands stay pending.
        let lives = |phone: &PhoneNode| {
            phone.alive
                && !phone.all_exchanges_lost
                && !matches!(phone.registration, Some(RegistrationState::Failed(_)))
        };
        for ((phone, session), open) in self.calls.iter().filter(|(end, _)| lives(&view.phones[end.0])) {
            let name = &view.phones[*phone].setup.name;
            if let Some(hold) = open.hold {
                let what = if hold { "hold" } else { "resume" };
                return Err(format!("the {what} of call {session} of {name} has no outcome"));
            }
            if open.transfer {
                return Err(format!("the transfer of call {session} of {name} has no outcome"));
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
                    return Err("the state is unchanged, and no command was given since".to_owned());
                }
                open.hold.take_if(|wanted| wanted == local);
            }
            // A request that was superseded may still fail.
            Event::HoldFailed { hold: failed, .. } => {
                let hold = &mut self.open(end).hold;
                hold.take_if(|wanted| wanted == failed);
            }
            Event::Transfer { state, .. } => {
                if !self.open(end).transfer {
                    return Err("no transfer is pending".to_owned());
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
