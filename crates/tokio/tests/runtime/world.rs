//! An exchange, phones, and waits for events with a time limit.

use offhook::{Account, AccountId, Config, EndReason, Password, RegistrationState, Status};
use offhook_media::Source;
use offhook_tokio::{
    AccountEvent, Call, CallEvent, CallUpdate, ExchangeServer, Listen, MediaUpdate, Options, Phone,
    PhoneEvent,
};
use std::time::Duration;
use tokio::time::timeout;

/// The time limit of each wait: long enough for a loaded machine.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

pub(crate) fn config() -> offhook_exchange::Config {
    offhook_exchange::Config::new("offhook.test").with_user("alice", "a-pw").with_user("bob", "b-pw")
}

pub(crate) async fn exchange() -> ExchangeServer {
    ExchangeServer::start(config(), Listen::ws("127.0.0.1:0".parse().expect("an address")))
        .await
        .expect("starts")
}

pub(crate) fn account(user: &str, server: &str) -> Account {
    let password = Password::plain(format!("{}-pw", &user[..1]));
    Account::new(format!("sip:{user}@offhook.test"), Some(password), server).expect("a server")
}

/// A configuration with short retry intervals.
pub(crate) fn fast(account: Account) -> Config {
    let mut config = Config::new(account);
    config.registration.first_wait = Duration::from_millis(50);
    config.registration.longest_wait = Duration::from_millis(200);
    config
}

/// A registered phone that plays a tone.
pub(crate) async fn phone(exchange: &ExchangeServer, user: &str, hz: f32) -> Phone {
    phone_with(exchange, user, Options::default().with_play(Source::tone(hz))).await
}

pub(crate) async fn phone_with(exchange: &ExchangeServer, user: &str, options: Options) -> Phone {
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let mut phone = Phone::start_with(fast(account(user, &server)), options).await.expect("starts");
    register_again(&mut phone).await;
    phone
}

/// Waits for an event of an account.
pub(crate) async fn account_event<T>(
    phone: &mut Phone,
    mut pick: impl FnMut(AccountId, &AccountEvent) -> Option<T>,
) -> T {
    loop {
        let event = timeout(BOUND, phone.next()).await.expect("in time").expect("runs");
        if let PhoneEvent::Account { account, event } = event
            && let Some(found) = pick(account, &event)
        {
            return found;
        }
    }
}

/// Waits for the event that the phone is registered, not only for the state.
pub(crate) async fn register_again(phone: &mut Phone) {
    account_event(phone, |_, event| match event {
        AccountEvent::Registration(RegistrationState::Registered { .. }) => Some(()),
        _ => None,
    })
    .await;
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

pub(crate) async fn until<T>(call: &mut Call, mut pick: impl FnMut(&CallUpdate) -> Option<T>) -> T {
    loop {
        let update = timeout(BOUND, call.next()).await.expect("in time").expect("lives");
        if let Some(found) = pick(&update) {
            return found;
        }
    }
}

/// Waits for an event of the call.
pub(crate) async fn event<T>(call: &mut Call, mut pick: impl FnMut(&CallEvent) -> Option<T>) -> T {
    until(call, |update| update.event().and_then(&mut pick)).await
}

pub(crate) async fn status(call: &mut Call, status: Status) {
    until(call, |update| (update.status() == Some(status)).then_some(())).await;
}

pub(crate) async fn tone(call: &mut Call) -> f32 {
    until(call, |update| match update {
        CallUpdate::Media(MediaUpdate::Tone { hz: Some(hz), .. }) => Some(*hz),
        _ => None,
    })
    .await
}

pub(crate) async fn ended(call: &mut Call) -> EndReason {
    until(call, |update| update.ended().cloned()).await
}
