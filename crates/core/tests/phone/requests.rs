//! MESSAGE (RFC 3428) and OPTIONS (RFC 3261 §11) outside of dialogs.

use offhook::{
    AccountEffect, AccountId, CallEvent, Cause, Config, Credentials, Effect, EffectResult, Event, Input,
    Misuse, Password, Request, RequestId, RequestKind, RequestOutcome,
};
use offhook_testkit::peer::{invite, response};
use offhook_testkit::{TestPhone, config};
use offhook_wire::{Builder, HeaderName, Message, Method};
use std::time::Duration;

fn alice(server: &str) -> TestPhone {
    TestPhone::new(config("alice", server), 1)
}

fn send(alice: &mut TestPhone, request: Request) -> RequestId {
    let id = alice.phone.request(alice.now, request).expect("a request");
    alice.pump();
    id
}

/// The outcomes so far, by request.
fn outcomes(alice: &TestPhone) -> Vec<(RequestId, RequestOutcome)> {
    let outcome = |event: &Event| match event {
        Event::Request { request, outcome } => Some((*request, outcome.clone())),
        _ => None,
    };
    alice.events.iter().filter_map(outcome).collect()
}

fn failed(cause: Cause, code: Option<u16>) -> RequestOutcome {
    RequestOutcome::Failed { cause, code }
}

/// The code of the cause that an outcome names.
fn only_outcome(alice: &TestPhone, id: RequestId) -> RequestOutcome {
    let outcomes = outcomes(alice);
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!(outcomes[0].0, id);
    outcomes[0].1.clone()
}

#[test]
fn a_message_has_no_contact_and_its_2xx_is_the_outcome() {
    for code in [200, 202] {
        let mut alice = alice("ws://pbx.test");
        let id = send(&mut alice, Request::message("bob", "hällo").with_header("Subject", "greeting"));
        let message = alice.next_request("MESSAGE");
        assert_eq!(message.request_uri(), Some(&b"sip:bob@example.com"[..]));
        assert_eq!(message.header(HeaderName::Contact), None, "RFC 3428 §4");
        assert_eq!(message.header(HeaderName::Subject), Some(&b"greeting"[..]));
        assert_eq!(message.content_type(), Some(&b"text/plain;charset=utf-8"[..]));
        assert_eq!(message.body_bytes(), "hällo".as_bytes());
        assert_eq!(alice.phone.holdings().requests, 1);
        alice.receive_bytes(response(&message, 100, "bob", None));
        assert_eq!(outcomes(&alice), []);
        alice.receive_bytes(response(&message, code, "bob", None));
        assert_eq!(only_outcome(&alice, id), RequestOutcome::Accepted { code });
        assert_eq!(alice.phone.holdings().requests, 0);
        alice.receive_bytes(response(&message, code, "bob", None));
        assert_eq!(outcomes(&alice).len(), 1);
    }
}

/// RFC 3261 §11.2.
#[test]
fn the_capabilities_of_a_peer_are_reported() {
    let mut alice = alice("ws://pbx.test");
    let id = send(&mut alice, Request::options("sip:bob@other.example"));
    let options = alice.next_request("OPTIONS");
    assert_eq!(options.header(HeaderName::Accept), Some(&b"application/sdp"[..]));
    let mut b = Builder::reply(&options, 200, "OK", Some(b"bob"));
    b.header(HeaderName::Allow, b"INVITE, ACK,,BYE");
    b.header(HeaderName::Accept, b"application/sdp;level=1, text/plain");
    b.header(HeaderName::Supported, b"");
    b.header(HeaderName::RecvInfo, b"foo");
    let long = vec![b'x'; 300];
    b.header(HeaderName::RecvInfo, &long);
    b.header(HeaderName::Server, b"PBX/1 (test)");
    alice.receive_bytes(b.finish());
    let RequestOutcome::Capabilities(peer) = only_outcome(&alice, id) else { panic!("capabilities") };
    assert_eq!(peer.methods, ["INVITE", "ACK", "BYE"]);
    assert_eq!(peer.media_types, ["application/sdp;level=1", "text/plain"]);
    assert_eq!((peer.extensions.len(), peer.info_packages), (0, vec!["foo".to_owned()]));
    assert_eq!(peer.software.as_deref(), Some("PBX/1 (test)"));
}

