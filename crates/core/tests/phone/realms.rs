//! Which realms get credentials, and with which algorithm (RFC 3261 §22.2–22.3, RFC 8760).

use offhook::{
    AccountEffect, CallEffect, CallEvent, Cause, Config, Credentials, Dial, Direction, Effect, EffectResult,
    Event, Input, Password, SessionId, Status, TransferState,
};
use offhook_testkit::peer::{in_call, registrar, response};
use offhook_testkit::{ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::digest::{Algorithm, Credentials as Digest};
use offhook_wire::{Builder, HeaderName, Message};

pub(crate) fn settings(realms: &[&str]) -> Config {
    let mut config = config("alice", "ws://pbx.test");
    config.accounts[0].password = Some(Password::plain("secret"));
    config.accounts[0].realms = realms.iter().map(|realm| (*realm).to_owned()).collect();
    config
}

pub(crate) fn row(realm: &str, algorithm: &str, nonce: &str) -> String {
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"")
}

/// Challenges a request with these rows.
pub(crate) fn challenge(alice: &mut TestPhone, request: &Message, code: u16, rows: &[String]) {
    let name = if code == 407 { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), Some(b"bob"));
    for row in rows {
        b.header(name, row);
    }
    alice.receive_bytes(b.finish());
}

/// The realm and nonce count of the credentials in a request: of `Authorization`, then of `Proxy-Authorization`.
fn credentials(request: &Message) -> Vec<(String, u32)> {
    [HeaderName::Authorization, HeaderName::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| request.rows(name))
        .map(|value| {
            let digest = Digest::parse(value).expect("credentials");
            let realm = String::from_utf8(digest.realm.value().into_owned()).expect("ASCII");
            (realm, digest.nc.expect("a count"))
        })
        .collect()
}

fn no_digest(alice: &TestPhone) {
    for data in &alice.sent {
        let text = String::from_utf8_lossy(data);
        assert!(!text.contains("uthorization:"), "{text}");
    }
}

pub(crate) fn dial(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    (id, alice.next_request("INVITE"))
}

/// A peer in a call that challenges with a realm of its own gets no digest, whatever the request is.
#[test]
fn a_peer_with_a_foreign_realm_gets_no_digest() {
    let foreign = [row("evil.example", "MD5", "n")];
    let mut alice = TestPhone::new(settings(&["example.com"]), 1);
    let (id, peer) = in_call(&mut alice);
    // A re-INVITE.
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let hold = alice.next_request("INVITE");
    challenge(&mut alice, &hold, 401, &foreign);
    no_digest(&alice);
    alice.next_request("ACK");
    let failed = CallEvent::HoldFailed { hold: true, code: Some(401) };
    assert!(alice.events.contains(&Event::Call { session: id, event: failed }));
    // A REFER.
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    let refer = alice.next_request("REFER");
    challenge(&mut alice, &refer, 407, &foreign);
    let failed = CallEvent::Transfer(TransferState::Failed { code: Some(407) });
    assert!(alice.events.contains(&Event::Call { session: id, event: failed }));
    // An INFO.
    alice.phone.info(alice.now, id, 7, None, "text/plain", "x").expect("established");
    alice.pump();
    let info = alice.next_request("INFO");
    challenge(&mut alice, &info, 401, &foreign);
    let failed = CallEvent::InfoOutcome { info: 7, code: Some(401) };
    assert!(alice.events.contains(&Event::Call { session: id, event: failed }));
    // A NOTIFY.
    alice.receive(&peer.request("REFER", 9, "Refer-To: <sip:carol@example.com>\n", ""));
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    challenge(&mut alice, &notify, 401, &foreign);
    no_digest(&alice);
    alice.sent.clear();
    // The BYE.
    alice.phone.hang_up(alice.now, id).expect("established");
    alice.pump();
    let bye = alice.next_request("BYE");
    challenge(&mut alice, &bye, 401, &foreign);
    assert!(alice.sent.is_empty());
    assert_eq!(alice.ended(id).cause, Cause::HungUp);
    let marks =
        alice.phone.trace().filter(|record| record.to_string().contains("a realm that is not the account's"));
    assert!(marks.count() > 0, "the decision is in the trace");
}

