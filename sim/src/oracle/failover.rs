//! Fail-over: after a lost or failed connection a phone tries the next server.

use offhook::{AccountEvent, ConnectionState, Event, Hop};

use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct FailOver {
    /// By phone: the last server, and whether its connection is closed.
    last: Vec<Option<(Hop, bool)>>,
}

impl Oracle for FailOver {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.last.resize_with(view.phones.len(), || None);
        match *observation {
            Observation::Event {
                phone,
                event:
                    Event::Account {
                        event: AccountEvent::Connection { state: ConnectionState::Down(_), .. }, ..
                    },
            } => {
                if let Some((_, over)) = &mut self.last[phone] {
                    *over = true;
                }
            }
            Observation::Connecting { phone, hop } => {
                let before = self.last[phone].replace((hop.clone(), false));
                if view.exchanges.len() > 1 && before.is_some_and(|(server, over)| over && server == *hop) {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} retries {hop}, although there is another server"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
