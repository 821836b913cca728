//! A phone with the right password can register, whatever others send in its name: wrong credentials and floods count against their
//! senders.

use offhook_wire::Method;

use super::{Observation, Oracle, WorldView};
use crate::tape::Node;

/// The response of an exchange that does not check credentials, because too many were wrong.
const NOT_JUDGED: u16 = 503;

pub(super) struct Lockout;

impl Oracle for Lockout {
    fn name(&self) -> &'static str {
        "lockout"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let Observation::ExchangeSent { exchange, to: Node::Phone(phone), message } = *observation else {
            return Ok(());
        };
        let refused = message.of == Method::Register && message.status() == Some(NOT_JUDGED);
        let node = &view.phones[phone];
        // A corrupted message may contain wrong credentials of the phone itself.
        if refused && !node.account.guessed && !view.corrupted_calls.any() {
            let exchange = view.exchanges[exchange].name();
            return Err(format!(
                "{exchange} refuses the registration of {}, which has the right password",
                node.setup.name
            ));
        }
        Ok(())
    }
}
