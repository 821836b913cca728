//! What a phone sends immediately, before it is polled: the final response to a non-INVITE request (RFC 4320 §4), the 180 of a new
//! call (RFC 3261 §13.3.1.1), the 487 of a cancelled INVITE (§9.2), and an ACK for the 2xx of each fork (§13.2.2.4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::ConnectionId;
use offhook_wire::{HeaderName, Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::told::{Told, told};

/// How long an INVITE certainly waits for responses: less than 64·T1.
const AWAITED: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Immediacy {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Non-INVITE requests without a response, received since the phone was last polled.
    asked: BTreeSet<Transaction>,
    /// Received INVITEs and their connections.
    known: BTreeSet<(ConnectionId, Transaction)>,
    /// Received INVITEs that were answered with 2xx: a retransmission over another connection is not checked.
    accepted: BTreeSet<Transaction>,
    /// Received INVITEs without a final response.
    invited: BTreeSet<Transaction>,
    /// Received INVITEs that were just cancelled.
    cancelled: BTreeSet<Transaction>,
    /// Whether an incoming call was just reported without a 180.
    rings: bool,
    /// Whether the current input is an INVITE without an offer that requires reliable responses: the first one must have an offer (RFC 3262
    /// §5), which the media engine makes.
    describes_first: bool,
    /// Whether the current input is a corrupted message, or belongs to a corrupted call.
    exempted: bool,
    /// Sent INVITEs: the time, the connection, and whether it was refused.
    invites: BTreeMap<Transaction, (Instant, ConnectionId, bool)>,
    /// 2xx just received: the dialog and the CSeq number.
    accepted_forks: BTreeSet<(DialogId, u32)>,
}

impl Oracle for Immediacy {
    fn name(&self) -> &'static str {
        "immediacy"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, connection, message: Some(message), .. } => {
                let now = view.local(phone);
                self.phones[phone].on_sent(now, connection, message);
            }
            // Data on a connection that the phone closed is discarded.
            Observation::Received { phone, connection, message: Some(message), .. }
                if view.phones[phone].connections.contains_key(&connection) =>
            {
                let now = view.local(phone);
                self.phones[phone].on_received(now, connection, message);
            }
            Observation::Corrupted { phone, .. } | Observation::Exempted { phone, .. } => {
                self.phones[phone].exempted = true
            }
            Observation::Event { phone, event } => {
                if let Some((session, Told::Incoming { .. })) = told(event) {
                    let corrupted =
                        view.corrupted_calls.any() && view.corrupted_calls.of_end((phone, session));
                    let phone = &mut self.phones[phone];
                    phone.rings = !phone.exempted && !corrupted && !phone.describes_first;
                }
            }
            Observation::PhonePolled { phone, .. } => {
                let name = &view.phones[phone].setup.name;
                return self.phones[phone].on_polled().map_err(|what| format!("{name} {what}"));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Phone {
    fn on_received(&mut self, now: Instant, connection: ConnectionId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {}
            (Some(method), _) => {
                let Some(transaction) = message.transaction else { return };
                self.describes_first = method == Method::Invite
                    && message.body_bytes().is_empty()
                    && message.has_token(HeaderName::Require, "100rel");
                match method {
                    // A retransmission has its response.
                    Method::Invite if self.accepted.contains(&transaction) => {}
                    Method::Invite if !self.known.insert((connection, transaction)) => {}
                    Method::Invite => drop(self.invited.insert(transaction)),
                    Method::Cancel => {
                        if self.invited.contains(&transaction.of_invite()) {
                            self.cancelled.insert(transaction.of_invite());
                        }
                        self.asked.insert(transaction);
                    }
                    // The media engine makes the answer.
                    Method::Update | Method::Prack if !message.body_bytes().is_empty() => {}
                    _ => drop(self.asked.insert(transaction)),
                }
            }
            (None, Some(status @ 200..)) if message.of == Method::Invite => {
                let Some((sent, over, refused)) =
                    message.transaction.and_then(|transaction| self.invites.get_mut(&transaction))
                else {
                    return;
                };
                *refused |= status >= 300;
                if *refused || *over != connection || now.saturating_since(*sent) > AWAITED {
                    return;
                }
                self.accepted_forks.insert((message.dialog, message.number));
            }
            _ => {}
        }
    }

    fn on_sent(&mut self, now: Instant, connection: ConnectionId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                self.accepted_forks.remove(&(message.dialog, message.number));
            }
            (Some(Method::Invite), _) => {
                if let Some(transaction) = message.transaction {
                    self.invites.entry(transaction).or_insert((now, connection, false));
                }
            }
            (None, Some(status)) => {
                self.rings &= status == 100 || message.of != Method::Invite;
                if let Some(transaction) = message.transaction.filter(|_| status >= 200) {
                    if status < 300 && message.of == Method::Invite {
                        self.accepted.insert(transaction);
                    }
                    self.asked.remove(&transaction);
                    self.invited.remove(&transaction);
                    self.cancelled.remove(&transaction);
                }
            }
            _ => {}
        }
    }

    fn on_polled(&mut self) -> Result<(), String> {
        (self.exempted, self.describes_first) = (false, false);
        if let Some(asked) = self.asked.pop_first() {
            return Err(format!("does not respond to a {}", asked.verb.method()));
        }
        if self.cancelled.pop_first().is_some() {
            return Err("sends no final response to a cancelled INVITE".to_owned());
        }
        if std::mem::take(&mut self.rings) {
            return Err("sends no 180 for a new call".to_owned());
        }
        if let Some((_, number)) = self.accepted_forks.pop_first() {
            return Err(format!("sends no ACK with the tags of a 2xx to its INVITE {number}"));
        }
        Ok(())
    }
}