#[test]
fn the_lists_of_a_peer_are_bounded() {
    let mut alice = alice("ws://pbx.test");
    let id = send(&mut alice, Request::options("bob"));
    let options = alice.next_request("OPTIONS");
    let mut b = Builder::reply(&options, 200, "OK", Some(b"bob"));
    b.header(HeaderName::Allow, (0..500).map(|n| format!("M{n}")).collect::<Vec<_>>().join(","));
    alice.receive_bytes(b.finish());
    let RequestOutcome::Capabilities(peer) = only_outcome(&alice, id) else { panic!("capabilities") };
    assert_eq!(peer.methods.len(), 64);
}

/// What happens to a pending request.
type Trouble<'a> = &'a dyn Fn(&mut TestPhone);

#[test]
fn each_failure_has_one_outcome() {
    let refused = |alice: &mut TestPhone| {
        let message = alice.next_request("MESSAGE");
        alice.receive_bytes(response(&message, 404, "bob", None));
    };
    let timed_out_at_a_proxy = |alice: &mut TestPhone| {
        let message = alice.next_request("MESSAGE");
        alice.receive_bytes(response(&message, 408, "pbx", None));
    };
    let lost = |alice: &mut TestPhone| alice.lose_connection();
    let timed_out = |alice: &mut TestPhone| alice.pass(Duration::from_secs(40));
    let removed = |alice: &mut TestPhone| {
        alice.phone.remove_account(alice.now, AccountId(0)).expect("an account");
        alice.pump();
    };
    let redirected = |alice: &mut TestPhone| {
        let message = alice.next_request("MESSAGE");
        let mut b = Builder::reply(&message, 302, "Moved Temporarily", Some(b"bob"));
        b.header(HeaderName::Contact, b"<sip:bob@elsewhere.example>");
        alice.receive_bytes(b.finish());
    };
    let challenged = |alice: &mut TestPhone| {
        let message = alice.next_request("MESSAGE");
        let mut b = Builder::reply(&message, 401, "Unauthorized", Some(b"bob"));
        b.header(HeaderName::WwwAuthenticate, b"Digest realm=\"x\", nonce=\"n\"");
        alice.receive_bytes(b.finish());
    };
    let cases: [(Trouble<'_>, RequestOutcome); 7] = [
        (&refused, failed(Cause::NotFound, Some(404))),
        (&timed_out_at_a_proxy, failed(Cause::TimedOut, Some(408))),
        (&lost, failed(Cause::NotConnected, None)),
        (&timed_out, failed(Cause::TimedOut, Some(408))),
        (&removed, failed(Cause::NotConnected, None)),
        (&redirected, failed(Cause::Redirected, Some(302))),
        (&challenged, failed(Cause::Unauthorized, Some(401))),
    ];
    for (happens, outcome) in cases {
        let mut alice = alice("ws://pbx.test");
        let id = send(&mut alice, Request::message("bob", "x"));
        happens(&mut alice);
        assert_eq!(only_outcome(&alice, id), outcome);
        assert_eq!(alice.phone.holdings().requests, 0);
        alice.pass(Duration::from_secs(100));
        assert_eq!(outcomes(&alice).len(), 1);
    }
    let mut alice = TestPhone::unconnected(config("alice", "ws://pbx.test"), 1);
    let id = send(&mut alice, Request::options("bob"));
    assert_eq!(only_outcome(&alice, id), failed(Cause::NotConnected, None), "no connection");
}

/// RFC 3428 §8.
#[test]
fn a_message_over_udp_has_at_most_1300_bytes() {
    for (server, fits) in [("udp://pbx.test", false), ("ws://pbx.test", true)] {
        let mut alice = alice(server);
        let id = send(&mut alice, Request::message("bob", "x".repeat(1200)));
        if fits {
            alice.next_request("MESSAGE");
        } else {
            assert_eq!(only_outcome(&alice, id), failed(Cause::OtherFailure, Some(513)));
        }
    }
    let mut alice = alice("udp://pbx.test");
    send(&mut alice, Request::message("bob", "x".repeat(700)));
    assert!(alice.sent[0].len() <= 1300);
    alice.next_request("MESSAGE");
}

/// RFC 3428 §8.
#[test]
fn one_message_at_a_time_is_sent_to_an_address() {
    let mut alice = alice("ws://pbx.test");
    let now = alice.now;
    let first = send(&mut alice, Request::message("bob", "x"));
    let message = alice.next_request("MESSAGE");
    for to in ["bob", "sip:bob@example.com"] {
        assert_eq!(alice.phone.request(now, Request::message(to, "y")), Err(Misuse::MessagePending));
    }
    send(&mut alice, Request::options("bob"));
    alice.next_request("OPTIONS");
    send(&mut alice, Request::message("carol", "x"));
    alice.next_request("MESSAGE");
    alice.receive_bytes(response(&message, 200, "bob", None));
    assert_eq!(only_outcome(&alice, first), RequestOutcome::Accepted { code: 200 });
    send(&mut alice, Request::message("bob", "y"));
    alice.next_request("MESSAGE");
}

#[test]
fn a_redirected_and_challenged_message_is_sent_again() {
    let mut config = config("alice", "ws://pbx.test");
    config.accounts[0].password = Some(Password::plain("secret"));
    config.accounts[0].realms = vec!["example.com".to_owned()];
    let mut alice = TestPhone::new(config, 1);
    let id = send(&mut alice, Request::message("bob", "x"));
    let first = alice.next_request("MESSAGE");
    let mut b = Builder::reply(&first, 302, "Moved Temporarily", Some(b"bob"));
    b.header(HeaderName::Contact, b"<sip:office@example.com>");
    alice.receive_bytes(b.finish());
    let second = alice.next_request("MESSAGE");
    assert_eq!(second.request_uri(), Some(&b"sip:office@example.com"[..]));
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(second.header(name), first.header(name));
    }
    let mut b = Builder::reply(&second, 407, "Proxy Authentication Required", Some(b"pbx"));
    b.header(HeaderName::ProxyAuthenticate, b"Digest realm=\"example.com\", nonce=\"n\", qop=\"auth\"");
    alice.receive_bytes(b.finish());
    let third = alice.next_request("MESSAGE");
    assert!(third.header(HeaderName::ProxyAuthorization).is_some());
    assert_eq!(third.cseq().expect("read").number, 3);
    alice.receive_bytes(response(&third, 200, "bob", None));
    assert_eq!(only_outcome(&alice, id), RequestOutcome::Accepted { code: 200 });
}

