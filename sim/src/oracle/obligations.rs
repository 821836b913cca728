//! What a phone must send after a message: an ACK for a final response to its INVITE, a response to a request, a retransmission
//! when there is no response, and after a 491 nothing for some time.
//!
//! Times are those of the phone's clock, even if that is set: each time it is read, all timers that are due fire. An obligation ends
//! with the connection of its message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::ConnectionId;
use offhook_wire::{Instant, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::scenario::{Seconds, Transport};

/// T1, after which a request without a response is retransmitted over UDP (RFC 3261 §17.1.1.2, §17.1.2.2), and some slack.
const REPEAT: Duration = Duration::from_millis(600);

/// How long an INVITE certainly waits for responses: less than 64·T1.
const AWAITED: Duration = Duration::from_secs(30);

/// RFC 3261 §14.1: the least that the owner of the Call-ID waits after a 491.
const GLARE: Duration = Duration::from_millis(2100);

type CallId = u64;

#[derive(Default)]
pub(super) struct Obligations {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Requests over UDP: the connection and time of each. `None` once it was retransmitted or has a response.
    first: BTreeMap<Transaction, Option<(ConnectionId, Instant, CallId)>>,
    /// INVITEs by branch.
    invites: BTreeMap<Transaction, Invite>,
    /// ACKs due before the phone is polled.
    acks: Vec<(ConnectionId, CallId, u32, u16)>,
    /// Received requests without a final response.
    asked: BTreeMap<(ConnectionId, Transaction), CallId>,
    /// Received requests with a final response, over any connection: a proxy that retransmits one over the next connection has its
    /// response (RFC 6026 §7.1).
    answered: BTreeSet<Transaction>,
    /// Calls from a peer.
    offered: BTreeSet<CallId>,
    /// Calls of this phone.
    owned: BTreeSet<CallId>,
    /// Times of a 491 to a re-INVITE in a call of this phone.
    glares: BTreeMap<CallId, Instant>,
    /// 2xx to the initial INVITE of a call: the time, the number of transmissions and the connection.
    accepted: BTreeMap<CallId, Accepted>,
}

struct Invite {
    sent: Instant,
    connection: ConnectionId,
    call: CallId,
    number: u32,
    status: Option<u16>,
}

struct Accepted {
    at: Instant,
    connection: ConnectionId,
    times: u32,
    acknowledged: bool,
}

impl Oracle for Obligations {
    fn name(&self) -> &'static str {
        "obligations"
    }

    fn skips_corrupted_calls(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        let (index, done) = match *observation {
            Observation::Sent { phone, connection, message: Some(message), .. } => {
                let udp = view.phones[phone].setup.transport == Transport::Udp;
                let now = view.local(phone);
                (phone, self.phones[phone].sent(now, udp, connection, message))
            }
            Observation::Received { phone, connection, message: Some(message), .. } => {
                let now = view.local(phone);
                let known = view.phones[phone].connections.contains_key(&connection);
                if known {
                    self.phones[phone].received(now, connection, message);
                }
                (phone, Ok(()))
            }
            // Exchanges forward what they could parse of it.
            Observation::Corrupted { calls, .. } => {
                self.phones.iter_mut().for_each(|phone| phone.forget(calls));
                return Ok(());
            }
            Observation::Exempted { phone, ends: Some(transaction) } => {
                self.phones[phone].first.entry(transaction).and_modify(|first| *first = None);
                return Ok(());
            }
            Observation::PhonePolled { phone, .. } => {
                let node = &view.phones[phone];
                let now = view.local(phone);
                let up = |connection: ConnectionId| node.connections.contains_key(&connection);
                (phone, self.phones[phone].drained(now, up))
            }
            _ => return Ok(()),
        };
        done.map_err(|what| format!("{} {what}", view.phones[index].setup.name))
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Drain {
            return Ok(());
        }
        for (node, phone) in view.phones.iter().zip(&self.phones).filter(|(node, _)| node.alive) {
            let open =
                phone.asked.iter().find(|((connection, _), _)| node.connections.contains_key(connection));
            if let Some(((_, asked), _)) = open {
                return Err(format!("{} never responded to a {}", node.setup.name, asked.verb.method()));
            }
        }
        Ok(())
    }
}

impl Phone {
    /// Drops the obligations of corrupted calls: the corrupted message may have been the awaited response, ACK or request.
    fn forget(&mut self, calls: &[CallId]) {
        for first in self.first.values_mut() {
            first.take_if(|(_, _, call)| calls.contains(call));
        }
        self.acks.retain(|(_, call, ..)| !calls.contains(call));
        self.asked.retain(|_, call| !calls.contains(call));
        for call in calls {
            self.glares.remove(call);
            self.accepted.remove(call);
        }
    }

