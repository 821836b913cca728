//! Fail-over: after a lost or failed connection a phone tries the next server.

use offhook::{Event, ConnectionState, Target};

use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct FailOver {
    /// By phone: the last server, and whether its connection is closed.
    last: Vec<Option<(Target, bool)>>,
}

impl Oracle for FailOver {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.last.resize_with(view.phones.len(), || None);
        match *observation {
            Observation::Event { phone, event: Event::Flow { state: ConnectionState::Down(_), .. } } => {
                if let Some((_, over)) = &mut self.last[phone] {
                    *over = true;
                }
            }
            Observation::Connecting { phone, target } => {
                let before = self.last[phone].replace((target.clone(), false));
                if view.exchanges.len() > 1 && before.is_some_and(|(server, over)| over && server == *target)
                {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} retries {target}, although there is another server"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