/// A request waits for late credentials as long as a call may ring.
#[test]
fn a_message_waits_for_late_credentials() {
    for given in [true, false] {
        let mut config = config("alice", "ws://pbx.test");
        config.accounts[0].realms = vec!["example.com".to_owned()];
        config.accounts[0].ask_credentials = true;
        let mut alice = TestPhone::new(config, 1);
        let id = send(&mut alice, Request::message("bob", "x"));
        let message = alice.next_request("MESSAGE");
        let mut b = Builder::reply(&message, 401, "Unauthorized", Some(b"bob"));
        b.header(HeaderName::WwwAuthenticate, b"Digest realm=\"example.com\", nonce=\"n\"");
        alice.receive_bytes(b.finish());
        let Some((effect, Effect::Account { effect: AccountEffect::Credentials { .. }, .. })) =
            alice.effects.pop()
        else {
            panic!("the host is asked")
        };
        if given {
            let credentials = Some(Credentials::new(Password::plain("secret")));
            alice.give(Input::Done { effect, result: EffectResult::Credentials(credentials) });
            let again = alice.next_request("MESSAGE");
            assert!(again.header(HeaderName::Authorization).is_some());
        } else {
            alice.pass(Duration::from_secs(121));
            assert_eq!(only_outcome(&alice, id), failed(Cause::Unauthorized, Some(401)));
        }
    }
}

