//! A phone that registers, and a minimal registrar.

use offhook::{Account, AccountEvent, Config, Event, Password, Phone, RegistrationState};
use offhook_testkit::{TestPhone, peer};
use std::error::Error;

const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"9d0f3c4b2a\", algorithm=SHA-256, qop=\"auth\", opaque=\"5ccc069c\"";

/// A connected and registered phone. With `challenged`, the registrar challenges the first REGISTER and accepts any credentials.
///
/// # Errors
/// When it is not registered at the end.
pub fn registered_phone(challenged: bool) -> Result<Phone, Box<dyn Error>> {
    let password = challenged.then(|| Password::Plain("secret".into()));
    let account = Account::new("sip:alice@example.com", password, "ws://pbx.example.com")?;
    let mut test = TestPhone::new(Config::new(account), 7);
    while !test.sent.is_empty() {
        let register = test.next_request("REGISTER");
        test.receive_bytes(peer::registrar(&register, challenged.then_some(CHALLENGE)));
    }
    let registered = |event: &Event| {
        matches!(
            event,
            Event::Account { event: AccountEvent::Registration(RegistrationState::Registered { .. }), .. }
        )
    };
    if test.events.iter().any(registered) { Ok(test.phone) } else { Err("the phone did not register".into()) }
}
