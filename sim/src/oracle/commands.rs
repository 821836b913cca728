//! A phone starts an accepted command immediately: it ends a call, registers, unregisters, or sends a CANCEL.
//!
//! `outcome`, `digits` and `stuck` check what takes longer.

use std::collections::{BTreeMap, BTreeSet};

use offhook::{AccountCommand, CallCommand, Command, ConnectionId, RegistrationState, SessionId, Status};
use offhook_wire::{Instant, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::media::End;

#[derive(Default)]
pub(super) struct Commands {
    /// Commands accepted since the phone was last polled.
    accepted: Vec<(usize, Accepted)>,
    /// Initial INVITEs without a final response, by the call of their offer.
    invites: BTreeMap<End, Invite>,
    /// The transactions of REGISTERs: over UDP these are retransmitted.
    known: BTreeSet<Transaction>,
    /// Phones whose account is being replaced: a command to register applies to the new one.
    replaced: BTreeSet<usize>,
    /// The last REGISTER sent since the phone was polled, with its Expires in seconds.
    asks: Option<(usize, u32)>,
}

#[derive(Copy, Clone)]
enum Accepted {
    End(SessionId),
    Register,
    Unregister,
}

struct Invite {
    call: u64,
    transaction: Transaction,
    connection: ConnectionId,
    sent: Instant,
    /// A provisional response was received.
    rings: bool,
    given_up: bool,
    cancelled: bool,
}

impl Oracle for Commands {
    fn name(&self) -> &'static str {
        "commands"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command { phone, command, refused: None } => self.on_command(phone, command),
            Observation::Sent { phone, connection, message: Some(message), .. } => {
                self.sent(view, phone, connection, message);
                let mut new =
                    || message.transaction.is_some_and(|transaction| self.known.insert(transaction));
                if message.method() == Some(Method::Register) && new() {
                    self.asks = message.expires().ok().flatten().map(|seconds| (phone, seconds));
                }
            }
            Observation::Received { phone, connection, message: Some(message), .. } => {
                self.received(phone, connection, message);
            }
            Observation::Corrupted { calls, .. } => {
                self.invites.retain(|_, invite| !calls.contains(&invite.call))
            }
            Observation::PhonePolled { phone, .. } => return self.on_polled(view, phone),
            _ => {}
        }
        Ok(())
    }
}

impl Commands {
    fn on_command(&mut self, phone: usize, command: &Command) {
        let accepted = match command {
            Command::Call { session, command: CallCommand::HangUp | CallCommand::Reject { .. } } => {
                Accepted::End(*session)
            }
            Command::Account { command: AccountCommand::Register, .. } => Accepted::Register,
            Command::Account { command: AccountCommand::Unregister, .. } => Accepted::Unregister,
            Command::Account { command: AccountCommand::Replace(_), .. } => {
                self.replaced.insert(phone);
                return;
            }
            _ => return,
        };
        self.accepted.push((phone, accepted));
        if let Command::Call { session, command: CallCommand::HangUp } = command
            && let Some(invite) = self.invites.get_mut(&(phone, *session))
        {
            invite.given_up = true;
        }
    }

    fn sent(&mut self, view: &WorldView<'_>, phone: usize, connection: ConnectionId, message: &Reading<'_>) {
        let Some(transaction) = message.transaction else { return };
        match message.method() {
            Some(Method::Invite) if message.to().is_ok_and(|to| to.tag().is_none()) => {
                let Some((end, _)) = view.engines.offer_in(message.body_bytes()) else { return };
                // A user may hang up between a challenge and the request with credentials.
                let known = self.invites.get(&end);
                if known.is_none_or(|known| known.transaction != transaction) {
                    let given_up = known.is_some_and(|known| known.given_up);
                    let sent = view.local(phone);
                    let call = message.dialog.call;
                    let (rings, cancelled) = (false, false);
                    let new = Invite { call, transaction, connection, sent, rings, given_up, cancelled };
                    self.invites.insert(end, new);
                }
            }
            Some(Method::Cancel) => {
                let of = transaction.of_invite();
                if let Some(invite) = self.invites.values_mut().find(|invite| invite.transaction == of) {
                    invite.cancelled = true;
                }
            }
            _ => {}
        }
    }

    fn received(&mut self, phone: usize, connection: ConnectionId, message: &Reading<'_>) {
        let (Some(status), true) = (message.status(), message.of == Method::Invite) else { return };
        let Some(transaction) = message.transaction else { return };
        let of = |(end, invite): (&End, &Invite)| {
            (end.0 == phone && invite.connection == connection && invite.transaction == transaction)
                .then_some(*end)
        };
        let Some(end) = self.invites.iter().find_map(of) else { return };
        if status >= 200 {
            self.invites.remove(&end);
        } else if let Some(invite) = self.invites.get_mut(&end) {
            invite.rings = true;
        }
    }

    fn on_polled(&mut self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let node = &view.phones[phone];
        let name = &node.setup.name;
        let now = view.local(phone);
        if node.registration != Some(RegistrationState::Unregistering) {
            self.replaced.remove(&phone);
        }
        for (_, accepted) in self.accepted.extract_if(.., |(of, _)| *of == phone) {
            match (accepted, node.registration) {
                (Accepted::End(session), _) => {
                    let call = node.calls.get(&session).filter(|call| call.status < Status::Terminating);
                    if let Some(call) = call {
                        return Err(format!(
                            "{name} did not end call {session}, which is still {}",
                            call.status
                        ));
                    }
                }
                (
                    Accepted::Register,
                    Some(RegistrationState::Unregistered | RegistrationState::Unregistering),
                ) if !self.replaced.contains(&phone) => {
                    return Err(format!("{name} accepted a command to register and does not"));
                }
                (
                    Accepted::Unregister,
                    Some(RegistrationState::Registered { .. } | RegistrationState::Registering { .. }),
                ) => return Err(format!("{name} accepted a command to unregister and does not")),
                _ => {}
            }
        }
        let asks = self.asks.take_if(|(of, _)| *of == phone);
        if let (Some((_, 1..)), Some(RegistrationState::Unregistering)) = (asks, node.registration) {
            return Err(format!("{name} unregisters, but sends a REGISTER with a lifetime"));
        }
        // A CANCEL waits for a provisional response (RFC 3261 §9.1).
        let overdue = |(end, invite): &(&End, &Invite)| {
            let lives = now.saturating_since(invite.sent).as_secs() < 31;
            end.0 == phone
                && node.connections.contains_key(&invite.connection)
                && invite.rings
                && invite.given_up
                && !invite.cancelled
                && lives
        };
        if let Some((end, _)) = self.invites.iter().find(overdue) {
            return Err(format!("{name} hung up call {} while it was ringing, but sent no CANCEL", end.1));
        }
        Ok(())
    }
}
