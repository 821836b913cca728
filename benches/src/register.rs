//! A phone that registers, and as much of a registrar as that takes.

use bytes::Bytes;
use offhook::{
    Account, Config, Event, FlowChange, Input, Instant, Limits, Output, Password, Phone, RegistrationState,
};
use offhook_wire::{Builder, HeaderName, Message};
use std::error::Error;
use std::time::Duration;

const CHALLENGE: &str = "Digest realm=\"example.com\", nonce=\"9d0f3c4b2a\", algorithm=SHA-256, qop=\"auth\", opaque=\"5ccc069c\"";

/// A phone that connected and registered. A registrar that `asks` refuses the first REGISTER with a challenge, and
/// takes any credentials.
///
/// # Errors
/// When it is not registered in the end.
pub fn registered_phone(asks: bool) -> Result<Phone, Box<dyn Error>> {
    let mut now = Instant::from_nanos(0);
    let password = asks.then(|| Password::Plain("secret".into()));
    let account = Account::new("sip:alice@example.com", password, "ws://pbx.example.com")?;
    let mut phone = Phone::new(Config::new(account), [7; 32], now);
    let mut registered = false;
    while let Some(output) = phone.poll() {
        now += Duration::from_millis(1);
        match output {
            Output::Open { flow, .. } => {
                phone.handle(now, Input::Flow { flow, change: FlowChange::Up { local: None } })?;
            }
            Output::Transmit { flow, data } => {
                phone.handle(now, Input::Received { flow, data: answer(data, asks)? })?;
            }
            Output::Event(Event::Registration { state: RegistrationState::Registered { .. }, .. }) => {
                registered = true;
            }
            _ => {}
        }
    }
    if registered { Ok(phone) } else { Err("the phone did not register".into()) }
}

fn answer(register: Bytes, asks: bool) -> Result<Bytes, Box<dyn Error>> {
    let register = Message::parse(register, &Limits::default())?;
    if asks && register.header(HeaderName::Authorization).is_none() {
        let mut refusal = Builder::reply(&register, 401, "Unauthorized", Some(b"registrar"));
        refusal.header(HeaderName::WwwAuthenticate, CHALLENGE);
        return Ok(refusal.finish());
    }
    let contact = register.header(HeaderName::Contact).ok_or("no Contact")?;
    let mut ok = Builder::reply(&register, 200, "OK", Some(b"registrar"));
    ok.header(HeaderName::Contact, contact);
    ok.header(HeaderName::Expires, b"600");
    Ok(ok.finish())
}
