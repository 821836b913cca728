//! Fail-over is used: who loses a connection, or gets none, tries the next server.

use offhook::{Event, FlowState, Target};

use super::{Oracle, Scene, Sight};

#[derive(Default)]
pub(super) struct FailOver {
    /// By phone: the server tried last, and whether that connection is over.
    last: Vec<Option<(Target, bool)>>,
}

impl Oracle for FailOver {
    fn name(&self) -> &'static str {
        "failover"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        self.last.resize_with(scene.phones.len(), || None);
        match *sight {
            Sight::Told { phone, event: Event::Flow { state: FlowState::Down(_), .. } } => {
                if let Some((_, over)) = &mut self.last[phone] {
                    *over = true;
                }
            }
            Sight::Opens { phone, target } => {
                let before = self.last[phone].replace((target.clone(), false));
                if scene.exchanges.len() > 1 && before.is_some_and(|(server, over)| over && server == *target)
                {
                    let name = &scene.phones[phone].setup.name;
                    return Err(format!("{name} tries {target} again, and there is another server"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
