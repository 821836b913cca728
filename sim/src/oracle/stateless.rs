//! An exchange that challenges a request keeps no state for it: the sender is not authenticated, and may send any number
//! (RFC 3261 §26.3.2.4).

use std::collections::BTreeMap;

use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct Stateless {
    /// What each exchange sent since its last input.
    sent: BTreeMap<usize, Sent>,
}

#[derive(Default)]
struct Sent {
    challenges: u32,
    others: u32,
}

impl Oracle for Stateless {
    fn name(&self) -> &'static str {
        "stateless"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::ExchangeSent { exchange, message, .. } => {
                let sent = self.sent.entry(exchange).or_default();
                match message.status() {
                    Some(401 | 407) => sent.challenges += 1,
                    _ => sent.others += 1,
                }
            }
            Observation::ExchangePolled { exchange, began } => {
                let sent = self.sent.remove(&exchange).unwrap_or_default();
                // A transaction may belong to another message that was sent.
                if began && sent.challenges > 0 && sent.others == 0 {
                    return Err(format!(
                        "{} keeps a transaction for a request that it challenges",
                        view.exchanges[exchange].name()
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
