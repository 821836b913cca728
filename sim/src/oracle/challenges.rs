//! A phone sends credentials once per request, again only for a stale nonce, and a limited number of times (RFC 3261 §22.2,
//! RFC 7616 §3.3). Credentials for one realm do not replace those for another (RFC 3261 §22.3).

use std::collections::{BTreeMap, BTreeSet};

use offhook::{AccountEvent, Command, Event};
use offhook_wire::digest::{Challenge, Credentials};
use offhook_wire::{HeaderName, Method};

use super::reading::{DialogId, MethodKey, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::told::{Told, told};

/// The number of consecutive challenges that a request may answer: the first one, and some with stale nonces.
const MOST: u32 = 4;

#[derive(Default)]
pub(super) struct Challenges {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Challenges received with the current input, by request: the realms, and whether their nonce is stale.
    open: BTreeMap<Asked, BTreeMap<Realm, bool>>,
    /// By request and realm: the number of consecutive challenges that it answered.
    answered: BTreeMap<Asked, BTreeMap<Realm, u32>>,
    /// The realms of the credentials of each request.
    had: BTreeMap<Asked, BTreeSet<Realm>>,
    /// By Call-ID and local tag: the first dialog. Those of other forks are ended immediately.
    first: BTreeMap<(u64, u64), DialogId>,
    /// By Call-ID and local tag: the first dialog, and the realms of the credentials of the request that created it.
    accepted: BTreeMap<(u64, u64), (DialogId, BTreeSet<Realm>)>,
    /// Whether its user changed the account: a nonce is then lost at a time that only the phone knows.
    changes: bool,
    /// Transactions whose challenge was received: over UDP it may be retransmitted.
    seen: BTreeSet<Option<Transaction>>,
    /// Transactions whose request was sent: a retransmission answers no challenge.
    sent: BTreeSet<Option<Transaction>>,
}

/// The Call-ID, the local tag, the method and the CSeq number. A phone that calls itself has both ends of one Call-ID, each with its
/// own sequence.
type Asked = (u64, u64, MethodKey, u32);

type Realm = Vec<u8>;

fn on_command(message: &Reading<'_>, number: u32) -> Asked {
    (message.dialog.call, message.dialog.local, message.of, number)
}

impl Oracle for Challenges {
    fn name(&self) -> &'static str {
        "challenges"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Received { phone, message: Some(message), .. } => {
                self.phones[phone].on_received(message);
                Ok(())
            }
            Observation::Sent { phone, message: Some(message), .. } if message.method().is_some() => self
                .phones[phone]
                .on_sent(message)
                .map_err(|what| format!("{} {what}", view.phones[phone].setup.name)),
            // A replaced account begins anew, with no realm: long after the command, if its binding is removed first.
            Observation::Event {
                phone,
                event: Event::Account { event: AccountEvent::Connection { .. }, .. },
            } => {
                self.phones[phone].accepted.clear();
                self.phones[phone].had.clear();
                Ok(())
            }
            // The next request is for another digit, or another hold.
            Observation::Event { phone, event } => {
                let failed = match told(event) {
                    Some((_, Told::DigitDone { path: None, .. })) => Method::Info,
                    Some((_, Told::HoldFailed { .. })) => Method::Invite,
                    _ => return Ok(()),
                };
                let open = &mut self.phones[phone].open;
                let before = open.len();
                open.retain(|(_, _, verb, _), _| *verb != failed);
                if open.len() < before {
                    self.phones[phone].forget();
                }
                Ok(())
            }
            // The next challenges are for other credentials, or another registrar.
            Observation::Command { phone, command: Command::Account { .. }, .. } => {
                self.phones[phone].answered.clear();
                self.phones[phone].forget();
                self.phones[phone].changes = true;
                Ok(())
            }
            // A corrupted challenge may refuse a nonce that other calls have too.
            Observation::Corrupted { phone, .. } => {
                self.phones[phone].forget();
                Ok(())
            }
            Observation::PhonePolled { phone, .. } => {
                // A challenge that was not answered: the nonce is no longer used, in other dialogs neither.
                if !std::mem::take(&mut self.phones[phone].open).is_empty() {
                    self.phones[phone].forget();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    fn on_received(&mut self, message: &Reading<'_>) {
        let rows = match message.status() {
            // That of a branch which is not accepted, perhaps.
            Some(200..=299) if message.of == Method::Prack => return,
            Some(200..=299) => {
                let call = (message.dialog.call, message.dialog.local);
                let first = *self.first.entry(call).or_insert(message.dialog);
                let had = self.had.get(&on_command(message, message.number));
                if let Some(had) = had.filter(|_| first == message.dialog) {
                    self.accepted.entry(call).or_insert_with(|| (message.dialog, had.clone()));
                }
                return;
            }
            Some(401) => HeaderName::WwwAuthenticate,
            Some(407) => HeaderName::ProxyAuthenticate,
            _ => return,
        };
        if !self.seen.insert(message.transaction) {
            return;
        }
        let asked = on_command(message, message.number);
        if self.had.get(&asked).is_some_and(|had| !had.is_empty()) {
            // The nonce that it had is no longer used, in other dialogs neither.
            self.accepted.clear();
        }
        let realms = self.open.entry(asked).or_default();
        for challenge in message.rows(rows).filter_map(|row| Challenge::parse(row).ok()) {
            *realms.entry(challenge.realm.value().into_owned()).or_default() |= challenge.stale;
        }
    }

    /// Its nonces are no longer used.
    fn forget(&mut self) {
        self.accepted.clear();
        self.had.clear();
    }

    /// A request within a dialog has credentials for the realms that challenged the request which created it (RFC 3261 §22.2).
    fn check_dialog(&self, request: &Reading<'_>, has: &BTreeSet<Realm>) -> Result<(), String> {
        let dialog = request.dialog;
        // A challenge that was not answered with this input makes its nonce unusable.
        let is_outside = dialog.remote == DialogId::NO_TAG || self.changes;
        if is_outside || request.method() == Some(Method::Cancel) || !self.open.is_empty() {
            return Ok(());
        }
        let accepted = self.accepted.get(&(dialog.call, dialog.local)).filter(|(of, _)| *of == dialog);
        match accepted.and_then(|(_, realms)| realms.difference(has).next()) {
            Some(realm) => {
                let realm = String::from_utf8_lossy(realm);
                Err(format!("sends a request within a dialog without credentials for its realm `{realm}`"))
            }
            None => Ok(()),
        }
    }

    fn on_sent(&mut self, message: &Reading<'_>) -> Result<(), String> {
        // An ACK repeats the credentials of its INVITE (RFC 3261 §22.1).
        if message.method() == Some(Method::Ack) {
            return Ok(());
        }
        if !self.sent.insert(message.transaction) {
            return Ok(());
        }
        let rows = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let rows = rows.into_iter().flat_map(|name| message.rows(name));
        let has: BTreeSet<Realm> =
            rows.filter_map(|row| Some(Credentials::parse(row).ok()?.realm.value().into_owned())).collect();
        self.check_dialog(message, &has)?;
        self.had.insert(on_command(message, message.number), has.clone());
        let Some(before) = message.number.checked_sub(1) else { return Ok(()) };
        let Some(challenged) = self.open.remove(&on_command(message, before)) else { return Ok(()) };
        let mut answered = self.answered.get(&on_command(message, before)).cloned().unwrap_or_default();
        let had = self.had.get(&on_command(message, before));
        if let Some(realm) = had.and_then(|had| had.difference(&has).next()) {
            let realm = String::from_utf8_lossy(realm);
            return Err(format!(
                "answers a challenge without credentials for the realm `{realm}`, which it had"
            ));
        }
        for realm in has {
            let Some(stale) = challenged.get(&realm) else { continue };
            let times = answered.entry(realm).or_default();
            if *times > 0 && !stale {
                return Err("answers a challenge after its credentials were refused".to_owned());
            }
            if *times >= MOST {
                return Err(format!("answers {} consecutive challenges of one request", *times + 1));
            }
            *times += 1;
        }
        self.answered.insert(on_command(message, message.number), answered);
        Ok(())
    }
}
