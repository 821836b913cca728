//! Requests outside of a dialog: each has one outcome, within a time limit, and a 2xx only if one was received. A MESSAGE that a phone
//! answers with 200 was reported to its user once (RFC 3428 §7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{AccountEvent, Command, ConnectionId, Event, RequestId, RequestKind, RequestOutcome};
use offhook_wire::{Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::scenario::Seconds;

/// 64·T1, the time-out of a transaction (RFC 3261 §17), and some slack.
const TRANSACTION: Duration = Duration::from_secs(33);

/// How long a request waits for credentials: the default of [`offhook::Config::no_answer`].
const CREDENTIALS: Duration = Duration::from_secs(121);

/// How many of the last MESSAGEs are certainly known after the loss of their connection: half of what a phone stores, with its INVITEs.
const KNOWN: usize = 16;

/// How long a request is certainly known to its receiver: less than 64·T1.
const RETRANSMITTED: Duration = Duration::from_secs(31);

#[derive(Default)]
pub(super) struct Requests {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    open: BTreeMap<RequestId, Open>,
    /// The request of the last command, until the phone is polled: the next message is its first one.
    begins: Option<RequestId>,
    /// The requests by Call-ID.
    calls: BTreeMap<u64, RequestId>,
    /// Received MESSAGEs that were reported.
    reported: BTreeMap<Transaction, Reported>,
    /// How many were reported.
    count: usize,
    /// The MESSAGE received with the current input, and its connection.
    received: Option<(Transaction, ConnectionId)>,
    /// MESSAGEs that were answered with 200 since the phone was last polled.
    accepted: BTreeSet<Transaction>,
    /// Whether the current input is a corrupted message.
    corrupted: bool,
}

/// A MESSAGE that was reported.
struct Reported {
    /// Its connection; `None` if it is unknown.
    connection: Option<ConnectionId>,
    /// The time of the phone.
    at: Instant,
    /// How many were reported before, and this one.
    count: usize,
}

/// A request without an outcome.
struct Open {
    is_message: bool,
    /// The elapsed time of the phone at the command.
    since: Duration,
    /// Its transactions.
    sent: BTreeSet<Transaction>,
    /// The codes of received 2xx.
    accepted: BTreeSet<u16>,
    /// Whether a message of its Call-ID was corrupted.
    corrupted: bool,
}

impl Oracle for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Command { phone, command: Command::Request { request, send }, refused: None } => {
                let since = view.phones[phone].elapsed(view.now);
                self.phones[phone].begin(*request, matches!(send.kind, RequestKind::Message { .. }), since);
            }
            Observation::Sent { phone, message: Some(message), .. } => self.phones[phone].on_sent(message),
            Observation::Received { phone, connection, message: Some(message), .. } => {
                self.phones[phone].on_received(connection, message);
            }
            Observation::Corrupted { phone, calls, .. } => self.phones[phone].on_corrupted(calls),
            Observation::Event { phone, event } => {
                let node = &view.phones[phone];
                return self.phones[phone]
                    .on_event(event, view.local(phone))
                    .map_err(|what| format!("{} reports `{event}`, but {what}", node.setup.name));
            }
            Observation::PhonePolled { phone, .. } => {
                let node = &view.phones[phone];
                return self.phones[phone]
                    .on_polled(view.local(phone), node.elapsed(view.now))
                    .map_err(|what| format!("{} {what}", node.setup.name));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Drain {
            return Ok(());
        }
        for (phone, node) in self.phones.iter().zip(view.phones).filter(|(_, node)| node.alive) {
            phone.overdue(node.elapsed(view.now)).map_err(|what| format!("{} {what}", node.setup.name))?;
        }
        Ok(())
    }
}

impl Phone {
    fn begin(&mut self, request: RequestId, is_message: bool, since: Duration) {
        let (sent, accepted) = (BTreeSet::new(), BTreeSet::new());
        self.open.insert(request, Open { is_message, since, sent, accepted, corrupted: false });
        self.begins = Some(request);
    }

