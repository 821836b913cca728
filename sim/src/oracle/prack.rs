//! Reliable provisional responses (RFC 3262). A caller acknowledges each once, in order (§4). A callee sends one at a time, retransmits it
//! until its PRACK, and sends no 2xx before the PRACK of one with a description (§3).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::ConnectionId;
use offhook_wire::{HeaderName, Instant, Method};

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};

/// The limit of the first retransmission: T1, and some slack.
const REPEAT: Duration = Duration::from_millis(600);

/// How long a response is certainly retransmitted: less than 64·T1.
const AWAITED: Duration = Duration::from_secs(30);

/// The number of early dialogs that a phone certainly has room for.
const BRANCHES: usize = 8;

#[derive(Default)]
pub(super) struct Pracks {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Sent INVITEs without a final response and CANCEL.
    invites: BTreeMap<Transaction, Invite>,
    /// Responses that were just received, and need a PRACK now.
    due: BTreeMap<(DialogId, u32), Transaction>,
    /// The PRACKs sent, and those that may be sent: again, if they were challenged.
    sent: BTreeMap<Transaction, (DialogId, u32)>,
    challenged: BTreeSet<(DialogId, u32)>,
    /// Our last reliable response to each received INVITE without a final response.
    responses: BTreeMap<Transaction, Response>,
    /// The received INVITE, until the phone is polled: one that is retransmitted gets the last response again (RFC 3261 §17.2.1). Or
    /// that of a received PRACK: a timer that is due at the same time fires before it.
    asked: Option<Transaction>,
}

struct Invite {
    connection: ConnectionId,
    /// When it was sent, at the phone: without a response it times out (RFC 3261 §17.1.1.2).
    at: Instant,
    /// The RSeq of the last response of each branch.
    branches: BTreeMap<DialogId, u32>,
    /// Its early dialogs, also those without a reliable response.
    dialogs: BTreeSet<DialogId>,
}

struct Response {
    rseq: u32,
    call: u64,
    connection: ConnectionId,
    at: Instant,
    times: u32,
    has_sdp: bool,
    /// The PRACKs that were received for it.
    pracks: BTreeSet<Transaction>,
}

impl Response {
    fn is_acknowledged(&self) -> bool {
        !self.pracks.is_empty()
    }
}

impl Oracle for Pracks {
    fn name(&self) -> &'static str {
        "prack"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn skips_corrupted_calls(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        let name = |phone: usize| &view.phones[phone].setup.name;
        match *observation {
            Observation::Sent { phone, connection, message: Some(message), .. } => {
                let now = view.local(phone);
                let sent = self.phones[phone].on_sent(now, connection, message);
                sent.map_err(|what| format!("{} {what}", name(phone)))
            }
            Observation::Received { phone, connection, message: Some(message), .. }
                if view.phones[phone].connections.contains_key(&connection) =>
            {
                let now = view.local(phone);
                self.phones[phone].on_received(now, connection, message);
                Ok(())
            }
            // The observations of these calls are left out from now on.
            Observation::Corrupted { calls, .. } => {
                for phone in &mut self.phones {
                    phone.responses.retain(|_, response| !calls.contains(&response.call));
                }
                Ok(())
            }
            Observation::PhonePolled { phone, .. } => {
                let now = view.local(phone);
                let up = |connection| view.phones[phone].connections.contains_key(&connection);
                self.phones[phone].on_polled(now, up).map_err(|what| format!("{} {what}", name(phone)))
            }
            _ => Ok(()),
        }
    }
}

impl Phone {
    fn on_sent(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        let Some(transaction) = message.transaction else { return Ok(()) };
        match (message.method(), message.status()) {
            (Some(Method::Invite), _) => {
                let branches = BTreeMap::new();
                self.invites.entry(transaction).or_insert(Invite {
                    connection,
                    at: now,
                    branches,
                    dialogs: BTreeSet::new(),
                });
                Ok(())
            }
            (Some(Method::Cancel), _) => {
                self.forget(transaction.of_invite());
                Ok(())
            }
            (Some(Method::Prack), _) => self.on_prack_sent(transaction, message),
            // A PRACK that is refused for overload has acknowledged nothing.
            (None, Some(503)) if message.of == Method::Prack => {
                for response in self.responses.values_mut() {
                    response.pracks.remove(&transaction);
                }
                Ok(())
            }
            (None, Some(status)) if message.of == Method::Invite => {
                self.on_response_sent(now, connection, transaction, status, message)
            }
            _ => Ok(()),
        }
    }

    fn on_prack_sent(&mut self, transaction: Transaction, message: &Reading<'_>) -> Result<(), String> {
        let Some((rseq, _)) = message.rack().ok().flatten() else {
            return Err("sends a PRACK without an RAck".to_owned());
        };
        let named = (message.dialog, rseq);
        let again = self.sent.contains_key(&transaction);
        let known = self.sent.values().any(|sent| *sent == named);
        self.sent.insert(transaction, named);
        if again || self.due.remove(&named).is_some() || self.challenged.remove(&named) {
            Ok(())
        } else if known {
            Err(format!("sends a second PRACK for response {rseq}"))
        } else {
            Err(format!("sends a PRACK for response {rseq}, which is not due"))
        }
    }