#[test]
fn mistakes_are_refused_without_a_change() {
    let mut alice = alice("ws://pbx.test");
    let now = alice.now;
    let mut refuse = |request: Request| alice.phone.request(now, request).expect_err("a mistake");
    assert_eq!(refuse(Request::message("bo b", "x")), Misuse::BadAddress);
    assert_eq!(refuse(Request::message("bob", "x".repeat(16 * 1024 + 1))), Misuse::TooLong(16 * 1024));
    assert_eq!(refuse(Request::message("bob", "x").with_header("Via", "y")), Misuse::BadHeader);
    let nine = AccountId(9);
    assert_eq!(refuse(Request::options("bob").with_account(nine)), Misuse::UnknownAccount(nine));
    for content_type in ["text", "/", "te(xt/plain", "a/b/c", "a b/c", ";a/b", "text/plain\r\nX: y"] {
        let kind = RequestKind::Message { content_type: content_type.to_owned(), body: "x".into() };
        assert_eq!(refuse(Request::new("bob", kind)), Misuse::BadHeader);
    }
    let command = offhook::Command::Request { request: RequestId(5), send: Request::options("bob") };
    assert_eq!(alice.handle(Input::Command(command)), Err(Misuse::NotNextRequest(RequestId(5))));
    for n in 0..64 {
        assert_eq!(send(&mut alice, Request::options("bob")), RequestId(n));
    }
    let refused = alice.phone.request(alice.now, Request::options("bob"));
    assert_eq!(refused, Err(Misuse::TooManyRequests(64)));
    assert_eq!(alice.phone.next_request(), RequestId(64));
}

#[test]
fn a_checkpoint_counts_the_requests() {
    let mut alice = alice("ws://pbx.test");
    send(&mut alice, Request::options("bob"));
    assert!(alice.phone.checkpoint().is_none(), "one is pending");
    alice.pass(Duration::from_secs(100));
    assert_eq!(alice.phone.checkpoint().expect("idle").requests, 1);
}

fn options() -> String {
    invite(None)
        .replace("INVITE", "OPTIONS")
        .replace("z9hG4bKin", "z9hG4bKoptions")
        .replace("Call-ID: in", "Call-ID: o")
}

/// RFC 3261 §11.2: the response to OPTIONS is that to an INVITE, with the capabilities.
#[test]
fn options_of_a_peer_get_the_response_to_an_invite() {
    let mut settings: Config = config("alice", "ws://pbx.test");
    settings.call_limit = 1;
    settings.info_packages = vec!["foo".to_owned(), "bar".to_owned()];
    let mut alice = TestPhone::new(settings, 1);
    alice.receive(&options());
    let ok = alice.next_response(200);
    for (name, value) in [
        (HeaderName::AcceptEncoding, &b"identity"[..]),
        (HeaderName::AcceptLanguage, b"en"),
        (HeaderName::Supported, b"100rel"),
        (HeaderName::RecvInfo, b"foo,bar"),
    ] {
        assert_eq!(ok.header(name), Some(value), "{name}");
    }
    assert!(ok.has_token(HeaderName::Allow, "OPTIONS") && ok.header(HeaderName::Accept).is_some());
    offhook_testkit::peer::incoming_call(&mut alice);
    alice.receive(&options().replace("z9hG4bKoptions", "z9hG4bKagain").replace("Call-ID: o", "Call-ID: p"));
    alice.next_response(486);
    let calls = alice
        .events
        .iter()
        .filter(|event| matches!(event, Event::Call { event: CallEvent::Incoming(_), .. }));
    assert_eq!(calls.count(), 1);
}

#[test]
fn a_message_of_a_peer_gets_200_without_a_contact() {
    let mut alice = alice("ws://pbx.test");
    alice.receive(
        "MESSAGE sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKm\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: m\nCSeq: 1 MESSAGE\n\
         Content-Type: image/png\nContent-Length: 1\n\nx",
    );
    let ok: Message = alice.next_response(200);
    assert_eq!(ok.header(HeaderName::Contact), None, "RFC 3428 §7");
    assert_eq!(ok.cseq().expect("read").method, Method::Message);
}
