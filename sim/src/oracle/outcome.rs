//! Each accepted hold, resume, restart of media, change of the types of media, transfer and INFO has one outcome, which is reported once. A
//! peer refuses only what was offered.

use std::collections::{BTreeMap, BTreeSet};

use offhook::{
    CallCommand, CallEffect, Command, Direction, MediaTypes, RegistrationState, Status, TransferState,
};

use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::media::End;
use crate::node::PhoneNode;
use crate::told::{Told, told};

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
    /// Whether the media path is to be restarted. Another command before the outcome has the same one.
    restart: bool,
    /// Other types of media that are requested.
    types: Option<RequestedTypes>,
    /// The types of media that were reported last.
    agreed: MediaTypes,
    /// The last offer of this phone.
    offered: Option<Offered>,
    transfer: bool,
    /// The numbers of the INFOs.
    infos: BTreeSet<u32>,
}

/// Types of media that are requested.
struct RequestedTypes {
    types: MediaTypes,
    /// Whether there must be an outcome: the call is established.
    required: bool,
}

/// What an offer has of the user's intent.
#[derive(Copy, Clone)]
struct Offered {
    hold: bool,
    restart: bool,
    types: MediaTypes,
}

impl Open {
    /// A peer can have refused only what the last offer had.
    fn refused(&self, code: Option<u16>, was_offered: impl Fn(Offered) -> bool) -> Result<(), String> {
        match code {
            Some(_) if !self.offered.is_some_and(was_offered) => Err("it was not offered".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Oracle for Outcome {
    fn name(&self) -> &'static str {
        "outcome"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command { phone, command, refused: None } => {
                self.on_command(view, phone, command);
                Ok(())
            }
            Observation::EffectDone {
                leg, effect: CallEffect::Offer { types, direction, restart }, ..
            } => {
                let hold = matches!(direction, Direction::SendOnly | Direction::Inactive);
                self.open(leg.end).offered = Some(Offered { hold, restart: *restart, types: *types });
                Ok(())
            }
            Observation::Event { phone, event } => match told(event) {
                Some((session, told)) => self.on_told((phone, session), told).map_err(|what| {
                    format!("{} reports `{event}`, but {what}", view.phones[phone].setup.name)
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
            if open.restart {
                return Err(format!("the restart of the media of call {session} of {name} has no outcome"));
            }
            if open.types.as_ref().is_some_and(|types| types.required) {
                return Err(format!(
                    "the change of the types of media of call {session} of {name} has no outcome"
                ));
            }
            if open.transfer {
                return Err(format!("the transfer of call {session} of {name} has no outcome"));
            }
            if let Some(info) = open.infos.first() {
                return Err(format!("INFO {info} of call {session} of {name} has no outcome"));
            }
        }
        Ok(())
    }
}

impl Outcome {
    fn on_command(&mut self, view: &WorldView<'_>, phone: usize, command: &Command) {
        let Command::Call { session, command } = command else { return };
        let end = (phone, *session);
        match command {
            CallCommand::Hold => self.open(end).hold = Some(true),
            CallCommand::Resume => self.open(end).hold = Some(false),
            CallCommand::RestartMedia => self.open(end).restart = true,
            CallCommand::SetMediaTypes { types: requested } => {
                let call = view.phones[phone].calls.get(session);
                let established = call.is_some_and(|call| call.status == Status::Established);
                let types = &mut self.open(end).types;
                let required = established || types.as_ref().is_some_and(|types| types.required);
                *types = Some(RequestedTypes { types: *requested, required });
            }
            CallCommand::Transfer { .. } => self.open(end).transfer = true,
            CallCommand::Info { info, .. } => drop(self.open(end).infos.insert(*info)),
            _ => {}
        }
    }

    fn on_told(&mut self, end: End, told: Told<'_>) -> Result<(), String> {
        match told {
            Told::Hold { local, remote } => {
                let open = self.open(end);
                let before = std::mem::replace(&mut open.held, (local, remote));
                if before == open.held && open.hold.is_none() {
                    return Err("the state is unchanged, and no command was given since".to_owned());
                }
                open.hold.take_if(|wanted| *wanted == local);
            }
            // A request that was superseded may still fail.
            Told::HoldFailed { hold: failed, code } => {
                let open = self.open(end);
                open.refused(code, |offered| offered.hold == failed)?;
                open.hold.take_if(|wanted| *wanted == failed);
            }
            Told::MediaRestarted { accepted, code } => {
                let open = self.open(end);
                if !std::mem::take(&mut open.restart) {
                    return Err("no restart is pending".to_owned());
                }
                if !accepted {
                    open.refused(code, |offered| offered.restart)?;
                }
            }
            Told::MediaTypes { agreed } => {
                let open = self.open(end);
                let before = std::mem::replace(&mut open.agreed, agreed);
                if before == agreed && open.types.is_none() {
                    return Err("they are unchanged, and no command was given since".to_owned());
                }
                match &mut open.types {
                    // It may be a change by the peer, before or instead of the outcome.
                    Some(types) if agreed != types.types && agreed != before => types.required = false,
                    types => *types = None,
                }
            }
            Told::MediaTypesFailed { code } => {
                let open = self.open(end);
                let Some(wanted) = open.types.take() else { return Err("no change is pending".to_owned()) };
                open.refused(code, |offered| offered.types == wanted.types)?;
            }
            Told::Transfer(state) => {
                if !self.open(end).transfer {
                    return Err("no transfer is pending".to_owned());
                }
                if let TransferState::Done | TransferState::Failed { .. } = state {
                    self.open(end).transfer = false;
                }
            }
            Told::InfoDone { info, .. } if !self.open(end).infos.remove(&info) => {
                return Err("there is no such INFO, or it has an outcome".to_owned());
            }
            Told::Ended(_) => {
                let open = self.calls.remove(&end);
                if let Some(info) = open.and_then(|open| open.infos.first().copied()) {
                    return Err(format!("INFO {info} has no outcome"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, end: End) -> &mut Open {
        self.calls.entry(end).or_default()
    }
}
