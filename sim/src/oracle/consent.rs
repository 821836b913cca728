//! Consent (RFC 3515 §5.2): a phone dials the target of a REFER only as its policy allows, and with the policy to ask only after its
//! user has accepted it.

use std::collections::BTreeMap;

use offhook::{CallCommand, Command, ReferPolicy, SessionId};

use super::{Observation, Oracle, WorldView};
use crate::node::DOMAIN;
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct Consent {
    /// The target that the user was shown last, by phone, call and request.
    shown: BTreeMap<(usize, SessionId, u32), String>,
    /// The accepted targets, by phone and call.
    accepted: BTreeMap<(usize, SessionId), String>,
}

impl Oracle for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::AcceptTransfer { request } },
                refused: None,
            } => {
                let target = self.shown.remove(&(phone, *session, *request));
                let target = target.ok_or("a request that the user was not shown is accepted")?;
                self.accepted.insert((phone, *session), target);
            }
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::RejectTransfer { request } },
                refused: None,
            } => {
                self.shown.remove(&(phone, *session, *request));
            }
            Observation::Event { phone, event } => match told(event) {
                Some((session, Told::TransferRequested { request, target })) => {
                    self.shown.insert((phone, session, request), target.to_owned());
                }
                Some((session, Told::TransferRequestEnded { request })) => {
                    self.shown.remove(&(phone, session, request));
                }
                Some((_, Told::Referred { by, target })) => {
                    let setup = &view.phones[phone].setup;
                    let accepted = self.accepted.remove(&(phone, by));
                    let allowed = match setup.refers {
                        ReferPolicy::Ask => accepted.as_deref() == Some(target),
                        ReferPolicy::OwnDomain => is_own_domain(target),
                        _ => false,
                    };
                    if !allowed {
                        return Err(format!("{} dials {target} for a peer without consent", setup.name));
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}

pub(super) fn is_own_domain(target: &str) -> bool {
    let rest = target.strip_prefix("sips:").or_else(|| target.strip_prefix("sip:"));
    let host = rest.and_then(|rest| rest.split_once('@')).map(|(_, host)| host);
    host.and_then(|host| host.split([':', ';', '?']).next()) == Some(DOMAIN) && !target.contains(";maddr=")
}
