//! Fail-over: after a lost or failed connection a phone tries the next server.

use std::collections::{BTreeMap, BTreeSet};

use offhook::{AccountCommand, AccountEvent, AccountId, Command, ConnectionState, Event, Hop};

use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct FailOver {
    /// By phone and account: the last server, and whether its connection is closed.
    last: BTreeMap<(usize, AccountId), (Hop, bool)>,
    /// Accounts that were replaced, until they are connected: they begin with their first server.
    replaced: BTreeSet<(usize, AccountId)>,
}

impl Oracle for FailOver {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Event {
                phone,
                event:
                    Event::Account {
                        account,
                        event: AccountEvent::Connection { state: ConnectionState::Down(_), .. },
                    },
            } => {
                if let Some((_, over)) = self.last.get_mut(&(phone, *account)) {
                    *over = true;
                }
            }
            Observation::Event {
                phone,
                event:
                    Event::Account { account, event: AccountEvent::Connection { state: ConnectionState::Up, .. } },
            } => {
                self.replaced.remove(&(phone, *account));
            }
            Observation::Command {
                phone,
                command: Command::Account { account, command: AccountCommand::Replace(_) },
                refused: None,
            } => {
                self.replaced.insert((phone, *account));
            }
            Observation::Connecting { phone, account, hop, .. } => {
                let anew = self.replaced.contains(&(phone, account));
                let before = self.last.insert((phone, account), (hop.clone(), false));
                if view.exchanges.len() > 1
                    && !anew
                    && before.is_some_and(|(server, over)| over && server == *hop)
                {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} retries {hop}, although there is another server"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