#[test]
fn an_invite_that_a_foreign_realm_challenges_fails() {
    let mut alice = TestPhone::new(settings(&["example.com"]), 1);
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("evil.example", "SHA-256", "n")]);
    alice.next_request("ACK");
    assert!(alice.sent.is_empty());
    let why = alice.ended(id);
    assert_eq!((why.cause, why.code), (Cause::Unauthorized, Some(407)));
}

/// An account that does not register has to name its realm.
#[test]
fn an_account_without_a_realm_sends_no_credentials() {
    let mut alice = TestPhone::new(settings(&[]), 1);
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 401, &[row("example.com", "MD5", "n")]);
    alice.next_request("ACK");
    assert!(alice.sent.is_empty());
    assert_eq!(alice.ended(id).cause, Cause::Unauthorized);
}

/// RFC 3261 §22.3: two proxies challenge in one response, then the callee challenges. Later requests of the Call-ID have credentials for
/// all of them, with the next counts, and are not challenged again (§22.2).
#[test]
fn requests_of_a_call_id_carry_credentials_of_all_its_realms() {
    let mut alice = TestPhone::new(settings(&["one", "two", "bob"]), 1);
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("one", "MD5", "a"), row("two", "SHA-256", "b")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    let counted = |counts: &[(&str, u32)]| -> Vec<(String, u32)> {
        counts.iter().map(|(realm, count)| ((*realm).to_owned(), *count)).collect()
    };
    assert_eq!(credentials(&again), counted(&[("one", 1), ("two", 1)]));
    challenge(&mut alice, &again, 401, &[row("bob", "MD5", "c")]);
    alice.next_request("ACK");
    let last = alice.next_request("INVITE");
    assert_eq!(credentials(&last), counted(&[("bob", 1), ("one", 2), ("two", 2)]));
    assert_eq!(last.cseq().expect("read").number, 3);
    alice.receive_bytes(response(&last, 200, "bob", Some(&sdp(Direction::SendRecv))));
    let ack = alice.next_request("ACK");
    assert_eq!(credentials(&ack), credentials(&last), "§13.2.2.4");
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let hold = alice.next_request("INVITE");
    assert_eq!(credentials(&hold), counted(&[("bob", 2), ("one", 3), ("two", 3)]));
    alice.receive_bytes(response(&hold, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    assert_eq!(credentials(&alice.next_request("ACK")), credentials(&hold));
    alice.phone.hang_up(alice.now, id).expect("established");
    alice.pump();
    let bye = alice.next_request("BYE");
    assert_eq!(credentials(&bye), counted(&[("bob", 3), ("one", 4), ("two", 4)]));
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::HungUp);
    let (_, invite) = dial(&mut alice);
    assert_eq!(credentials(&invite), [], "another Call-ID");
}

/// The phone learns the realm and the algorithm of its registrar; a weaker one is not answered (RFC 8760 §3).
#[test]
fn a_downgrade_is_refused() {
    let mut config = settings(&[]);
    config.accounts[0].register = true;
    let mut alice = TestPhone::new(config, 1);
    for _ in 0..2 {
        let register = alice.next_request("REGISTER");
        alice.receive_bytes(registrar(&register, Some(&row("pbx", "SHA-256", "r"))));
    }
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("pbx", "MD5", "n")]);
    alice.next_request("ACK");
    no_digest(&alice);
    assert_eq!(alice.ended(id).cause, Cause::Unauthorized);
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("pbx", "MD5", "n"), row("pbx", "SHA-512-256", "m")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    let sent =
        Digest::parse(again.header(HeaderName::ProxyAuthorization).expect("credentials")).expect("read");
    assert_eq!(sent.algorithm, Algorithm::Sha512_256);
}