    fn sent(
        &mut self,
        now: Instant,
        udp: bool,
        connection: ConnectionId,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        let (call, number) = (message.dialog.call, message.number);
        match (message.method(), message.status()) {
            (Some(Method::Ack), _) => {
                self.acks.retain(|(_, of, n, _)| *of != call || *n != number);
            }
            (Some(method), _) => {
                if udp {
                    let known = self.first.contains_key(&transaction);
                    self.first.insert(transaction, (!known).then_some((connection, now, call)));
                }
                match method {
                    Method::Invite => self.invited(now, connection, transaction, call, message)?,
                    Method::Bye => {
                        let early = self.accepted.get(&call).is_some_and(|accepted| {
                            !accepted.acknowledged && now.saturating_since(accepted.at) < AWAITED
                        });
                        if early {
                            return Err("sends a BYE before the ACK of its 2xx".to_owned());
                        }
                    }
                    _ => {}
                }
            }
            (None, Some(200..)) => {
                self.asked.retain(|(_, asked), _| *asked != transaction);
                self.answered.insert(transaction);
                // A phone that calls itself has both ends of one Call-ID.
                let theirs = self.offered.contains(&call) && !self.owned.contains(&call);
                let accepts = theirs && message.status().is_some_and(|status| status < 300);
                if accepts && message.of == Method::Invite {
                    let first = Accepted { at: now, connection, times: 0, acknowledged: false };
                    self.accepted.entry(call).or_insert(first).times += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn invited(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        transaction: Transaction,
        call: CallId,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        if message.to().is_ok_and(|to| to.tag().is_none()) {
            self.owned.insert(call);
        }
        if self.invites.contains_key(&transaction) {
            return Ok(());
        }
        let met = self.glares.remove(&call);
        let number = message.number;
        let invite = Invite { sent: now, connection, call, number, status: None };
        self.invites.insert(transaction, invite);
        match met {
            Some(at) if now.saturating_since(at) < GLARE => {
                Err("retries less than 2.1 s after a 491, although it owns the Call-ID".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn received(&mut self, now: Instant, connection: ConnectionId, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        let (call, number) = (message.dialog.call, message.number);
        match (message.method(), message.status()) {
            // A BYE of the peer implies the ACK.
            (Some(Method::Ack | Method::Bye), _) => {
                if let Some(accepted) = self.accepted.get_mut(&call) {
                    accepted.acknowledged = true;
                }
            }
            (Some(method), _) => {
                if method == Method::Invite && message.to().is_ok_and(|to| to.tag().is_none()) {
                    self.offered.insert(call);
                }
                // A CANCEL has the branch of its INVITE.
                if method != Method::Cancel && !self.answered.contains(&transaction) {
                    self.asked.insert((connection, transaction), call);
                }
            }
            (None, Some(status)) => {
                if let Some(first) = self.first.get_mut(&transaction) {
                    *first = None;
                }
                if status < 200 || message.of != Method::Invite {
                    return;
                }
                let Some(invite) =
                    self.invites.get_mut(&transaction).filter(|invite| invite.connection == connection)
                else {
                    return;
                };
                // A response with another Call-ID or CSeq number is not a response to the INVITE (RFC 3261 §8.2.6.2). It still
                // ends the transaction, which matches responses by the branch (§17.1.3).
                let is_its = invite.call == call && invite.number == number;
                let again = invite.status.is_some();
                let first = *invite.status.get_or_insert(status);
                let due = if status < 300 { first < 300 } else { !again };
                if is_its && due && now.saturating_since(invite.sent) < AWAITED {
                    self.acks.push((connection, call, number, status));
                }
                let ours = self.owned.contains(&call) && !self.offered.contains(&call);
                if is_its && status == 491 && !again && ours {
                    self.glares.insert(call, now);
                }
            }
            _ => {}
        }
    }

    fn drained(&mut self, now: Instant, up: impl Fn(ConnectionId) -> bool) -> Result<(), String> {
        // A connection that timed out while the phone was suspended is closed before its data is read.
        let due = self.acks.drain(..).find(|(connection, ..)| up(*connection));
        if let Some((_, _, number, status)) = due {
            return Err(format!("sends no ACK for the {status} to its INVITE {number}"));
        }
        let late = |(connection, at, _): &&(ConnectionId, Instant, CallId)| {
            up(*connection) && now.saturating_since(*at) > REPEAT
        };
        if let Some((_, at, _)) = self.first.values().flatten().find(late) {
            let waits = now.saturating_since(*at);
            return Err(format!("did not retransmit a request without a response for {}", Seconds(waits)));
        }
        let silent = |accepted: &Accepted| {
            let waits = now.saturating_since(accepted.at);
            accepted.times == 1
                && up(accepted.connection)
                && !accepted.acknowledged
                && (REPEAT..AWAITED).contains(&waits)
        };
        if self.accepted.values().any(silent) {
            return Err("did not retransmit a 2xx without an ACK".to_owned());
        }
        Ok(())
    }
}
