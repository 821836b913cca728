//! What the tests share: an exchange, phones, and waiting for events with a bound.

use offhook::{Account, Config, Password};
use offhook_media::Source;
use offhook_tokio::{Call, CallEvent, ExchangeServer, Listen, Options, Phone, PhoneEvent};
use std::time::Duration;
use tokio::time::timeout;

/// Long enough for a loaded machine; no test waits for it to pass.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) async fn exchange() -> ExchangeServer {
    let config =
        offhook_exchange::Config::new("offhook.test").with_user("alice", "a-pw").with_user("bob", "b-pw");
    ExchangeServer::start(config, Listen::ws("127.0.0.1:0".parse().expect("an address")))
        .await
        .expect("starts")
}

pub(crate) async fn phone(exchange: &ExchangeServer, user: &str, hz: f32) -> Phone {
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let password = Password::plain(format!("{}-pw", &user[..1]));
    let account =
        Account::new(format!("sip:{user}@offhook.test"), Some(password), &server).expect("a server");
    let options = Options { play: Source::tone(hz), ..Options::default() };
    let phone = Phone::start_with(Config::new(account), options).await.expect("starts");
    timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
    phone
}

pub(crate) async fn incoming(phone: &mut Phone) -> Call {
    loop {
        if let PhoneEvent::Incoming(call) =
            timeout(BOUND, phone.next()).await.expect("in time").expect("runs")
        {
            return call;
        }
    }
}

pub(crate) async fn until<T>(call: &mut Call, mut pick: impl FnMut(&CallEvent) -> Option<T>) -> T {
    loop {
        let event = timeout(BOUND, call.next()).await.expect("in time").expect("lives");
        if let Some(found) = pick(&event) {
            return found;
        }
    }
}

pub(crate) async fn tone(call: &mut Call) -> f32 {
    until(call, |event| match event {
        CallEvent::Tone { hz: Some(hz), .. } => Some(*hz),
        _ => None,
    })
    .await
}
