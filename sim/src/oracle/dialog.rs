//! Dialogs as the wire shows them (RFC 3261 §12): what is sent within one has both tags whole, the route set and the remote
//! target; nothing new follows a BYE; and what does not belong to one, or comes too late, is not obeyed.

use std::collections::{BTreeMap, BTreeSet};

use offhook::FlowId;
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
    /// INVITEs that came and have no 2xx yet.
    invited: BTreeMap<Transaction, Invited>,
    /// Our INVITEs, and where they went out.
    invites: BTreeMap<Transaction, FlowId>,
    /// Those whose 2xx was seen, with the peer's tag.
    taken: BTreeSet<(Transaction, u64)>,
    /// BYEs of peers.
    byes: BTreeMap<Transaction, DialogId>,
    /// Requests that came and must not be obeyed, and why.
    unfit: BTreeMap<Transaction, &'static str>,
    seen: BTreeSet<Transaction>,
    /// The request that came last, its dialog and its number, until it is answered.
    asked: Option<(Transaction, DialogId, u32)>,
}

/// The routes in an INVITE, and its Contact.
type Invited = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// What one end knows.
#[derive(Default)]
struct Dialog {
    /// In the order of our Route header.
    routes: Vec<Vec<u8>>,
    target: Vec<u8>,
    /// The targets in re-INVITEs since the last 2xx to one.
    next_targets: BTreeSet<Vec<u8>>,
    /// The highest number of the peer's requests.
    highest: u32,
    /// The numbers of the peer's INVITEs that came in order. A proxy that forgot sends one on in a new transaction, and it is not out
    /// of order for that (§12.2.2): its 2xx is what it was.
    invites: BTreeSet<u32>,
    /// Whether we sent a BYE, or took one.
    left: bool,
}

impl Oracle for Dialogs {
    fn name(&self) -> &'static str {
        "dialog"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *sight {
            Observation::Sent { phone, flow, message: Some(message), data } => {
                self.phones[phone].on_sent(flow, message).map_err(|what| {
                    let name = &view.phones[phone].setup.name;
                    format!("{name} sends something that {what}:\n{}", String::from_utf8_lossy(data))
                })
            }
            Observation::Received { phone, flow, message: Some(message), .. } => {
                self.phones[phone].on_received(flow, message);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    fn on_sent(&mut self, flow: FlowId, message: &Reading<'_>) -> Result<(), String> {
        match (message.method(), message.status()) {
            (Some(method), _) => {
                if method == Method::Invite
                    && let Some(transaction) = message.transaction
                {
                    self.invites.insert(transaction, flow);
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

    /// What gets 503 for being one too many never came to its dialog (§8.2.7).
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
        // Those that go hop by hop repeat what their INVITE said.
        if method == Method::Cancel || method == Method::Ack && self.is_refusals(message) {
            return Ok(());
        }
        let Some(transaction) = message.transaction else { return Ok(()) };
        let again = !self.seen.insert(transaction);
        let Some(dialog) = self.dialogs.get_mut(&message.dialog) else {
            return Err("belongs to no dialog".to_owned());
        };
        if again {
            return Ok(());
        }
        if dialog.left && !matches!(method, Method::Bye | Method::Ack) {
            return Err("follows a BYE".to_owned());
        }
        // What a dialog that was left still has to say may go by what the last message in it said.
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
            return Err("has not the route set of its dialog".to_owned());
        }
        let uri = message.request_uri().unwrap_or_default();
        if uri != dialog.target && !dialog.next_targets.contains(uri) {
            return Err(format!("does not go to {}", String::from_utf8_lossy(&dialog.target)));
        }
        Ok(())
    }

    /// Whether this is the ACK of a refusal: it has the branch of its INVITE (§17.1.1.3).
    fn is_refusals(&self, ack: &Reading<'_>) -> bool {
        ack.transaction.is_some_and(|ack| self.invites.contains_key(&ack.of_invite()))
    }

    /// A 2xx of ours.
    fn on_2xx_sent(&mut self, message: &Reading<'_>) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        if let Some(why) = self.unfit.get(&transaction) {
            return Err(format!("obeys a request {why}"));
        }
        if let Some(dialog) = self.byes.get(&transaction).and_then(|id| self.dialogs.get_mut(id)) {
            dialog.left = true;
        }
        if message.of != Method::Invite {
            return Ok(());
        }
        let Some((routes, Some(target))) = self.invited.remove(&transaction) else { return Ok(()) };
        let dialog =
            self.dialogs.entry(message.dialog).or_insert_with(|| Dialog { routes, ..Dialog::default() });
        dialog.highest = dialog.highest.max(message.number);
        dialog.target = target;
        dialog.next_targets.clear();
        Ok(())
    }

    fn on_received(&mut self, flow: FlowId, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Ack | Method::Cancel), _) => {}
            (Some(method), _) => self.on_request(method, message),
            (None, Some(200..=299)) if message.of == Method::Invite => self.on_2xx_received(flow, message),
            _ => {}
        }
    }

    fn on_request(&mut self, method: Method<'_>, message: &Reading<'_>) {
        let (Some(transaction), id) = (message.transaction, message.dialog) else { return };
        let contact = || message.contact().ok().flatten().map(|contact| contact.uri.to_vec());
        // A proxy may send it again; it is what it was.
        let again = !self.seen.insert(transaction);
        if method == Method::Invite {
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
            // Early dialogs are not followed: the Call-ID and one of the tags may be those of one.
            let one_is = |known: &DialogId| known.local == id.local || known.remote == id.remote;
            let known = self.dialogs.keys().any(|known| known.call == id.call && one_is(known));
            if known {
                self.unfit.insert(transaction, "whose tags are those of no dialog");
            }
            return;
        };
        let number = message.number;
        let known = method == Method::Invite && dialog.invites.contains(&number);
        let late = number < dialog.highest && !known;
        if late && !dialog.left {
            self.unfit.insert(transaction, "with a lower number than one before it");
        }
        self.asked = Some((transaction, id, number));
        if method == Method::Invite && !late {
            dialog.next_targets.extend(contact());
        }
    }

    /// A 2xx to an INVITE of ours.
    fn on_2xx_received(&mut self, flow: FlowId, message: &Reading<'_>) {
        let (Some(transaction), id) = (message.transaction, message.dialog) else { return };
        // §18.1.2: what comes back on another flow is for nobody.
        if self.invites.get(&transaction) != Some(&flow) {
            return;
        }
        if !self.taken.insert((transaction, id.remote)) {
            return;
        }
        let Ok(Some(contact)) = message.contact() else { return };
        let target = contact.uri.to_vec();
        match self.dialogs.get_mut(&id) {
            Some(dialog) => {
                dialog.target = target;
                dialog.next_targets.clear();
            }
            None => {
                let mut routes: Vec<Vec<u8>> =
                    message.values(HeaderName::RecordRoute).map(<[u8]>::to_vec).collect();
                routes.reverse();
                self.dialogs.insert(id, Dialog { routes, target, ..Dialog::default() });
            }
        }
    }
}

/// Whether a Route value is of a loose router (§16.12.1.1).
fn has_lr(route: &[u8]) -> bool {
    NameAddr::parse(route)
        .is_ok_and(|route| route.uri_parsed().is_ok_and(|uri| uri.params.get("lr").is_some()))
}