/// A call waits for the credentials that the user types.
#[test]
fn an_invite_waits_for_late_credentials() {
    for given in [true, false] {
        let mut settings = settings(&["example.com"]);
        settings.accounts[0].password = None;
        settings.accounts[0].ask_credentials = true;
        let mut alice = TestPhone::new(settings, 1);
        let (id, invite) = dial(&mut alice);
        challenge(&mut alice, &invite, 407, &[row("example.com", "MD5", "n")]);
        alice.next_request("ACK");
        assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Establishing)));
        let (effect, realm) = asked(&mut alice);
        assert_eq!(realm, "example.com");
        assert!(alice.phone.checkpoint().is_none());
        let credentials = given.then(|| Credentials::new(Password::plain("secret")));
        alice.give(Input::Done { effect, result: EffectResult::Credentials(credentials) });
        if given {
            let again = alice.next_request("INVITE");
            assert_eq!(self::credentials(&again), [("example.com".to_owned(), 1)]);
        } else {
            assert_eq!(alice.ended(id).cause, Cause::Unauthorized);
        }
    }
}

/// A user who hangs up instead ends the call immediately: there is no INVITE to cancel.
#[test]
fn a_call_that_waits_for_credentials_can_be_hung_up() {
    let mut settings = settings(&["example.com"]);
    settings.accounts[0].password = None;
    settings.accounts[0].ask_credentials = true;
    let mut alice = TestPhone::new(settings, 1);
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("example.com", "MD5", "n")]);
    alice.next_request("ACK");
    let (effect, _) = asked(&mut alice);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Cancelled));
    let credentials = Some(Credentials::new(Password::plain("secret")));
    alice.give(Input::Done { effect, result: EffectResult::Credentials(credentials) });
    assert!(alice.sent.is_empty(), "nothing waits for them");
}

/// A REGISTER waits for them too, without counting a failure.
#[test]
fn a_registration_waits_for_late_credentials() {
    let mut settings = settings(&[]);
    settings.accounts[0].register = true;
    settings.accounts[0].password = None;
    settings.accounts[0].ask_credentials = true;
    let mut alice = TestPhone::new(settings, 1);
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(registrar(&register, Some(&row("pbx", "MD5", "r"))));
    assert!(alice.sent.is_empty());
    let (effect, realm) = asked(&mut alice);
    assert_eq!(realm, "pbx");
    let credentials = Some(Credentials::new(Password::plain("secret")));
    alice.give(Input::Done { effect, result: EffectResult::Credentials(credentials) });
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(registrar(&register, Some(&row("pbx", "MD5", "r"))));
    let text = format!("{:?}", alice.events);
    assert!(text.contains("Registered") && !text.contains("Failed") && !text.contains("Waiting"), "{text}");
}

fn asked(alice: &mut TestPhone) -> (offhook::EffectId, String) {
    let mut asked = alice.effects.drain(..).filter_map(|(id, effect)| match effect {
        Effect::Account { effect: AccountEffect::Credentials { realm }, .. } => Some((id, realm)),
        Effect::Call { effect: CallEffect::Release, .. } => None,
        other => panic!("{other:?}"),
    });
    let question = asked.next().expect("the host is asked");
    assert_eq!(asked.next(), None, "once");
    question
}

/// A ring is replayed from a checkpoint with the same credentials.
#[test]
fn a_checkpoint_has_the_realms() {
    let mut config = settings(&[]);
    config.accounts[0].register = true;
    let mut alice = TestPhone::new(config.clone(), 1);
    for _ in 0..2 {
        let register = alice.next_request("REGISTER");
        alice.receive_bytes(registrar(&register, Some(&row("pbx", "SHA-256", "r"))));
    }
    alice.pass(std::time::Duration::from_secs(60));
    let checkpoint = alice.phone.checkpoint().expect("idle");
    let realm = &checkpoint.accounts[0].realms[0];
    assert_eq!((realm.realm.as_str(), realm.proxy, realm.registers), ("pbx", false, true));
    assert_eq!(realm.algorithm, Some(Algorithm::Sha256));
    let again = offhook::Phone::from_checkpoint(config, [1; 32], &checkpoint).expect("of this phone");
    assert_eq!(format!("{:?}", again.checkpoint()), format!("{:?}", Some(&checkpoint)));
    // A challenge of another realm would be answered as one of this realm.
    let mut forged = checkpoint;
    forged.accounts[0].realms[0].realm = "other".to_owned();
    assert!(offhook::Phone::from_checkpoint(settings(&[]), [1; 32], &forged).is_err());
}

