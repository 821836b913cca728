//! Accounts that are added, replaced and removed while the phone runs.

use bytes::Bytes;
use offhook::{
    Account, AccountEvent, AccountId, CallEvent, Cause, Config, ConnectionFailure, ConnectionState, Dial,
    Event, Input, Instant, Misuse, Phone, RegistrationState, Status,
};
use offhook_testkit::peer::response;
use offhook_testkit::{TestPhone, config};
use offhook_wire::{Builder, HeaderName, Limits, Message};
use std::time::Duration;

const FIRST: AccountId = AccountId(0);
const SECOND: AccountId = AccountId(1);

fn account(user: &str, server: &str) -> Account {
    Account::new(format!("sip:{user}@example.com"), None, server).expect("a hop")
}

/// A phone whose only account registers, and is registered.
fn registered() -> TestPhone {
    let mut alice = TestPhone::new(Config::new(account("alice", "ws://pbx.test")), 1);
    accept_register(&mut alice);
    alice
}

/// Answers a REGISTER with the lifetime that it requests, which is returned.
fn accept_register(alice: &mut TestPhone) -> u32 {
    let register = alice.next_request("REGISTER");
    let expires = register.expires().expect("read").expect("given");
    alice.receive_bytes(granted(&register));
    expires
}

fn granted(register: &Message) -> Bytes {
    let mut b = Builder::reply(register, 200, "OK", Some(b"pbx"));
    b.header(HeaderName::Contact, register.header(HeaderName::Contact).expect("given"));
    b.finish()
}

fn account_events(alice: &TestPhone, id: AccountId) -> Vec<&AccountEvent> {
    let of = |event| Event::of_account(event).filter(|(account, _)| *account == id);
    alice.events.iter().filter_map(of).map(|(_, event)| event).collect()
}

fn registrations(alice: &TestPhone, id: AccountId) -> Vec<RegistrationState> {
    let state = |event: &AccountEvent| match event {
        AccountEvent::Registration(state) => Some(*state),
        _ => None,
    };
    account_events(alice, id).into_iter().filter_map(state).collect()
}

#[test]
fn an_added_account_registers_and_makes_calls() {
    let mut alice = registered();
    let now = alice.now;
    let id =
        alice.phone.add_account(now, account("office", "ws://other.test")).expect("an identifier is free");
    assert_eq!(id, SECOND);
    alice.pump();
    alice.connect();
    assert_eq!(alice.open.values().copied().collect::<Vec<_>>(), [FIRST, SECOND]);
    let register = alice.next_request("REGISTER");
    assert_eq!(register.from().expect("read").uri, b"sip:office@example.com");
    alice.receive_bytes(granted(&register));
    assert!(matches!(registrations(&alice, SECOND).last(), Some(RegistrationState::Registered { .. })));
    let call = alice.phone.dial(alice.now, Dial::to("bob").with_account(SECOND)).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.from().expect("read").uri, b"sip:office@example.com");
    assert_eq!(alice.phone.status(call), Some(Status::Establishing));
}

#[test]
fn an_account_needs_the_next_identifier() {
    let mut alice = registered();
    let add = |id| offhook::AccountCommand::Add(Box::new(account(id, "ws://other.test")));
    for id in [FIRST, AccountId(2)] {
        assert_eq!(alice.phone.account(alice.now, id, add("x")), Err(Misuse::NotNextAccount(id)));
    }
    alice.pump();
    assert_eq!(alice.open.len(), 1);
}

/// RFC 3261 §10.2.2: the binding is removed; §15: the call is ended with a BYE. Only then is the connection closed.
#[test]
fn a_removed_account_ends_its_calls_and_its_binding() {
    let mut alice = registered();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    let sdp = offhook_testkit::sdp(offhook::Direction::SendRecv);
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp)));
    alice.next_request("ACK");
    alice.phone.remove_account(alice.now, FIRST).expect("it is known");
    alice.pump();
    assert_eq!(alice.phone.dial(alice.now, Dial::to("bob")), Err(Misuse::UnknownAccount(FIRST)));
    assert_eq!(alice.phone.remove_account(alice.now, FIRST), Err(Misuse::UnknownAccount(FIRST)));
    assert_eq!(accept_register(&mut alice), 0);
    assert_eq!(alice.open.len(), 1, "the BYE still needs the connection");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(call).cause, Cause::HungUp);
    assert!(alice.open.is_empty());
    assert_eq!(account_events(&alice, FIRST).last(), Some(&&AccountEvent::Removed));
    alice.pass(Duration::from_secs(3600));
    assert_eq!((alice.sent.len(), alice.phone.holdings().timers), (0, 0), "nothing is left of it");
    assert_eq!(alice.phone.next_account(), SECOND, "an identifier is never reused");
}