    fn on_response_sent(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        transaction: Transaction,
        status: u16,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        if status >= 200 {
            let open = self.responses.remove(&transaction);
            let early = open.is_some_and(|response| response.has_sdp && !response.is_acknowledged());
            if early && status < 300 {
                return Err("sends a 2xx before the PRACK of a response with a description".to_owned());
            }
            return Ok(());
        }
        let Some(rseq) = rseq(message) else { return Ok(()) };
        let (call, has_sdp) = (message.dialog.call, !message.body_bytes().is_empty());
        let new = Response { rseq, call, connection, at: now, times: 1, has_sdp, pracks: BTreeSet::new() };
        match self.responses.get_mut(&transaction) {
            Some(last) if last.rseq == rseq && last.is_acknowledged() && self.asked != Some(transaction) => {
                Err(format!("retransmits response {rseq} after its PRACK"))
            }
            Some(last) if last.rseq == rseq => {
                last.times += 1;
                Ok(())
            }
            Some(last) if !last.is_acknowledged() => {
                Err("sends a reliable response before the PRACK of another".to_owned())
            }
            Some(last) if last.rseq + 1 != rseq => {
                Err(format!("numbers a response {rseq} after {}", last.rseq))
            }
            _ => {
                self.responses.insert(transaction, new);
                Ok(())
            }
        }
    }

    fn on_received(&mut self, now: Instant, connection: ConnectionId, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        match (message.method(), message.status()) {
            (Some(Method::Invite), _) => self.asked = Some(transaction),
            (Some(Method::Prack), _) => {
                let Some((rseq, _)) = message.rack().ok().flatten() else { return };
                let call = message.dialog.call;
                for (invite, response) in &mut self.responses {
                    if response.call == call && response.rseq == rseq {
                        response.pracks.insert(transaction);
                        self.asked = Some(*invite);
                    }
                }
            }
            (None, Some(401 | 407)) if message.of == Method::Prack => {
                self.challenged.extend(self.sent.get(&transaction));
            }
            (None, Some(200..)) if message.of == Method::Invite => self.forget(transaction),
            (None, Some(101..)) if message.of == Method::Invite => {
                let Some(invite) = self.invites.get_mut(&transaction) else { return };
                let expired = invite.branches.is_empty() && now.saturating_since(invite.at) >= AWAITED;
                if message.dialog.remote != DialogId::NO_TAG {
                    invite.dialogs.insert(message.dialog);
                }
                let has_room =
                    invite.dialogs.len() <= BRANCHES || invite.branches.contains_key(&message.dialog);
                let (Some(rseq), true) = (rseq(message), invite.connection == connection) else { return };
                let dialog = message.dialog;
                let contact = message.contact().is_ok_and(|contact| contact.is_some());
                let last = invite.branches.get(&dialog).copied();
                if dialog.remote != DialogId::NO_TAG && contact && last.is_none_or(|last| last + 1 == rseq) {
                    if expired || !has_room {
                        // The INVITE may have timed out, or have too many branches: only the phone knows.
                        self.challenged.insert((dialog, rseq));
                    } else {
                        invite.branches.insert(dialog, rseq);
                        self.due.insert((dialog, rseq), transaction);
                    }
                }
            }
            _ => {}
        }
    }

    /// An INVITE is over, or cancelled: its provisional responses need no PRACK.
    fn forget(&mut self, invite: Transaction) {
        self.invites.remove(&invite);
        self.due.retain(|_, of| *of != invite);
    }

    fn on_polled(&mut self, now: Instant, up: impl Fn(ConnectionId) -> bool) -> Result<(), String> {
        self.asked = None;
        self.invites.retain(|_, invite| up(invite.connection));
        let due = std::mem::take(&mut self.due);
        if let Some(((_, rseq), _)) = due.into_iter().find(|(_, of)| self.invites.contains_key(of)) {
            return Err(format!("sends no PRACK for response {rseq}"));
        }
        self.responses.retain(|_, response| up(response.connection));
        let silent = |response: &Response| {
            let waits = now.saturating_since(response.at);
            response.times == 1 && !response.is_acknowledged() && (REPEAT..AWAITED).contains(&waits)
        };
        match self.responses.values().find(|response| silent(response)) {
            Some(response) => {
                Err(format!("did not retransmit response {}, which has no PRACK", response.rseq))
            }
            None => Ok(()),
        }
    }
}

/// The RSeq of a reliable provisional response.
fn rseq(message: &Reading<'_>) -> Option<u32> {
    message.has_token(HeaderName::Require, "100rel").then(|| message.rseq().ok().flatten()).flatten()
}
