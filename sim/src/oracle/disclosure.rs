//! An exchange forwards neither credentials for its own realm (RFC 3261 §22.3) nor an identity asserted by a phone (RFC 3325 §5).

use offhook_wire::HeaderName;

use super::reading::Reading;
use super::{Observation, Oracle, WorldView};
use crate::node::DOMAIN;

pub(super) struct Disclosure;

impl Oracle for Disclosure {
    fn name(&self) -> &'static str {
        "disclosure"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let Observation::ExchangeSent { exchange, message, .. } = *observation else { return Ok(()) };
        if view.corrupted_calls.of_call(message.dialog.call) {
            return Ok(());
        }
        let name = view.exchanges[exchange].name();
        for identity in [HeaderName::PAssertedIdentity, HeaderName::RemotePartyId] {
            if message.rows(identity).next().is_some() {
                return Err(format!("{name} forwards {identity}"));
            }
        }
        if let Some(row) = credentials(message) {
            return Err(format!("{name} forwards credentials: {}", String::from_utf8_lossy(row)));
        }
        Ok(())
    }
}

/// A header row with credentials for the realm of the exchange, in any syntax.
fn credentials<'m>(message: &'m Reading<'_>) -> Option<&'m [u8]> {
    let rows = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let realm = format!("\"{DOMAIN}\"");
    let is_own = |row: &&[u8]| row.windows(realm.len()).any(|part| part == realm.as_bytes());
    rows.into_iter().flat_map(|name| message.rows(name)).find(is_own)
}
