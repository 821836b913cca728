//! Credentials that arrive late: a challenge that cannot be answered waits until the host has them.

use bytes::Bytes;
use offhook::{
    Account, AccountCommand, AccountEffect, AccountEvent, AccountId, Cause, Config, Credentials, Dial,
    Effect, EffectId, EffectResult, Event, Input, Password, RegistrationState, Request, RequestOutcome,
    Status,
};
use offhook_testkit::peer::response;
use offhook_testkit::{TestPhone, config};
use offhook_wire::{Builder, HeaderName, Message};
use std::time::Duration;

const ACCOUNT: AccountId = AccountId(0);

fn registering() -> TestPhone {
    let mut account = Account::new("sip:alice@example.com", None, "ws://pbx.test").expect("a hop");
    account.ask_credentials = true;
    TestPhone::new(Config::new(account), 1)
}

/// A phone that does not register, with a named realm.
fn calling() -> TestPhone {
    TestPhone::new(config_of_calling(), 1)
}

fn config_of_calling() -> Config {
    let mut config = config("alice", "ws://pbx.test");
    config.accounts[0].realms = vec!["example.com".to_owned()];
    config.accounts[0].ask_credentials = true;
    config
}

fn challenge(request: &Message, realm: &str) -> Bytes {
    let mut b = Builder::reply(request, 407, "Proxy Authentication Required", Some(b"pbx"));
    let row = format!("Digest realm=\"{realm}\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"");
    b.header(HeaderName::ProxyAuthenticate, row);
    b.finish()
}

/// The one effect that finds credentials.
fn asked(alice: &mut TestPhone) -> EffectId {
    let mut asked = Vec::new();
    alice.effects.retain(|(id, effect)| match effect {
        Effect::Account { account, effect: AccountEffect::Credentials { realm } } => {
            assert_eq!((*account, realm.as_str()), (ACCOUNT, "example.com"));
            asked.push(*id);
            false
        }
        _ => true,
    });
    assert_eq!(asked.len(), 1, "asked once");
    asked[0]
}

fn asks_nothing(alice: &TestPhone) -> bool {
    !alice.effects.iter().any(|(_, effect)| matches!(effect, Effect::Account { .. }))
}

fn found(alice: &mut TestPhone, effect: EffectId, password: Option<&str>) {
    let credentials = password.map(|password| Credentials::new(Password::plain(password)));
    alice.give(Input::Done { effect, result: EffectResult::Credentials(credentials) });
}

fn registration(alice: &TestPhone) -> RegistrationState {
    let state = |event: &Event| match event {
        Event::Account { event: AccountEvent::Registration(state), .. } => Some(*state),
        _ => None,
    };
    alice.events.iter().rev().find_map(state).expect("reported")
}

#[test]
fn a_registration_waits_for_credentials() {
    let mut alice = registering();
    let register = alice.next_request("REGISTER");
    let reported = alice.events.len();
    alice.receive_bytes(challenge(&register, "example.com"));
    assert_eq!(alice.events.len(), reported, "it is still registering");
    let effect = asked(&mut alice);
    alice.pass(Duration::from_secs(3600));
    assert!(alice.sent.is_empty(), "however long the user takes");
    assert_eq!(registration(&alice), RegistrationState::Registering { attempt: 1 });
    found(&mut alice, effect, Some("secret"));
    let register = alice.next_request("REGISTER");
    let value = register.header(HeaderName::ProxyAuthorization).expect("credentials");
    assert!(value.windows(16).any(|part| part == b"username=\"alice\""));
    let mut granted = Builder::reply(&register, 200, "OK", Some(b"pbx"));
    granted.header(HeaderName::Contact, register.header(HeaderName::Contact).expect("given"));
    alice.receive_bytes(granted.finish());
    assert!(matches!(registration(&alice), RegistrationState::Registered { .. }));
}

#[test]
fn without_credentials_the_registration_fails() {
    let mut alice = registering();
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(challenge(&register, "example.com"));
    let effect = asked(&mut alice);
    found(&mut alice, effect, None);
    assert!(
        matches!(registration(&alice), RegistrationState::Failed(why) if why.cause == Cause::Unauthorized)
    );
    assert!(asks_nothing(&alice));
}

/// RFC 3261 §22.2: wrong credentials are not sent again.
#[test]
fn wrong_credentials_fail_the_registration() {
    let mut alice = registering();
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(challenge(&register, "example.com"));
    let effect = asked(&mut alice);
    found(&mut alice, effect, Some("wrong"));
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(challenge(&register, "example.com"));
    assert!(
        matches!(registration(&alice), RegistrationState::Failed(why) if why.cause == Cause::Unauthorized)
    );
    // New credentials and another attempt.
    let right = Credentials::new(Password::plain("secret")).with_username("al");
    alice.phone.set_credentials(alice.now, ACCOUNT, right).expect("known");
    alice.phone.register(alice.now, ACCOUNT).expect("known");
    alice.pump();
    let register = alice.next_request("REGISTER");
    let register = match register.header(HeaderName::ProxyAuthorization) {
        Some(_) => register,
        None => {
            alice.receive_bytes(challenge(&register, "example.com"));
            alice.next_request("REGISTER")
        }
    };
    let value = register.header(HeaderName::ProxyAuthorization).expect("credentials");
    assert!(value.windows(13).any(|part| part == b"username=\"al\""));
}

/// The REGISTER on its way has the credentials of before; its challenge is a new question.
#[test]
fn a_registration_waits_again_if_its_credentials_are_taken_away() {
    let mut alice = registering();
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(challenge(&register, "example.com"));
    let effect = asked(&mut alice);
    found(&mut alice, effect, Some("secret"));
    let register = alice.next_request("REGISTER");
    let mut without = Account::new("sip:alice@example.com", None, "ws://pbx.test").expect("a hop");
    without.ask_credentials = true;
    alice.phone.replace_account(alice.now, ACCOUNT, without).expect("known");
    alice.pump();
    alice.receive_bytes(challenge(&register, "example.com"));
    let effect = asked(&mut alice);
    assert_eq!(registration(&alice), RegistrationState::Registering { attempt: 1 });
    found(&mut alice, effect, Some("secret"));
    assert!(alice.next_request("REGISTER").header(HeaderName::ProxyAuthorization).is_some());
}

/// All waits of a message together take as long as a call may ring.
#[test]
fn a_message_does_not_wait_again_for_the_whole_time() {
    let mut alice = calling();
    let message = alice.phone.request(alice.now, Request::message("bob", "hello")).expect("a message");
    alice.pump();
    let sent = alice.next_request("MESSAGE");
    alice.receive_bytes(challenge(&sent, "example.com"));
    let effect = asked(&mut alice);
    alice.pass(Duration::from_secs(100));
    found(&mut alice, effect, Some("secret"));
    let sent = alice.next_request("MESSAGE");
    let without = config_of_calling().accounts.remove(0);
    alice.phone.replace_account(alice.now, ACCOUNT, without).expect("known");
    alice.pump();
    alice.receive_bytes(challenge(&sent, "example.com"));
    asked(&mut alice);
    alice.pass(Duration::from_secs(19));
    assert_eq!(alice.phone.holdings().requests, 1);
    alice.pass(Duration::from_secs(2));
    let outcome = RequestOutcome::Failed { cause: Cause::Unauthorized, code: Some(407) };
    assert!(alice.events.contains(&Event::Request { request: message, outcome }));
}

#[test]
fn a_command_can_answer_instead_of_the_effect() {
    let mut alice = registering();
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(challenge(&register, "example.com"));
    let effect = asked(&mut alice);
    let command = AccountCommand::SetCredentials(Credentials::new(Password::plain("secret")));
    alice.phone.account(alice.now, ACCOUNT, command).expect("known");
    alice.pump();
    assert!(alice.next_request("REGISTER").header(HeaderName::ProxyAuthorization).is_some());
    found(&mut alice, effect, Some("another"));
    assert!(alice.sent.is_empty() && matches!(registration(&alice), RegistrationState::Registering { .. }));
}

#[test]
fn a_call_and_a_message_wait_for_one_answer() {
    let mut alice = calling();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    let message = alice.phone.request(alice.now, Request::message("bob", "hello")).expect("a message");
    alice.pump();
    let [invite, sent] = [(); 2].map(|()| alice.next_message());
    for request in [&invite, &sent] {
        alice.receive_bytes(challenge(request, "example.com"));
    }
    alice.sent.clear();
    let effect = asked(&mut alice);
    found(&mut alice, effect, Some("secret"));
    let again = [(); 2].map(|()| alice.next_message());
    for request in &again {
        assert!(request.header(HeaderName::ProxyAuthorization).is_some(), "{request:?}");
        alice.receive_bytes(response(request, 200, "bob", None));
    }
    let outcome = RequestOutcome::Accepted { code: 200 };
    assert!(alice.events.contains(&Event::Request { request: message, outcome }));
    let _ = call;
}

#[test]
fn a_call_does_not_wait_longer_than_the_no_answer_limit() {
    let mut alice = calling();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(challenge(&invite, "example.com"));
    asked(&mut alice);
    alice.pass(Duration::from_secs(119));
    assert_eq!(alice.phone.status(call), Some(Status::Establishing));
    alice.pass(Duration::from_secs(2));
    assert_eq!(alice.ended(call).cause, Cause::NoAnswer);
}

#[test]
fn a_call_that_waits_can_be_hung_up() {
    let mut alice = calling();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(challenge(&invite, "example.com"));
    alice.next_request("ACK");
    let effect = asked(&mut alice);
    alice.phone.hang_up(alice.now, call).expect("a call");
    alice.pump();
    assert_eq!(alice.ended(call).cause, Cause::Cancelled);
    found(&mut alice, effect, Some("secret"));
    assert!(alice.sent.is_empty(), "nothing is left to send");
}

/// Any peer could make the phone ask its user for a password.
#[test]
fn the_host_is_not_asked_for_a_foreign_realm() {
    let mut alice = calling();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(challenge(&invite, "evil.example"));
    assert!(asks_nothing(&alice));
    assert_eq!(alice.ended(call).cause, Cause::Unauthorized);
}

#[test]
fn no_password_is_shown_by_debug() {
    let credentials = Credentials::new(Password::plain("tell-nobody"));
    let effect = EffectId::from_u64(1);
    let texts = [
        format!("{:?}", Input::Done { effect, result: EffectResult::Credentials(Some(credentials.clone())) }),
        format!("{:?}", AccountCommand::SetCredentials(credentials)),
    ];
    assert!(texts.iter().all(|text| !text.contains("tell-nobody")), "{texts:?}");
}
