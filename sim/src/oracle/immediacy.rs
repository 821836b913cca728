//! What a phone owes at once, before it rests: a request that is no INVITE its final response (RFC 4320 §4), a new call the word
//! that it rings (RFC 3261 §13.3.1.1), a cancelled INVITE its 487 (§9.2), and each fork that took a call an ACK of its own
//! (§13.2.2.4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{Event, FlowId};
use offhook_wire::{Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};

/// How long after an INVITE its responses are surely still awaited: short of 64·T1.
const AWAITED: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Immediacy {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Requests that came since the phone was last at rest, without a response.
    asked: BTreeSet<Transaction>,
    /// INVITEs of others, and where they came.
    known: BTreeSet<(FlowId, Transaction)>,
    /// Those that were taken: over another connection nobody asks again.
    accepted: BTreeSet<Transaction>,
    /// Those without a final response.
    invited: BTreeSet<Transaction>,
    /// Those of them that were just cancelled.
    cancelled: BTreeSet<Transaction>,
    /// Whether a call was just told of and does not ring yet.
    rings: bool,
    /// Whether the phone was just handed something that nobody can judge.
    exempted: bool,
    /// Our INVITEs: when they were sent, where, and whether one of them was refused.
    invites: BTreeMap<Transaction, (Instant, FlowId, bool)>,
    /// 2xx to them that just came: the dialog and the number.
    taken: BTreeSet<(DialogId, u32)>,
}

impl Oracle for Immediacy {
    fn name(&self) -> &'static str {
        "immediacy"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *sight {
            Observation::Sent { phone, flow, message: Some(message), .. } => {
                let now = view.local(phone);
                self.phones[phone].on_sent(now, flow, message);
            }
            // On a connection that the phone gave up it hears nothing.
            Observation::Received { phone, flow, message: Some(message), .. }
                if view.phones[phone].flows.contains_key(&flow) =>
            {
                let now = view.local(phone);
                self.phones[phone].on_received(now, flow, message);
            }
            Observation::Corrupted { phone, .. } | Observation::Exempted { phone, .. } => {
                self.phones[phone].exempted = true
            }
            Observation::Event { phone, event: Event::Incoming(_) } => {
                self.phones[phone].rings = !self.phones[phone].exempted;
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
    fn on_received(&mut self, now: Instant, flow: FlowId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {}
            (Some(method), _) => {
                let Some(transaction) = message.transaction else { return };
                match method {
                    // Later it may come again, and be answered already.
                    Method::Invite if self.accepted.contains(&transaction) => {}
                    Method::Invite if !self.known.insert((flow, transaction)) => {}
                    Method::Invite => drop(self.invited.insert(transaction)),
                    Method::Cancel => {
                        if self.invited.contains(&transaction.of_invite()) {
                            self.cancelled.insert(transaction.of_invite());
                        }
                        self.asked.insert(transaction);
                    }
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
                if *refused || *over != flow || now.saturating_since(*sent) > AWAITED {
                    return;
                }
                self.taken.insert((message.dialog, message.number));
            }
            _ => {}
        }
    }

    fn on_sent(&mut self, now: Instant, flow: FlowId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                self.taken.remove(&(message.dialog, message.number));
            }
            (Some(Method::Invite), _) => {
                if let Some(transaction) = message.transaction {
                    self.invites.entry(transaction).or_insert((now, flow, false));
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
        self.exempted = false;
        if let Some(asked) = self.asked.pop_first() {
            return Err(format!("does not answer a {}", asked.verb.method()));
        }
        if self.cancelled.pop_first().is_some() {
            return Err("does not refuse an INVITE that was cancelled".to_owned());
        }
        if std::mem::take(&mut self.rings) {
            return Err("does not say that it rings".to_owned());
        }
        if let Some((_, number)) = self.taken.pop_first() {
            return Err(format!("does not acknowledge a 2xx to its INVITE {number} with its tags"));
        }
        Ok(())
    }
}
