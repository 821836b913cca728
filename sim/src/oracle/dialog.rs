//! Dialogs (RFC 3261 §12): an in-dialog request has both tags, the route set and the remote target; no new request follows a
//! BYE; and a request that matches no dialog, or is out of order, is refused.

use std::collections::{BTreeMap, BTreeSet};

use offhook::ConnectionId;
use offhook_wire::{HeaderName, Method, NameAddr};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct Dialogs {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    dialogs: BTreeMap<DialogId, Dialog>,
    /// Received INVITEs and UPDATEs without a 2xx.
    invited: BTreeMap<Transaction, Invited>,
    /// Those that got a 2xx.
    accepted: BTreeSet<Transaction>,
    /// Sent INVITEs and UPDATEs, and their connections.
    invites: BTreeMap<Transaction, ConnectionId>,
    /// Sent INVITEs and UPDATEs whose 2xx was received, with the remote tag.
    taken: BTreeSet<(Transaction, u64)>,
    /// Received BYEs.
    byes: BTreeMap<Transaction, DialogId>,
    /// Received requests that must be refused, and the reason.
    refusable: BTreeMap<Transaction, &'static str>,
    seen: BTreeSet<Transaction>,
    /// The last received request with its dialog and CSeq number, until it has a response.
    asked: Option<(Transaction, DialogId, u32)>,
}

/// The Record-Route values of an INVITE, and its Contact.
type Invited = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// The state of a dialog at one end.
#[derive(Default)]
struct Dialog {
    /// The route set, in the order of the Route header.
    routes: Vec<Vec<u8>>,
    target: Vec<u8>,
    /// Contacts of re-INVITEs since the last 2xx to a re-INVITE.
    next_targets: BTreeSet<Vec<u8>>,
    /// The highest remote CSeq number.
    highest: u32,
    /// CSeq numbers of received INVITEs in order. A proxy that lost its state forwards a retransmission in a new transaction: it is
    /// not out of order (§12.2.2), and gets the same 2xx.
    invites: BTreeSet<u32>,
    /// Of a caller: whether the 2xx to its INVITE was received, which has the final route set (§13.2.2.4).
    confirmed: bool,
    /// Whether a BYE was sent, or received and accepted.
    left: bool,
}

