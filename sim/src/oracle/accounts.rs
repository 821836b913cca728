//! Accounts at run time: one that is removed ends its calls, removes its binding, closes its connection and is then never named again;
//! and a registration that waits for credentials has not failed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook::{AccountCommand, AccountEvent, AccountId, Cause, Command, Event, RegistrationState, SessionId};
use offhook_wire::{Instant, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::scenario::Seconds;
use crate::told::{Told, told};

/// The longest removal: a CANCEL or BYE, a 2xx that crosses it, its BYE, and beside these a REGISTER, its retry after a challenge, and
/// the wait of the one before (RFC 3261 §17: 64·T1 each), and some slack.
const REMOVAL: Duration = Duration::from_secs(6 * 32 + 8);

/// The default of [`offhook::RegistrationPolicy::flood_budget`], and its period.
const REGISTERS: usize = 12;
const MINUTE: Duration = Duration::from_secs(60);

type Key = (usize, AccountId);

#[derive(Default)]
pub(super) struct Accounts {
    /// Accounts with a binding and a connection, as their last events say.
    bound: BTreeSet<Key>,
    connected: BTreeSet<Key>,
    /// Accounts that are being removed.
    leaving: BTreeMap<Key, Leaving>,
    removed: BTreeSet<Key>,
    /// When the REGISTERs of an account were sent for the first time: over UDP they are retransmitted.
    registers: BTreeMap<Key, BTreeMap<Transaction, Instant>>,
    /// The account of each call.
    calls: BTreeMap<(usize, SessionId), AccountId>,
}

struct Leaving {
    /// The elapsed time of the phone at the command.
    since: Duration,
    /// Whether its binding must be removed before the phone is polled.
    unbinds: bool,
}

impl Oracle for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let result = match *observation {
            Observation::Command {
                phone,
                command: Command::Account { account, command: AccountCommand::Remove },
                refused: None,
            } => {
                self.begin_removal(view, (phone, *account));
                Ok(())
            }
            Observation::Command { phone, command: Command::Dial { session, dial }, refused: None } => {
                self.calls.insert((phone, *session), dial.account);
                Ok(())
            }
            Observation::Event { phone, event } => {
                if let Some((session, told)) = told(event) {
                    self.on_told(phone, session, told);
                }
                match event {
                    Event::Account { account, event } => self.on_event(view, (phone, *account), event),
                    _ => Ok(()),
                }
            }
            Observation::Connecting { phone, account, .. } => self.names(phone, account, "connects"),
            Observation::Sent { phone, connection, message, .. } => {
                let account = view.phones[phone].account_of.get(&connection).copied();
                account.map_or(Ok(()), |account| {
                    self.on_sent((phone, account), message, view.local(phone));
                    self.names(phone, account, "sends")
                })
            }
            Observation::PhonePolled { phone, .. } => self.on_polled(view, phone),
            _ => Ok(()),
        };
        result.map_err(|what| match *observation {
            Observation::Event { phone, .. }
            | Observation::Connecting { phone, .. }
            | Observation::Sent { phone, .. }
            | Observation::PhonePolled { phone, .. } => format!("{} {what}", view.phones[phone].setup.name),
            _ => what,
        })
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Drain {
            return Ok(());
        }
        for (index, node) in view.phones.iter().enumerate().filter(|(_, node)| node.alive) {
            self.overdue(view, index).map_err(|what| format!("{} {what}", node.setup.name))?;
        }
        Ok(())
    }
}

impl Accounts {
    fn on_told(&mut self, phone: usize, session: SessionId, told: Told<'_>) {
        match told {
            Told::Incoming { account, .. } => {
                self.calls.insert((phone, session), account);
            }
            Told::Referred { by, .. } => {
                if let Some(account) = self.calls.get(&(phone, by)).copied() {
                    self.calls.insert((phone, session), account);
                }
            }
            Told::Ended(_) => {
                self.calls.remove(&(phone, session));
            }
            _ => {}
        }
    }

