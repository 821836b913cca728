//! The ledger of transfers (RFC 3515): who accepts a REFER calls somebody and reports how that went; who is told so tells its
//! user; and a call whose transfer is done ends (RFC 5589 §6.1).

use std::collections::{BTreeMap, BTreeSet};

use offhook::{Event, SessionId, Status, TransferState};
use offhook_wire::Method;

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::node::PhoneNode;

#[derive(Default)]
pub(super) struct Transfers {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Requests that came, of which a repetition does nothing.
    known: BTreeSet<(DialogId, u32)>,
    refers: BTreeSet<Transaction>,
    last_notifies: BTreeSet<Transaction>,
    /// The calls that REFERs made and whose end is not reported, and the calls in which they came.
    referred: BTreeMap<SessionId, SessionId>,
    /// Peers that refused a NOTIFY: nobody reports to them any more.
    refused: bool,
    /// What the phone did since it was last at rest.
    done: Done,
}

#[derive(Default)]
struct Done {
    accepted: bool,
    called: bool,
    /// A report that a call was answered, or failed, is due: that call, and the one in which somebody asked for it.
    report: Option<(SessionId, SessionId)>,
    reported: bool,
    /// The last NOTIFY came and was taken.
    informed: bool,
    told: bool,
    /// A transfer is done, and so should be its call.
    over: Option<SessionId>,
}

impl Oracle for Transfers {
    fn name(&self) -> &'static str {
        "transfer"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *sight {
            Observation::Sent { phone, message: Some(message), .. } => self.phones[phone].on_sent(message),
            Observation::Received { phone, message: Some(message), .. } => {
                self.phones[phone].on_received(message)
            }
            Observation::Event { phone, event } => self.phones[phone].on_event(event),
            Observation::PhonePolled { phone, .. } => {
                let node = &view.phones[phone];
                let is_corrupted = |session| view.corrupted_calls.of_end((phone, session));
                return self.phones[phone]
                    .on_polled(node, is_corrupted)
                    .map_err(|what| format!("{} {what}", node.setup.name));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Phone {
    fn on_received(&mut self, message: &Reading<'_>) {
        if message.status().is_some_and(|status| status >= 300) && message.of == Method::Notify {
            self.refused = true;
            self.referred.clear();
        }
        let Some(method) = message.method().filter(|method| matches!(method, Method::Refer | Method::Notify))
        else {
            return;
        };
        let Some(transaction) = message.transaction else { return };
        if !self.known.insert((message.dialog, message.number)) {
            return;
        }
        if method == Method::Refer {
            self.refers.insert(transaction);
        } else if code(message).is_some_and(|code| code >= 300) {
            self.last_notifies.insert(transaction);
        }
    }

    fn on_sent(&mut self, message: &Reading<'_>) {
        match (message.method(), message.status()) {
            (Some(Method::Notify), _) => self.done.reported |= code(message).is_some_and(|code| code >= 200),
            (None, Some(200..=299)) => {
                let Some(transaction) = message.transaction else { return };
                self.done.accepted |= self.refers.remove(&transaction);
                self.done.informed |= self.last_notifies.remove(&transaction);
            }
            // It is of no transfer any more, and says nothing when it comes again.
            (None, Some(300..)) => {
                if let Some(transaction) = message.transaction {
                    self.last_notifies.remove(&transaction);
                }
            }
            _ => {}
        }
    }

    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Referred { session, by, .. } => {
                self.done.called = true;
                self.refused = false;
                self.referred.insert(*session, *by);
            }
            Event::Status { session, to: Status::Established, .. } | Event::Ended { session, .. } => {
                if let Some(by) = self.referred.remove(session) {
                    self.done.report = Some((*session, by));
                }
            }
            Event::Transfer { session, state } => match state {
                TransferState::Done => {
                    self.done.told = true;
                    self.done.over = Some(*session);
                }
                TransferState::Failed { .. } => self.done.told = true,
                _ => {}
            },
            _ => {}
        }
    }

    fn on_polled(
        &mut self,
        node: &PhoneNode,
        is_corrupted: impl Fn(SessionId) -> bool,
    ) -> Result<(), String> {
        let done = std::mem::take(&mut self.done);
        if done.accepted && !done.called && !done.reported {
            return Err("takes a REFER and calls nobody".to_owned());
        }
        let time_stopped = |session| {
            let call = node.calls.get(&session);
            call.is_some_and(|call| call.status == Status::Established) && !is_corrupted(session)
        };
        // What was said of the call itself may be no answer for that it was harmed.
        let due = done.report.is_some_and(|(session, by)| time_stopped(by) && !is_corrupted(session));
        if due && !done.reported && !self.refused && node.is_connected() {
            return Err("does not report what became of a transfer".to_owned());
        }
        if done.informed && !done.told {
            return Err("does not tell its user that a transfer failed".to_owned());
        }
        match done.over {
            Some(session)
                if node.calls.get(&session).is_some_and(|call| call.status < Status::Terminating) =>
            {
                Err(format!("goes on with call {session}, which was transferred"))
            }
            _ => Ok(()),
        }
    }
}

/// The code of the status line in a NOTIFY (RFC 3515 §2.4.5).
fn code(notify: &Reading<'_>) -> Option<u16> {
    std::str::from_utf8(notify.body_bytes().strip_prefix(b"SIP/2.0 ")?.get(..3)?).ok()?.parse().ok()
}
