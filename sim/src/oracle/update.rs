//! UPDATE (RFC 3311 §5.2): an offer in it is not accepted while another offer of the dialog is open, and a 500 for that has a Retry-After.

use std::collections::{BTreeMap, BTreeSet};

use offhook::ConnectionId;
use offhook_wire::{HeaderName, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct Updates {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Sent requests with an offer, without a final response, and their connection: a phone withdraws its offer when that is lost.
    ours: BTreeMap<Transaction, (ConnectionId, DialogId)>,
    /// All sent requests with an offer: a retransmission that is due when the final response is received is sent after it.
    offered: BTreeSet<Transaction>,
    /// Received requests with an offer, without a final response, and their connection: no response is sent when that is lost.
    theirs: BTreeMap<Transaction, (ConnectionId, DialogId)>,
    /// The highest CSeq number of the received requests of each dialog: a lower one is refused with 500, too (RFC 3261 §12.2.2), and
    /// the same one is a retransmission.
    highest: BTreeMap<DialogId, u32>,
    /// Received UPDATEs whose offer collides with an open one.
    colliding: BTreeSet<Transaction>,
}

impl Oracle for Updates {
    fn name(&self) -> &'static str {
        "update"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn skips_corrupted_calls(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, connection, message: Some(message), .. } => {
                let sent = self.phones[phone].on_sent(connection, message);
                sent.map_err(|what| format!("{} {what}", view.phones[phone].setup.name))
            }
            Observation::Received { phone, connection, message: Some(message), .. }
                if view.phones[phone].connections.contains_key(&connection) =>
            {
                let up = |connection| view.phones[phone].connections.contains_key(&connection);
                self.phones[phone].ours.retain(|_, (connection, _)| up(*connection));
                self.phones[phone].theirs.retain(|_, (connection, _)| up(*connection));
                self.phones[phone].on_received(connection, message);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Whether it is a request within a dialog that has an offer.
fn offers(message: &Reading<'_>) -> bool {
    let method = matches!(message.method(), Some(Method::Invite | Method::Update));
    method && !message.body_bytes().is_empty() && message.to().is_ok_and(|to| to.tag().is_some())
}

impl Phone {
    fn on_sent(&mut self, connection: ConnectionId, message: &Reading<'_>) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        if offers(message) && self.offered.insert(transaction) {
            self.ours.insert(transaction, (connection, message.dialog));
        }
        let Some(status @ 200..) = message.status() else { return Ok(()) };
        self.theirs.remove(&transaction);
        let collided = self.colliding.remove(&transaction);
        if !collided {
            return Ok(());
        }
        match status {
            200..=299 => Err("accepts the offer of an UPDATE while another is open".to_owned()),
            500 if message.header(HeaderName::RetryAfter).is_none() => {
                Err("refuses a colliding UPDATE with 500, without a Retry-After".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn on_received(&mut self, connection: ConnectionId, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        if message.status().is_some_and(|status| status >= 200) {
            self.ours.remove(&transaction);
        }
        if message.method().is_none() {
            return;
        }
        let highest = self.highest.insert(message.dialog, message.number);
        if let Some(highest) = highest.filter(|highest| message.number <= *highest) {
            self.highest.insert(message.dialog, highest);
            return;
        }
        if !offers(message) || self.theirs.contains_key(&transaction) {
            return;
        }
        let open = self.ours.values().chain(self.theirs.values()).any(|(_, of)| *of == message.dialog);
        if message.method() == Some(Method::Update) && open {
            self.colliding.insert(transaction);
        }
        self.theirs.insert(transaction, (connection, message.dialog));
    }
}