    fn begin_removal(&mut self, view: &WorldView<'_>, key: Key) {
        let node = &view.phones[key.0];
        let registers = self.registers.entry(key).or_default();
        registers.retain(|_, at| view.local(key.0).saturating_since(*at) < MINUTE);
        // Without a budget the binding expires.
        let unbinds =
            registers.len() < REGISTERS && self.bound.contains(&key) && self.connected.contains(&key);
        self.leaving.insert(key, Leaving { since: node.elapsed(view.now), unbinds });
    }

    fn on_event(&mut self, view: &WorldView<'_>, key: Key, event: &AccountEvent) -> Result<(), String> {
        self.names(key.0, key.1, "reports an event")?;
        let mut note = |set: fn(&mut Self) -> &mut BTreeSet<Key>, is: bool| {
            let set = set(self);
            if is {
                set.insert(key)
            } else {
                set.remove(&key)
            };
        };
        match event {
            AccountEvent::Connection { state, .. } => {
                note(|all| &mut all.connected, *state == offhook::ConnectionState::Up);
                Ok(())
            }
            AccountEvent::Registration(state) => {
                note(|all| &mut all.bound, matches!(state, RegistrationState::Registered { .. }));
                let node = &view.phones[key.0];
                let corrupted = view.corrupted_calls.of_registration(key.0).is_some();
                let waits = node.account.id == Some(key.1) && node.account.asked.is_some() && !corrupted;
                match state {
                    RegistrationState::Waiting { why, .. } | RegistrationState::Failed(why)
                        if waits && why.cause == Cause::Unauthorized =>
                    {
                        Err(format!("reports `{state}`, but it waits for credentials"))
                    }
                    _ => Ok(()),
                }
            }
            AccountEvent::Removed => self.on_removed(view, key),
            _ => Ok(()),
        }
    }

    fn on_removed(&mut self, view: &WorldView<'_>, key: Key) -> Result<(), String> {
        if self.leaving.remove(&key).is_none() {
            return Err(format!("reports that account {} was removed without a command", key.1.0));
        }
        self.removed.insert(key);
        let call = self.calls.iter().find(|((phone, _), account)| (*phone, **account) == key);
        if let Some(((_, session), _)) = call {
            return Err(format!("removed account {}, but not its call {session}", key.1.0));
        }
        let node = &view.phones[key.0];
        let is_open = node.connections.keys().any(|id| node.account_of.get(id) == Some(&key.1));
        if is_open {
            return Err(format!("removed account {}, but keeps its connection", key.1.0));
        }
        Ok(())
    }

    fn on_sent(&mut self, key: Key, message: Option<&Reading<'_>>, now: Instant) {
        let Some(register) = message.filter(|message| message.method() == Some(Method::Register)) else {
            return;
        };
        if let Some(transaction) = register.transaction {
            self.registers.entry(key).or_default().entry(transaction).or_insert(now);
        }
        if let Some(leaving) = self.leaving.get_mut(&key)
            && register.expires().ok().flatten() == Some(0)
        {
            leaving.unbinds = false;
        }
    }

    fn names(&self, phone: usize, account: AccountId, what: &str) -> Result<(), String> {
        if self.removed.contains(&(phone, account)) {
            return Err(format!("{what} for account {}, which was removed", account.0));
        }
        Ok(())
    }

    fn on_polled(&self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let keys = (phone, AccountId(0))..=(phone, AccountId(u16::MAX));
        if let Some(((_, account), _)) = self.leaving.range(keys).find(|(_, leaving)| leaving.unbinds) {
            return Err(format!("removes account {}, but not its binding", account.0));
        }
        self.overdue(view, phone)
    }

    fn overdue(&self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let elapsed = view.phones[phone].elapsed(view.now);
        let keys = (phone, AccountId(0))..=(phone, AccountId(u16::MAX));
        for ((_, account), leaving) in self.leaving.range(keys) {
            let lasts = elapsed.saturating_sub(leaving.since);
            if lasts > REMOVAL {
                return Err(format!("has not removed account {} after {}", account.0, Seconds(lasts)));
            }
        }
        Ok(())
    }
}