    fn on_sent(&mut self, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        if message.status() == Some(200) && message.of == Method::Message {
            self.accepted.insert(transaction);
        }
        let is_outside = message.dialog.remote == DialogId::NO_TAG;
        if !is_outside || !matches!(message.method(), Some(Method::Message | Method::Options)) {
            return;
        }
        let call = message.dialog.call;
        if let Some(request) = self.begins.take() {
            self.calls.entry(call).or_insert(request);
        }
        if let Some(open) = self.open_of(call) {
            open.sent.insert(transaction);
        }
    }

    fn open_of(&mut self, call: u64) -> Option<&mut Open> {
        self.open.get_mut(self.calls.get(&call)?)
    }

    fn on_received(&mut self, connection: ConnectionId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Message), _) => {
                self.received = message.transaction.map(|transaction| (transaction, connection));
            }
            (None, Some(code @ 200..=299)) => {
                // A response matches by its branch (RFC 3261 §17.1.3): another Call-ID is a violation by the peer.
                let Some(transaction) = message.transaction else { return };
                let mut open = self.open.values_mut();
                if let Some(open) = open.find(|open| open.sent.contains(&transaction)) {
                    open.accepted.insert(code);
                }
            }
            _ => {}
        }
    }

    fn on_corrupted(&mut self, calls: &[u64]) {
        (self.corrupted, self.received) = (true, None);
        for call in calls {
            if let Some(open) = self.open_of(*call) {
                open.corrupted = true;
            }
        }
    }

    fn on_event(&mut self, event: &Event, now: Instant) -> Result<(), String> {
        match event {
            Event::Request { request, outcome } => self.on_outcome(*request, outcome),
            Event::Account { event: AccountEvent::Message { .. }, .. } if !self.corrupted => {
                let Some((received, connection)) = self.received else {
                    return Err("none was received".to_owned());
                };
                self.count += 1;
                let reported = Reported { connection: Some(connection), at: now, count: self.count };
                let Some(before) = self.reported.insert(received, reported) else { return Ok(()) };
                // A later retransmission is a violation by the proxy (RFC 3261 §17.1.2.2: timer F).
                let retransmitted = now.saturating_since(before.at) < RETRANSMITTED;
                let known = before.connection == Some(connection) || self.count - before.count < KNOWN;
                if retransmitted && known { Err("it was reported before".to_owned()) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn on_outcome(&mut self, request: RequestId, outcome: &RequestOutcome) -> Result<(), String> {
        let Some(open) = self.open.remove(&request) else {
            return Err("there is no such request, or it has an outcome".to_owned());
        };
        self.begins.take_if(|begins| *begins == request);
        match outcome {
            _ if open.corrupted => Ok(()),
            RequestOutcome::Accepted { code } if !open.is_message || !open.accepted.contains(code) => {
                Err("no such response was received".to_owned())
            }
            RequestOutcome::Capabilities(_) if open.is_message || open.accepted.is_empty() => {
                Err("no such response was received".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn on_polled(&mut self, now: Instant, elapsed: Duration) -> Result<(), String> {
        (self.begins, self.received) = (None, None);
        let accepted = std::mem::take(&mut self.accepted);
        if std::mem::take(&mut self.corrupted) {
            let count = self.count;
            let reported =
                |transaction: &Transaction| (*transaction, Reported { connection: None, at: now, count });
            self.reported.extend(accepted.iter().map(reported));
        }
        if accepted.iter().any(|transaction| !self.reported.contains_key(transaction)) {
            return Err("answers a MESSAGE with 200, but did not report it".to_owned());
        }
        self.overdue(elapsed)
    }

    /// Checks the time limit of each request: that of its transactions, and of a user who gives credentials.
    fn overdue(&self, elapsed: Duration) -> Result<(), String> {
        for (request, open) in &self.open {
            let lasts = elapsed.saturating_sub(open.since);
            if lasts > TRANSACTION * open.sent.len().max(1) as u32 + CREDENTIALS {
                return Err(format!("has no outcome of request {} after {}", request.0, Seconds(lasts)));
            }
        }
        Ok(())
    }
}
