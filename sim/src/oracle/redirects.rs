//! Redirections (RFC 3261 §8.1.3.4): a request is sent to another target only if a 3xx named it and the policy of the phone allows it;
//! to at most five of them, to each once; and the user is told of the new target of a call.

use std::collections::{BTreeMap, BTreeSet};

use offhook::RedirectPolicy;
use offhook_wire::{Contact, Method, Uri};

use super::consent::is_own_domain;
use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::told::{Told, told};

/// As [`RedirectPolicy`] says.
const TARGETS: usize = 5;

#[derive(Default)]
pub(super) struct Redirects {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// By Call-ID and method.
    requests: BTreeMap<(u64, bool), Request>,
    /// The request of each transaction.
    transactions: BTreeMap<Transaction, (u64, bool)>,
    /// Transactions that were redirected: over UDP the 3xx may be retransmitted.
    redirected: BTreeSet<Transaction>,
    /// New targets of INVITEs since the phone was last polled: sent, and told.
    sent: Vec<String>,
    told: Vec<String>,
}

/// A request outside of a dialog.
struct Request {
    /// Its Request-URIs, in order.
    targets: Vec<String>,
    /// The users and hosts that 3xx responses named.
    named: BTreeSet<(Vec<u8>, Vec<u8>)>,
    /// Whether it got a 2xx.
    is_accepted: bool,
    /// Whether the response to its last transaction was a redirection.
    is_redirected: bool,
}

impl Oracle for Redirects {
    fn name(&self) -> &'static str {
        "redirects"
    }

    fn skips_corrupted_calls(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, message: Some(message), .. } => {
                let setup = &view.phones[phone].setup;
                self.phones[phone]
                    .on_sent(message, setup.redirects)
                    .map_err(|what| format!("{} {what}", setup.name))
            }
            Observation::Received { phone, message: Some(message), .. } => {
                self.phones[phone].on_received(message);
                Ok(())
            }
            Observation::Event { phone, event } => {
                if let Some((_, Told::Redirected { target })) = told(event) {
                    self.phones[phone].told.push(target.to_owned());
                }
                Ok(())
            }
            Observation::PhonePolled { phone, .. } => {
                let Phone { sent, told, .. } = &mut self.phones[phone];
                let (sent, told) = (std::mem::take(sent), std::mem::take(told));
                match sent.into_iter().find(|target| !told.contains(target)) {
                    Some(target) => {
                        let name = &view.phones[phone].setup.name;
                        Err(format!("{name} calls {target} without telling its user"))
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    fn on_sent(&mut self, message: &Reading<'_>, policy: RedirectPolicy) -> Result<(), String> {
        let (Some(method), Some(transaction)) = (message.method(), message.transaction) else {
            return Ok(());
        };
        let is_outside = message.dialog.remote == DialogId::NO_TAG;
        if !is_outside || !matches!(method, Method::Invite | Method::Message | Method::Options) {
            return Ok(());
        }
        let key = (message.dialog.call, method == Method::Invite);
        if self.transactions.insert(transaction, key).is_some() {
            return Ok(());
        }
        let target = String::from_utf8_lossy(message.request_uri().unwrap_or_default()).into_owned();
        let Some(request) = self.requests.get_mut(&key) else {
            let request = Request {
                targets: vec![target],
                named: BTreeSet::new(),
                is_accepted: false,
                is_redirected: false,
            };
            self.requests.insert(key, request);
            return Ok(());
        };
        // Also after a challenge.
        let again = !std::mem::take(&mut request.is_redirected) && request.targets.last() == Some(&target);
        if request.is_accepted || again {
            return Ok(());
        }
        request.check_target(&target, policy)?;
        request.targets.push(target.clone());
        if method == Method::Invite {
            self.sent.push(target);
        }
        Ok(())
    }

    fn on_received(&mut self, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        let Some(key) = self.transactions.get(&transaction) else { return };
        let Some(request) = self.requests.get_mut(key) else { return };
        match message.status() {
            // A re-INVITE to a peer without a tag looks like a request outside of a dialog.
            Some(200..=299) => request.is_accepted = true,
            Some(300..=399) => request.is_redirected |= self.redirected.insert(transaction),
            _ => return,
        }
        for contact in message.contacts() {
            if let Ok(Contact::Address(address)) = contact {
                request.named.extend(user_and_host(address.uri));
            }
        }
    }
}

impl Request {
    fn check_target(&self, target: &String, policy: RedirectPolicy) -> Result<(), String> {
        let allowed = match policy {
            RedirectPolicy::OwnDomain => is_own_domain(target),
            RedirectPolicy::Follow => true,
            _ => false,
        };
        if !allowed {
            return Err(format!("follows a redirection to {target} against its policy"));
        }
        if !user_and_host(target.as_bytes()).is_some_and(|named| self.named.contains(&named)) {
            return Err(format!("sends a request to {target}, which no redirection named"));
        }
        if self.targets.contains(target) {
            return Err(format!("sends a request to {target} again"));
        }
        if self.targets.len() > TARGETS {
            return Err(format!("sends a request to more than {TARGETS} targets of redirections"));
        }
        Ok(())
    }
}

fn user_and_host(uri: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let uri = Uri::parse(uri).ok()?;
    Some((uri.user.unwrap_or_default().to_vec(), uri.host.to_vec()))
}