#[test]
fn an_account_that_retires_takes_no_call() {
    let mut removed = registered();
    removed.phone.remove_account(removed.now, FIRST).expect("it is known");
    takes_no_call(removed);
    let mut replaced = registered();
    replaced
        .phone
        .replace_account(replaced.now, FIRST, account("alice", "ws://new.test"))
        .expect("it is known");
    takes_no_call(replaced);
}

fn takes_no_call(mut alice: TestPhone) {
    alice.pump();
    alice.next_request("REGISTER");
    alice.receive(
        "INVITE sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bKi\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=b\nTo: <sip:alice@example.com>\nCall-ID: i\nCSeq: 1 INVITE\n\
         Contact: <sip:bob@b.invalid>\nContent-Length: 0\n\n",
    );
    alice.next_response(100);
    alice.next_response(480);
    assert!(alice.events.iter().all(|e| !matches!(e.of_call(), Some((_, CallEvent::Incoming(_))))));
}

/// The registrar does not answer: the account is removed when the transaction ends (timer F, RFC 3261 §17.1.2.2).
#[test]
fn a_registrar_that_does_not_answer_does_not_keep_a_removed_account() {
    let mut alice = registered();
    alice.phone.remove_account(alice.now, FIRST).expect("it is known");
    alice.pump();
    alice.pass(Duration::from_secs(32));
    assert!(account_events(&alice, FIRST).contains(&&AccountEvent::Removed));
    assert!(alice.open.is_empty());
}

#[test]
fn a_replacement_with_other_servers_moves_the_binding() {
    let mut alice = registered();
    alice.phone.replace_account(alice.now, FIRST, account("alice", "ws://new.test")).expect("it is known");
    alice.pump();
    let first = alice.connection.expect("open");
    assert_eq!(accept_register(&mut alice), 0, "the old registrar loses the binding first");
    let second = alice.connection.expect("open");
    assert_eq!(alice.open.keys().copied().collect::<Vec<_>>(), [second]);
    assert_ne!(first, second);
    let down = ConnectionState::Down(ConnectionFailure::Closed);
    let closed = AccountEvent::Connection { connection: first, state: down };
    assert!(account_events(&alice, FIRST).contains(&&closed));
    alice.connect();
    assert_eq!(accept_register(&mut alice), 600);
    assert!(matches!(registrations(&alice, FIRST).last(), Some(RegistrationState::Registered { .. })));
}

/// The flood budget is that of the account: a server must not get more REGISTERs because the account is replaced again and again.
#[test]
fn replacements_do_not_renew_the_flood_budget() {
    let mut alice = registered();
    let mut sent = 1;
    for n in 0..20 {
        let server = if n % 2 == 0 { "ws://new.test" } else { "ws://pbx.test" };
        alice.phone.replace_account(alice.now, FIRST, account("alice", server)).expect("it is known");
        alice.pump();
        for _ in 0..2 {
            while let Some(data) = alice.sent.pop_front() {
                let register = Message::parse(data, &Limits::default()).expect("valid");
                sent += 1;
                alice.receive_bytes(granted(&register));
            }
            if alice.phone.deadline().is_some() && !alice.open.is_empty() {
                alice.connect();
            }
        }
    }
    assert!(sent <= 12, "{sent} REGISTERs in one minute");
}

#[test]
fn calls_continue_after_a_replacement() {
    let mut alice = registered();
    let call = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    let sdp = offhook_testkit::sdp(offhook::Direction::SendRecv);
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp)));
    alice.next_request("ACK");
    alice.phone.replace_account(alice.now, FIRST, account("alice", "ws://new.test")).expect("it is known");
    alice.pump();
    accept_register(&mut alice);
    alice.connect();
    accept_register(&mut alice);
    assert_eq!(alice.phone.status(call), Some(Status::Established));
    alice.phone.hang_up(alice.now, call).expect("a call");
    alice.pump();
    let bye = alice.next_request("BYE");
    assert_eq!(bye.header(HeaderName::CallId), invite.header(HeaderName::CallId));
}