/// RFC 4028 §7.3: the application's Session-Expires is raised to the Min-SE, once.
#[test]
fn a_422_is_answered_with_its_min_se_once() {
    let mut alice = TestPhone::new(settings(&[]), 1);
    let dial = Dial::to("bob").with_header("Session-Expires", "90;refresher=uac");
    let id = alice.phone.dial(alice.now, dial).expect("a call");
    alice.pump();
    let refuse = |alice: &mut TestPhone, invite: &Message, least: &str| {
        let mut b = Builder::reply(invite, 422, "Session Interval Too Small", Some(b"bob"));
        b.header(HeaderName::MinSe, least);
        alice.receive_bytes(b.finish());
        alice.next_request("ACK");
    };
    let invite = alice.next_request("INVITE");
    refuse(&mut alice, &invite, "1800");
    let again = alice.next_request("INVITE");
    assert_eq!(again.header(HeaderName::SessionExpires), Some(&b"1800;refresher=uac"[..]));
    assert_eq!(again.header(HeaderName::MinSe), Some(&b"1800"[..]));
    assert_eq!(again.cseq().expect("read").number, 2);
    refuse(&mut alice, &again, "3600");
    assert!(alice.sent.is_empty());
    assert_eq!(alice.ended(id).code, Some(422));
}

#[test]
fn a_503_moves_the_registration_to_the_next_server() {
    let mut settings = settings(&[]);
    settings.accounts[0].register = true;
    let second = offhook::Server::new("ws://second.test".parse().expect("a hop"));
    settings.accounts[0].servers.push(second);
    let mut alice = TestPhone::new(settings, 1);
    for attempt in 0..2 {
        let register = alice.next_request("REGISTER");
        let before = alice.connection;
        let mut b = Builder::reply(&register, 503, "Service Unavailable", Some(b"pbx"));
        b.header(HeaderName::RetryAfter, b"120");
        alice.receive_bytes(b.finish());
        if attempt == 0 {
            assert_ne!(alice.connection, before, "another connection");
            alice.connect();
        }
    }
    // Once round the list: then Retry-After is respected.
    assert!(alice.sent.is_empty());
    alice.pass(std::time::Duration::from_secs(119));
    assert!(alice.sent.is_empty());
    alice.pass(std::time::Duration::from_secs(30));
    alice.next_request("REGISTER");
}

#[test]
fn an_unregistration_forgets_which_servers_refused() {
    let mut settings = settings(&[]);
    settings.accounts[0].register = true;
    settings.accounts[0].servers.push(offhook::Server::new("ws://second.test".parse().expect("a hop")));
    let mut alice = TestPhone::new(settings, 1);
    let register = alice.next_request("REGISTER");
    alice.receive_bytes(response(&register, 503, "pbx", None));
    alice.phone.unregister(alice.now, offhook::AccountId(0)).expect("known");
    alice.pump();
    alice.connect();
    alice.phone.register(alice.now, offhook::AccountId(0)).expect("known");
    alice.pump();
    let register = alice.next_request("REGISTER");
    let before = alice.connection;
    alice.receive_bytes(response(&register, 503, "pbx", None));
    assert_ne!(alice.connection, before, "each attempt goes round the list once");
}

/// The credentials of a peer in a dialog are those of the call, not of the peer: `ScriptedPeer` sees them only in its own call.
#[test]
fn an_incoming_call_answers_a_named_realm() {
    let mut alice = TestPhone::new(settings(&["example.com"]), 1);
    let (id, ringing) = offhook_testkit::peer::incoming_call(&mut alice);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.answer(alice.now, id).expect("ringing");
    alice.pump();
    alice.next_response(200);
    alice.receive(&peer.request("ACK", 1, "", ""));
    alice.phone.hang_up(alice.now, id).expect("established");
    alice.pump();
    let bye = alice.next_request("BYE");
    challenge(&mut alice, &bye, 407, &[row("example.com", "MD5", "n")]);
    let again = alice.next_request("BYE");
    assert_eq!(credentials(&again), [("example.com".to_owned(), 1)]);
}
