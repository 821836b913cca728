//! INFO of the application (RFC 6086).

use offhook::{CallEvent, Config, Direction, Event, Misuse, SessionId};
use offhook_testkit::peer::{in_call, invite, response};
use offhook_testkit::{ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{Builder, HeaderName, Message};
use std::time::Duration;

fn settings(packages: &[&str]) -> Config {
    let mut config = config("alice", "ws://pbx.test");
    config.info_packages = packages.iter().map(|package| (*package).to_owned()).collect();
    config
}

/// A call whose peer states these packages in its 2xx.
fn call(packages: &str) -> (TestPhone, SessionId, ScriptedPeer) {
    let mut alice = TestPhone::new(settings(&["foo"]), 1);
    let id = alice.phone.dial(alice.now, offhook::Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.header(HeaderName::RecvInfo), Some(&b"foo"[..]));
    let mut b = Builder::reply(&invite, 200, "OK", Some(b"bob"));
    b.header(HeaderName::Contact, b"<sip:bob@peer.invalid;transport=ws>");
    b.header(HeaderName::RecvInfo, packages);
    alice.receive_bytes(b.body("application/sdp", &sdp(Direction::SendRecv)));
    let peer = ScriptedPeer::of_request(&alice.next_request("ACK"));
    (alice, id, peer)
}

fn outcomes(alice: &TestPhone) -> Vec<(u32, Option<u16>)> {
    let outcome = |event: &Event| match event {
        Event::Call { event: CallEvent::InfoOutcome { info, code }, .. } => Some((*info, *code)),
        _ => None,
    };
    alice.events.iter().filter_map(outcome).collect()
}

fn send(alice: &mut TestPhone, id: SessionId, info: u32, package: Option<&str>) -> Message {
    alice.phone.info(alice.now, id, info, package, "text/plain", "x").expect("established");
    alice.pump();
    alice.next_request("INFO")
}

#[test]
fn an_info_has_a_package_that_the_peer_supports() {
    let (mut alice, id, peer) = call("bar;x=y, Baz");
    let info = send(&mut alice, id, 1, Some("baz"));
    assert_eq!(info.header(HeaderName::InfoPackage), Some(&b"baz"[..]));
    assert_eq!(info.header(HeaderName::ContentDisposition), Some(&b"Info-Package"[..]));
    assert_eq!((info.content_type(), info.body_bytes()), (Some(&b"text/plain"[..]), &b"x"[..]));
    alice.receive_bytes(response(&info, 200, "bob", None));
    let info = send(&mut alice, id, 2, None);
    assert_eq!(info.header(HeaderName::InfoPackage), None, "legacy usage");
    alice.receive_bytes(response(&info, 469, "bob", None));
    assert_eq!(outcomes(&alice), [(1, Some(200)), (2, Some(469))]);
    let refused = alice.phone.info(alice.now, id, 3, Some("foo"), "text/plain", "x");
    assert_eq!(refused, Err(Misuse::PackageNotSupported), "ours, not the peer's");
    // The peer changes what it supports.
    let reinvite = peer.request("INVITE", 5, "Recv-Info: foo\n", "");
    alice.receive(&reinvite);
    alice.sent.clear();
    assert_eq!(alice.phone.info(alice.now, id, 4, Some("foo"), "text/plain", "x"), Ok(()));
    let refused = alice.phone.info(alice.now, id, 5, Some("bar"), "text/plain", "x");
    assert_eq!(refused, Err(Misuse::PackageNotSupported));
}

#[test]
fn a_caller_states_its_packages_in_its_invite() {
    let mut alice = TestPhone::new(settings(&["foo"]), 1);
    let offer = invite(Some(Direction::SendRecv)).replace("Call-ID", "Recv-Info: bar\nCall-ID");
    alice.receive(&offer);
    alice.next_response(100);
    let peer = ScriptedPeer::of_response(&alice.next_response(180));
    let id = alice.incoming();
    alice.phone.answer(alice.now, id).expect("ringing");
    alice.pump();
    assert_eq!(alice.next_response(200).header(HeaderName::RecvInfo), Some(&b"foo"[..]));
    alice.receive(&peer.request("ACK", 1, "", ""));
    send(&mut alice, id, 1, Some("bar"));
}

/// Exactly one outcome for each, also at the end of the call.
#[test]
fn each_info_has_one_outcome() {
    let (mut alice, id, _) = call("bar");
    send(&mut alice, id, 1, Some("bar"));
    send(&mut alice, id, 2, None);
    alice.phone.hang_up(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(outcomes(&alice), [(1, None), (2, None)]);
    alice.pass(Duration::from_secs(100));
    assert_eq!(outcomes(&alice).len(), 2);
    let (mut alice, id, _) = call("bar");
    send(&mut alice, id, 1, Some("bar"));
    alice.lose_connection();
    assert_eq!(outcomes(&alice), [(1, None)]);
    alice.phone.info(alice.now, id, 2, None, "text/plain", "x").expect("established");
    alice.pump();
    assert_eq!(outcomes(&alice), [(1, None), (2, None)], "no connection");
}

#[test]
fn pending_infos_are_bounded() {
    let (mut alice, id, _) = call("bar");
    for number in 0..16 {
        send(&mut alice, id, number, None);
    }
    let refused = alice.phone.info(alice.now, id, 16, None, "text/plain", "x");
    assert_eq!(refused, Err(Misuse::TooManyRequests(16)));
    let long = "x".repeat(16 * 1024 + 1);
    let refused = alice.phone.info(alice.now, id, 16, None, "text/plain", long);
    assert_eq!(refused, Err(Misuse::TooLong(16 * 1024)));
}

fn info_events(alice: &TestPhone) -> Vec<(Option<String>, String)> {
    let info = |event: &Event| match event {
        Event::Call { event: CallEvent::Info { package, body, .. }, .. } => {
            Some((package.clone(), String::from_utf8_lossy(body).into_owned()))
        }
        _ => None,
    };
    alice.events.iter().filter_map(info).collect()
}

/// RFC 6086 §4.2.2: an unknown package gets 469 with Recv-Info.
#[test]
fn an_info_of_an_unknown_package_is_refused() {
    let (mut alice, _, peer) = call("bar");
    let of = |package: &str| format!("Info-Package: {package}\nContent-Type: text/plain\n");
    alice.receive(&peer.request("INFO", 2, &of("Foo;x=y"), "a"));
    alice.next_response(200);
    alice.receive(&peer.request("INFO", 3, &of("bar"), "b"));
    let refused = alice.next_response(469);
    assert_eq!(refused.header(HeaderName::RecvInfo), Some(&b"foo"[..]));
    // The same request in another transaction gets the same response.
    alice.receive(&peer.request("INFO", 3, &of("bar"), "b").replace("z9hG4bKINFO3", "z9hG4bKagain"));
    alice.next_response(469);
    alice.receive(&peer.request("INFO", 4, "Content-Type: text/plain\n", "c"));
    alice.next_response(200);
    let (package, legacy) = (Some("foo".to_owned()), None);
    assert_eq!(info_events(&alice), [(package, "a".to_owned()), (legacy, "c".to_owned())]);
}

#[test]
fn without_packages_every_info_with_one_is_refused() {
    let mut alice = TestPhone::new(settings(&[]), 1);
    let (_, peer) = in_call(&mut alice);
    alice.receive(&peer.request("INFO", 2, "Info-Package: foo\n", ""));
    assert_eq!(alice.next_response(469).header(HeaderName::RecvInfo), Some(&b""[..]));
    assert_eq!(info_events(&alice), []);
}

/// A name that is not a token is none (RFC 6086): it could not be written.
#[test]
fn names_of_packages_are_tokens() {
    let (mut alice, id, _) = call("good;x=y, a b, c\"d");
    for (name, known) in [("good", true), ("a b", false), ("c\"d", false)] {
        assert_eq!(
            alice.phone.info(alice.now, id, 1, Some(name), "text/plain", "x").is_ok(),
            known,
            "{name}"
        );
    }
}

#[test]
fn configured_names_that_are_no_tokens_are_not_stated() {
    let mut alice = TestPhone::new(settings(&["a b", "", "good", "x\r\ny"]), 1);
    let (_, peer) = in_call(&mut alice);
    for package in ["a b", "bad"] {
        alice.receive(&peer.request("INFO", 2, &format!("Info-Package: {package}\n"), ""));
        assert_eq!(alice.next_response(469).header(HeaderName::RecvInfo), Some(&b"good"[..]));
    }
}