impl Oracle for Dialogs {
    fn name(&self) -> &'static str {
        "dialog"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, connection, message: Some(message), data } => {
                self.phones[phone].on_sent(connection, message).map_err(|what| {
                    let name = &view.phones[phone].setup.name;
                    format!("{name} sends a message that {what}:\n{}", String::from_utf8_lossy(data))
                })
            }
            Observation::Received { phone, connection, message: Some(message), .. } => {
                self.phones[phone].on_received(connection, message);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    fn on_sent(&mut self, connection: ConnectionId, message: &Reading<'_>) -> Result<(), String> {
        match (message.method(), message.status()) {
            (Some(method), _) => {
                if matches!(method, Method::Invite | Method::Update)
                    && let Some(transaction) = message.transaction
                {
                    self.invites.insert(transaction, connection);
                }
                self.check_request(method, message)
            }
            (None, Some(status)) => {
                self.on_response(status, message);
                if (200..300).contains(&status) { self.on_2xx_sent(message) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// A request that is refused with 503 for overload never reached its dialog (§8.2.7).
    fn on_response(&mut self, status: u16, message: &Reading<'_>) {
        let asked = self.asked.take_if(|(asked, ..)| Some(*asked) == message.transaction);
        let Some((_, id, number)) = asked.filter(|_| status != 503) else { return };
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        if number >= dialog.highest && message.of == Method::Invite {
            dialog.invites.insert(number);
        }
        dialog.highest = dialog.highest.max(number);
    }

    fn check_request(&mut self, method: Method<'_>, message: &Reading<'_>) -> Result<(), String> {
        if message.dialog.remote == DialogId::NO_TAG {
            return Ok(());
        }
        // Hop-by-hop requests copy the header fields of their INVITE.
        if method == Method::Cancel || method == Method::Ack && self.acknowledges_refusal(message) {
            return Ok(());
        }
        let Some(transaction) = message.transaction else { return Ok(()) };
        let again = !self.seen.insert(transaction);
        let Some(dialog) = self.dialogs.get_mut(&message.dialog) else {
            return Err("matches no dialog".to_owned());
        };
        if again {
            return Ok(());
        }
        if dialog.left && !matches!(method, Method::Bye | Method::Ack) {
            return Err("follows a BYE".to_owned());
        }
        // After a BYE the target may be that of any earlier message.
        if dialog.left {
            return Ok(());
        }
        dialog.left = method == Method::Bye;
        let strict = dialog.routes.first().is_some_and(|route| !has_lr(route));
        if strict {
            return Ok(());
        }
        let routes: Vec<&[u8]> = message.values(HeaderName::Route).collect();
        if routes != dialog.routes {
            return Err("does not have the route set of its dialog".to_owned());
        }
        let uri = message.request_uri().unwrap_or_default();
        if uri != dialog.target && !dialog.next_targets.contains(uri) {
            return Err(format!(
                "does not have the remote target {}",
                String::from_utf8_lossy(&dialog.target)
            ));
        }
        Ok(())
    }

    /// Whether this is the ACK of a non-2xx response: it has the branch of its INVITE (§17.1.1.3).
    fn acknowledges_refusal(&self, ack: &Reading<'_>) -> bool {
        ack.transaction.is_some_and(|ack| self.invites.contains_key(&ack.of_invite()))
    }

    /// The phone sends a 2xx.
    fn on_2xx_sent(&mut self, message: &Reading<'_>) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        if let Some(why) = self.refusable.get(&transaction) {
            return Err(format!("accepts a request {why}"));
        }
        if let Some(dialog) = self.byes.get(&transaction).and_then(|id| self.dialogs.get_mut(id)) {
            dialog.left = true;
        }
        let Some((routes, Some(target))) = self.invited.remove(&transaction) else { return Ok(()) };
        // The early dialogs of a callee are not tracked.
        if message.of == Method::Update && !self.dialogs.contains_key(&message.dialog) {
            return Ok(());
        }
        // A retransmission of the request gets its 2xx again, and does not refresh the target.
        if !self.accepted.insert(transaction) && self.dialogs.contains_key(&message.dialog) {
            return Ok(());
        }
        let new = || Dialog { routes, confirmed: true, ..Dialog::default() };
        let dialog = self.dialogs.entry(message.dialog).or_insert_with(new);
        // A retransmission, after a later request that has refreshed the target.
        if message.number < dialog.highest {
            return Ok(());
        }
        dialog.highest = dialog.highest.max(message.number);
        dialog.target = target;
        dialog.next_targets.clear();
        Ok(())
    }

    fn on_received(&mut self, connection: ConnectionId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack | Method::Cancel), _) => {}
            (Some(method), _) => self.on_request(method, message),
            (None, Some(101..=199)) if message.of == Method::Invite => self.on_progress(connection, message),
            (None, Some(200..=299)) if message.of == Method::Invite || message.of == Method::Update => {
                self.on_2xx_received(connection, message)
            }
            _ => {}
        }
    }

    fn on_request(&mut self, method: Method<'_>, message: &Reading<'_>) {
        let (Some(transaction), id) = (message.transaction, message.dialog) else { return };
        let contact = || message.contact().ok().flatten().map(|contact| contact.uri.to_vec());
        // A proxy may retransmit it.
        let again = !self.seen.insert(transaction);
        if matches!(method, Method::Invite | Method::Update) {
            let routes = message.values(HeaderName::RecordRoute).map(<[u8]>::to_vec).collect();
            self.invited.insert(transaction, (routes, contact()));
        }
        if again || id.local == DialogId::NO_TAG {
            return;
        }
        if method == Method::Bye {
            self.byes.insert(transaction, id);
        }
        let Some(dialog) = self.dialogs.get_mut(&id) else {
            // The early dialogs of a callee are not tracked: a request whose Call-ID and one tag match may belong to one.
            let one_is = |known: &DialogId| known.local == id.local || known.remote == id.remote;
            let known = self.dialogs.keys().any(|known| known.call == id.call && one_is(known));
            // A PRACK is sent within early dialogs only.
            if known && method != Method::Prack {
                self.refusable.insert(transaction, "whose tags match no dialog");
            }
            return;
        };
        let number = message.number;
        let known = method == Method::Invite && dialog.invites.contains(&number);
        let late = number < dialog.highest && !known;
        if late && !dialog.left {
            self.refusable.insert(transaction, "with a lower CSeq number than an earlier one");
        }
        self.asked = Some((transaction, id, number));
        if matches!(method, Method::Invite | Method::Update) && !late {
            dialog.next_targets.extend(contact());
        }
    }

    /// The phone receives a provisional response to its INVITE: a branch has an early dialog from the first one on (§12.1.2).
    fn on_progress(&mut self, connection: ConnectionId, message: &Reading<'_>) {
        let (Some(transaction), id) = (message.transaction, message.dialog) else { return };
        let is_its = self.invites.get(&transaction) == Some(&connection);
        if !is_its || id.remote == DialogId::NO_TAG || self.taken.contains(&(transaction, id.remote)) {
            return;
        }
        let Ok(Some(contact)) = message.contact() else { return };
        let dialog = self.dialogs.entry(id).or_insert_with(|| Dialog {
            routes: route_set(message),
            target: contact.uri.to_vec(),
            ..Dialog::default()
        });
        dialog.next_targets.insert(contact.uri.to_vec());
    }

    /// The phone receives a 2xx to its INVITE or UPDATE.
    fn on_2xx_received(&mut self, connection: ConnectionId, message: &Reading<'_>) {
        let (Some(transaction), id) = (message.transaction, message.dialog) else { return };
        // §18.1.2: a response on another connection is discarded.
        if self.invites.get(&transaction) != Some(&connection) {
            return;
        }
        if !self.taken.insert((transaction, id.remote)) {
            return;
        }
        let Ok(Some(contact)) = message.contact() else { return };
        let target = contact.uri.to_vec();
        let known = self.dialogs.contains_key(&id);
        if !known && message.of == Method::Update {
            return;
        }
        let dialog = self.dialogs.entry(id).or_default();
        if !dialog.confirmed && message.of == Method::Invite {
            (dialog.routes, dialog.confirmed) = (route_set(message), true);
        }
        dialog.target = target;
        dialog.next_targets.clear();
    }
}

/// The route set of a response: its Record-Route values in the reverse order (§12.1.2).
fn route_set(message: &Reading<'_>) -> Vec<Vec<u8>> {
    let mut routes: Vec<Vec<u8>> = message.values(HeaderName::RecordRoute).map(<[u8]>::to_vec).collect();
    routes.reverse();
    routes
}

/// Whether a Route value belongs to a loose router (§16.12.1.1).
fn has_lr(route: &[u8]) -> bool {
    NameAddr::parse(route)
        .is_ok_and(|route| route.uri_parsed().is_ok_and(|uri| uri.params.get("lr").is_some()))
}