/// Only the address of record and the servers need another binding.
#[test]
fn a_replacement_with_the_same_servers_keeps_the_binding() {
    let mut alice = registered();
    let mut renamed = account("alice", "ws://pbx.test");
    renamed.display_name = Some("Alice".to_owned());
    alice.phone.replace_account(alice.now, FIRST, renamed).expect("it is known");
    alice.pump();
    assert!(alice.sent.is_empty());
    alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.from().expect("read").display_name().as_deref(), Some("Alice"));
    let mut silent = account("alice", "ws://pbx.test");
    silent.register = false;
    alice.phone.replace_account(alice.now, FIRST, silent).expect("it is known");
    alice.pump();
    assert_eq!(accept_register(&mut alice), 0);
    assert_eq!(registrations(&alice, FIRST).last(), Some(&RegistrationState::Unregistered));
}

#[test]
fn the_last_of_several_replacements_counts() {
    let mut alice = registered();
    for server in ["ws://second.test", "ws://third.test"] {
        alice.phone.replace_account(alice.now, FIRST, account("alice", server)).expect("it is known");
        alice.pump();
    }
    alice.phone.unregister(alice.now, FIRST).expect("it is known");
    alice.pump();
    assert_eq!(accept_register(&mut alice), 0);
    alice.connect();
    assert!(alice.sent.is_empty(), "it was told not to register");
    assert_eq!(alice.open.len(), 1);
}

#[test]
fn a_phone_continues_from_a_checkpoint_with_other_accounts() {
    let start = config("alice", "ws://pbx.test");
    let mut alice = TestPhone::new(start.clone(), 1);
    alice.phone.add_account(alice.now, account("office", "ws://office.test")).expect("free");
    alice.pump();
    alice.connect();
    accept_register(&mut alice);
    alice.phone.remove_account(alice.now, FIRST).expect("known");
    alice.phone.add_account(alice.now, account("home", "ws://home.test")).expect("free");
    alice.pump();
    alice.connect();
    accept_register(&mut alice);
    alice.pass(Duration::from_secs(40));
    let checkpoint = alice.phone.checkpoint().expect("it is idle");
    let ids: Vec<AccountId> = checkpoint.accounts.iter().map(|account| account.id).collect();
    assert_eq!(ids, [SECOND, AccountId(2)]);
    let mut twin = Phone::from_checkpoint(start, [1; 32], &checkpoint).expect("of this phone");
    let mut now = alice.now;
    for _ in 0..20 {
        let deadline = twin.deadline().expect("a refresh is due");
        assert_eq!(Some(deadline), alice.phone.deadline());
        now = now.max(deadline.at);
        assert_eq!(outputs(&mut twin, now), outputs(&mut alice.phone, now));
    }
}

fn outputs(phone: &mut Phone, now: Instant) -> Vec<String> {
    phone.handle(now, Input::Wake).expect("no command");
    let text = |output| match output {
        offhook::Output::Transmit { data, .. } => String::from_utf8(data.to_vec()).expect("text"),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| phone.poll()).map(text).collect()
}

#[test]
fn a_removed_account_needs_no_connection() {
    let mut alice = TestPhone::unconnected(Config::new(account("alice", "ws://pbx.test")), 1);
    alice.phone.remove_account(alice.now, FIRST).expect("it is known");
    alice.pump();
    assert!(alice.open.is_empty());
    assert_eq!(account_events(&alice, FIRST).last(), Some(&&AccountEvent::Removed));
    assert_eq!(alice.phone.holdings().timers, 0);
}

/// The limit of the last REGISTER passes in the same input as a command that is refused.
#[test]
fn a_refused_command_does_not_delay_a_removal() {
    let mut alice = registered();
    alice.phone.remove_account(alice.now, FIRST).expect("it is known");
    alice.pump();
    alice.next_request("REGISTER");
    alice.now += Duration::from_secs(32);
    assert_eq!(alice.phone.dial(alice.now, Dial::to("bob")), Err(Misuse::UnknownAccount(FIRST)));
    alice.pump();
    assert_eq!(account_events(&alice, FIRST).last(), Some(&&AccountEvent::Removed));
    assert!(alice.open.is_empty());
}
