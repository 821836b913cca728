//! Consent (RFC 3515 §5.2): a phone dials the target of a REFER only as its policy allows, and with the policy to ask only after its
//! user has accepted it.

use std::collections::BTreeMap;

use offhook::{Command, Event, ReferPolicy, SessionId};

use super::{Observation, Oracle, WorldView};
use crate::node::DOMAIN;

/// The REFERs that users were asked about, by phone and call.
#[derive(Default)]
pub(super) struct Consent {
    requests: BTreeMap<(usize, SessionId), Request>,
}

struct Request {
    target: String,
    accepted: bool,
}

impl Oracle for Consent {
    fn name(&self) -> &'static str {
        "consent"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command { phone, command: Command::AcceptTransfer { session }, .. } => {
                if let Some(request) = self.requests.get_mut(&(phone, *session)) {
                    request.accepted = true;
                }
            }
            Observation::Command { phone, command: Command::RejectTransfer { session }, .. } => {
                self.requests.remove(&(phone, *session));
            }
            Observation::Event { phone, event } => match event {
                Event::TransferRequested { session, target, .. } => {
                    let request = Request { target: target.clone(), accepted: false };
                    self.requests.insert((phone, *session), request);
                }
                Event::Referred { by, target, .. } => {
                    let setup = &view.phones[phone].setup;
                    let request = self.requests.remove(&(phone, *by));
                    let allowed = match setup.refers {
                        ReferPolicy::Ask => {
                            request.is_some_and(|request| request.accepted && request.target == *target)
                        }
                        ReferPolicy::OwnDomain => is_own_domain(target),
                        _ => false,
                    };
                    if !allowed {
                        return Err(format!("{} dials {target} for a peer without consent", setup.name));
                    }
                }
                Event::Ended { session, .. } => drop(self.requests.remove(&(phone, *session))),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}

fn is_own_domain(target: &str) -> bool {
    let rest = target.strip_prefix("sips:").or_else(|| target.strip_prefix("sip:"));
    let host = rest.and_then(|rest| rest.split_once('@')).map(|(_, host)| host);
    host.and_then(|host| host.split([':', ';', '?']).next()) == Some(DOMAIN)
}
