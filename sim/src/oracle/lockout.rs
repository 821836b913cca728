//! A phone that knows its password is not kept from registering by what others send in its name: wrong credentials and floods count
//! against their senders.

use offhook_wire::Method;

use super::{Observation, Oracle, WorldView};
use crate::tape::Node;

/// What an exchange says that does not judge credentials, because too many were wrong.
const NOT_JUDGED: u16 = 503;

pub(super) struct Lockout;

impl Oracle for Lockout {
    fn name(&self) -> &'static str {
        "lockout"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        let Observation::ExchangeSent { exchange, to: Node::Phone(phone), message } = *sight else {
            return Ok(());
        };
        let refused = message.of == Method::Register && message.status() == Some(NOT_JUDGED);
        let setup = &view.phones[phone].setup;
        // What a middlebox changed are wrong credentials of the phone itself.
        if refused && setup.right_password && !view.corrupted_calls.any() {
            let exchange = view.exchanges[exchange].name();
            return Err(format!("{exchange} does not let {} register, which knows its password", setup.name));
        }
        Ok(())
    }
}
