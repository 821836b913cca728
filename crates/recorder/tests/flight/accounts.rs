//! Accounts that change at run time, and credentials that arrive late.

use crate::recorded_phone::{RecordedPhone, account, with_trace};
use bytes::Bytes;
use offhook::{
    Account, AccountCommand, AccountEffect, AccountId, Command, ConnectionChange, ConnectionId, Credentials,
    Effect, EffectResult, Input, Instant, Limits, Password, Record, Request,
};
use offhook_recorder::replay::replay;
use offhook_recorder::{Entry, EntryKind, Recording};
use offhook_wire::{Builder, HeaderName, Message, Method};
use std::time::Duration;

/// Part of every secret.
const MARK: &str = "S3cr3t";

fn asking() -> Account {
    let mut account = account("x");
    (account.password, account.ask_credentials) = (None, true);
    account
}

fn of_account(phone: &mut RecordedPhone, account: AccountId, command: AccountCommand) {
    phone.command(Command::Account { account, command });
}

fn answer(phone: &mut RecordedPhone, credentials: Option<Credentials>) {
    let place = phone.effects.iter().position(|(_, effect)| {
        matches!(effect, Effect::Account { effect: AccountEffect::Credentials { .. }, .. })
    });
    let (effect, _) = phone.effects.remove(place.expect("the phone asks"));
    phone.give(Input::Done { effect, result: EffectResult::Credentials(credentials) }).expect("no command");
}

/// The registrar and proxy of all connections: challenges what has no credentials, and accepts the rest.
fn serve(phone: &mut RecordedPhone) {
    loop {
        let Some(data) = phone.sent.pop_front() else { return };
        let request = Message::parse(data, &Limits::default()).expect("ours");
        let connection = phone.connection.expect("opened");
        let answer = reply(&request);
        phone.give(Input::Received { connection, data: answer }).expect("no command");
    }
}

fn reply(request: &Message) -> Bytes {
    let known = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let mut reply = if known.iter().any(|name| request.header(*name).is_some()) {
        let mut reply = Builder::reply(request, 200, "OK", Some(b"there"));
        if let (Some(contact), Some(Method::Register)) =
            (request.header(HeaderName::Contact), request.method())
        {
            reply.header(HeaderName::Contact, contact);
        }
        reply
    } else {
        let mut reply = Builder::reply(request, 401, "Unauthorized", Some(b"there"));
        let row = format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", ik=\"{MARK}\"");
        reply.header(HeaderName::WwwAuthenticate, row);
        reply
    };
    reply.header(HeaderName::Subject, MARK);
    reply.finish()
}

fn connect(phone: &mut RecordedPhone, connection: u32) {
    let connection = ConnectionId(connection);
    let change = ConnectionChange::Up { local: None };
    phone.give(Input::Connection { connection, change }).expect("no command");
    serve(phone);
}

/// A run in which credentials arrive late, by an answer and by a command, and a message waits for them.
fn late_credentials() -> RecordedPhone {
    let mut phone = RecordedPhone::new(with_trace(10_000, asking()), 1 << 20);
    connect(&mut phone, 1);
    phone.wait(Duration::from_secs(60));
    answer(&mut phone, Some(Credentials::new(Password::plain(MARK)).with_username("alice")));
    serve(&mut phone);
    let (first, changed) = (AccountId(0), Credentials::new(Password::plain(format!("{MARK}2"))));
    of_account(&mut phone, first, AccountCommand::SetCredentials(changed));
    let request = phone.phone.next_request();
    let send = Request::message("bob", format!("the PIN is {MARK}")).with_header("Subject", MARK);
    phone.command(Command::Request { request, send });
    serve(&mut phone);
    phone
}

/// A run in which an account is added, replaced and removed.
fn changed_accounts() -> RecordedPhone {
    let mut phone = RecordedPhone::new(with_trace(10_000, account(MARK)), 1 << 20);
    connect(&mut phone, 1);
    let id = phone.phone.next_account();
    of_account(&mut phone, id, AccountCommand::Add(Box::new(asking())));
    connect(&mut phone, 2);
    answer(&mut phone, None);
    let mut other = account(&format!("{MARK}{MARK}"));
    other.aor = format!("sip:carol:{MARK}@example.com");
    other.servers[0].hop.path = format!("/ws?token={MARK}");
    of_account(&mut phone, id, AccountCommand::Replace(Box::new(other)));
    serve(&mut phone);
    let opened = phone.connection.expect("for the replacement").0;
    connect(&mut phone, opened);
    for _ in 0..40 {
        phone.wait(Duration::from_secs(10));
        serve(&mut phone);
    }
    let another = phone.phone.next_account();
    of_account(&mut phone, another, AccountCommand::Add(Box::new(account(MARK))));
    let opened = phone.connection.expect("for the third account").0;
    connect(&mut phone, opened);
    of_account(&mut phone, another, AccountCommand::Remove);
    serve(&mut phone);
    phone
}

fn expect_same(phone: RecordedPhone) -> Recording {
    let trace: Vec<Record> = phone.phone.trace().collect();
    let file = phone.finish();
    assert!(!file.contains(MARK), "{}", file.lines().find(|line| line.contains(MARK)).unwrap_or_default());
    let recording = Recording::read(file.as_bytes()).expect("readable");
    let again = replay(&recording.phones[0]).expect("from its beginning");
    assert_eq!((again.divergence, again.trace), (None, trace));
    recording
}

fn shows(phone: &RecordedPhone, what: &str) -> bool {
    phone.phone.trace().any(|record| record.to_string().contains(what))
}

#[test]
fn redacted_run_with_late_credentials_is_the_same() {
    let phone = late_credentials();
    assert!(shows(&phone, "the host is asked") && shows(&phone, "registered"), "{:?}", phone.events);
    expect_same(phone);
}

#[test]
fn redacted_run_with_changed_accounts_is_the_same() {
    let phone = changed_accounts();
    let removed = phone.events.iter().any(|event| event.to_string().contains("removed"));
    assert!(removed, "{:?}", phone.events);
    let mut recording = expect_same(phone);

    // The accounts at a checkpoint are not those of the configuration.
    let track = &mut recording.phones[0];
    let trace = replay(track).expect("from its beginning").trace;
    let last = |entry: &Entry| match &entry.kind {
        EntryKind::Checkpoint(_, at) => at.accounts.len() == 2 && at.now > Instant::ZERO,
        _ => false,
    };
    let place = track.entries.iter().rposition(last).expect("a checkpoint with two accounts");
    track.entries.drain(..place);
    track.forgotten = 1;
    let again = replay(track).expect("a checkpoint");
    assert_eq!(again.divergence, None);
    assert_eq!(again.trace, trace[trace.len() - again.trace.len()..]);
    assert!(again.trace.len() > 10, "{:?}", again.trace);
}
