//! Transfers (RFC 3515): a phone that accepts a REFER dials the target and reports the result by NOTIFY; a phone that receives the
//! result reports it to its user; and a transferred call ends (RFC 5589 §6.1).

use std::collections::{BTreeMap, BTreeSet};

use offhook::{SessionId, Status, TransferState};
use offhook_wire::Method;

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::node::PhoneNode;
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct Transfers {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// Received REFERs and NOTIFYs: a retransmission has no effect.
    known: BTreeSet<(DialogId, u32)>,
    refers: BTreeSet<Transaction>,
    last_notifies: BTreeSet<Transaction>,
    /// Calls created by REFERs without a reported result, and the calls of these REFERs.
    referred: BTreeMap<SessionId, SessionId>,
    /// Whether the peer refused a NOTIFY: no more are sent.
    refused: bool,
    /// What the phone did since it was last polled.
    done: Done,
}

#[derive(Default)]
struct Done {
    accepted: bool,
    called: bool,
    /// The user is asked, so that the call or the report follows later.
    asked: bool,
    /// The call whose result must be reported, and the call of its REFER.
    report: Option<(SessionId, SessionId)>,
    reported: bool,
    /// The last NOTIFY was received and accepted.
    informed: bool,
    told: bool,
    /// A transferred call, which must end.
    over: Option<SessionId>,
}

impl Oracle for Transfers {
    fn name(&self) -> &'static str {
        "transfer"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        match *observation {
            Observation::Sent { phone, message: Some(message), .. } => self.phones[phone].on_sent(message),
            Observation::Received { phone, message: Some(message), .. } => {
                self.phones[phone].on_received(message)
            }
            Observation::Event { phone, event } => {
                if let Some((session, told)) = told(event) {
                    self.phones[phone].on_told(session, told);
                }
            }
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
            // A refused NOTIFY has no effect when it is retransmitted.
            (None, Some(300..)) => {
                if let Some(transaction) = message.transaction {
                    self.last_notifies.remove(&transaction);
                }
            }
            _ => {}
        }
    }

    fn on_told(&mut self, session: SessionId, told: Told<'_>) {
        match told {
            Told::TransferRequested { .. } => self.done.asked = true,
            Told::Referred { by, .. } => {
                self.done.called = true;
                self.refused = false;
                self.referred.insert(session, by);
            }
            Told::Status { to: Status::Established, .. } | Told::Ended(_) => {
                if let Some(by) = self.referred.remove(&session) {
                    self.done.report = Some((session, by));
                }
            }
            Told::Transfer(state) => match state {
                TransferState::Done => {
                    self.done.told = true;
                    self.done.over = Some(session);
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
        if done.accepted && !done.asked && !done.called && !done.reported {
            return Err("accepts a REFER, but dials nothing".to_owned());
        }
        let time_stopped = |session| {
            let call = node.calls.get(&session);
            call.is_some_and(|call| call.status == Status::Established) && !is_corrupted(session)
        };
        // The result of a corrupted call is unknown.
        let due = done.report.is_some_and(|(session, by)| time_stopped(by) && !is_corrupted(session));
        if due && !done.reported && !self.refused && node.is_connected() {
            return Err("does not report the result of a transfer to the peer".to_owned());
        }
        if done.informed && !done.told {
            return Err("does not report a failed transfer to its user".to_owned());
        }
        match done.over {
            Some(session)
                if node.calls.get(&session).is_some_and(|call| call.status < Status::Terminating) =>
            {
                Err(format!("does not end call {session}, which was transferred"))
            }
            _ => Ok(()),
        }
    }
}

/// The code of the status line in a NOTIFY (RFC 3515 §2.4.5).
fn code(notify: &Reading<'_>) -> Option<u16> {
    std::str::from_utf8(notify.body_bytes().strip_prefix(b"SIP/2.0 ")?.get(..3)?).ok()?.parse().ok()
}
