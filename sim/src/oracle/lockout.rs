//! A phone that knows its password is not kept from registering by what others send in its name: wrong credentials and floods count
//! against their senders.

use offhook_wire::Method;

use super::{Oracle, Scene, Sight};
use crate::tape::Node;

/// What an exchange says that does not judge credentials, because too many were wrong.
const NOT_JUDGED: u16 = 503;

pub(super) struct Lockout;

impl Oracle for Lockout {
    fn name(&self) -> &'static str {
        "lockout"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Passed { exchange, to: Node::Phone(phone), message } = *sight else { return Ok(()) };
        let refused = message.of == Method::Register && message.status() == Some(NOT_JUDGED);
        let setup = &scene.phones[phone].setup;
        // What a middlebox changed are wrong credentials of the phone itself.
        if refused && setup.right_password && !scene.harms.any() {
            let exchange = scene.exchanges[exchange].name();
            return Err(format!("{exchange} does not let {} register, which knows its password", setup.name));
        }
        Ok(())
    }
}
