//! Redirections (RFC 3261 §8.1.3.4).

use offhook::{CallEvent, Cause, Dial, Direction, Event, RedirectPolicy, SessionId, Status};
use offhook_testkit::peer::response;
use offhook_testkit::{TestPhone, config, sdp};
use offhook_wire::{Builder, HeaderName, Message};
use std::time::Duration;

fn alice(policy: RedirectPolicy) -> TestPhone {
    let mut config = config("alice", "ws://pbx.test");
    config.redirect_policy = policy;
    TestPhone::new(config, 1)
}

fn dial(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    (id, alice.next_request("INVITE"))
}

fn redirect(alice: &mut TestPhone, request: &Message, code: u16, contacts: &[&str]) {
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), Some(b"bob"));
    for contact in contacts {
        b.header(HeaderName::Contact, contact);
    }
    alice.receive_bytes(b.finish());
    if request.method() == Some(offhook_wire::Method::Invite) {
        alice.next_request("ACK");
    }
}

fn refuse(alice: &mut TestPhone, request: &Message, code: u16) {
    alice.receive_bytes(response(request, code, "bob", None));
    alice.next_request("ACK");
}

fn uri(request: &Message) -> &str {
    std::str::from_utf8(request.request_uri().expect("a request")).expect("ASCII")
}

fn targets(alice: &TestPhone) -> Vec<String> {
    let target = |event: &Event| match event {
        Event::Call { event: CallEvent::Redirected { target }, .. } => Some(target.clone()),
        _ => None,
    };
    alice.events.iter().filter_map(target).collect()
}

#[test]
fn a_redirected_invite_has_a_new_request_uri_and_cseq_only() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (id, invite) = dial(&mut alice);
    redirect(&mut alice, &invite, 302, &["<sip:office@example.com;method=MESSAGE;x=y?Subject=z>;q=0.3"]);
    let again = alice.next_request("INVITE");
    assert_eq!(uri(&again), "sip:office@example.com;x=y");
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(again.header(name), invite.header(name), "{name}");
    }
    assert_eq!(again.cseq().expect("read").number, 2);
    assert_ne!(again.header(HeaderName::Via), invite.header(HeaderName::Via), "another transaction");
    assert_eq!(targets(&alice), ["sip:office@example.com;x=y"]);
    alice.receive_bytes(response(&again, 200, "office", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// In the order of `q`; the refusal of one target leads to the next, and the last refusal is the reason of the end.
#[test]
fn targets_are_tried_in_order_until_none_remains() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (id, invite) = dial(&mut alice);
    let contacts = [
        "<sip:a@example.com>;q=0.1",
        "<sip:b@example.com>;q=0.9, <sip:c@elsewhere.example>",
        "<sip:d@example.com;maddr=192.0.2.9>",
        "<sip:e@example.com>",
        "nonsense",
        "<mailto:bob@example.com>",
        "<sip:bob@example.com>",
    ];
    redirect(&mut alice, &invite, 300, &contacts);
    let mut request = alice.next_request("INVITE");
    assert_eq!(uri(&request), "sip:e@example.com");
    refuse(&mut alice, &request, 404);
    request = alice.next_request("INVITE");
    assert_eq!(uri(&request), "sip:b@example.com");
    redirect(&mut alice, &request, 302, &["<sip:e@example.com>", "<sip:f@example.com>;q=0.05"]);
    request = alice.next_request("INVITE");
    assert_eq!(uri(&request), "sip:a@example.com");
    refuse(&mut alice, &request, 503);
    request = alice.next_request("INVITE");
    assert_eq!(uri(&request), "sip:f@example.com");
    refuse(&mut alice, &request, 486);
    assert!(alice.sent.is_empty());
    let why = alice.ended(id);
    assert_eq!((why.cause, why.code), (Cause::Busy, Some(486)));
    assert_eq!(targets(&alice).len(), 4);
}

/// A peer that redirects without end.
#[test]
fn at_most_five_targets_are_tried() {
    let mut alice = alice(RedirectPolicy::Follow);
    let (id, mut invite) = dial(&mut alice);
    let mut sent = 0;
    loop {
        redirect(&mut alice, &invite, 302, &[&format!("<sip:t{sent}@x{sent}.example>")]);
        if alice.sent.is_empty() {
            break;
        }
        invite = alice.next_request("INVITE");
        sent += 1;
        assert!(sent <= 5, "without end");
    }
    assert_eq!(sent, 5);
    assert_eq!(alice.ended(id).cause, Cause::Redirected);
}

/// RFC 3261 §16.7: a 6xx is of all targets.
#[test]
fn a_6xx_ends_the_search() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (id, invite) = dial(&mut alice);
    redirect(&mut alice, &invite, 302, &["<sip:a@example.com>", "<sip:b@example.com>"]);
    let request = alice.next_request("INVITE");
    refuse(&mut alice, &request, 603);
    assert!(alice.sent.is_empty());
    assert_eq!(alice.ended(id).code, Some(603));
}

#[test]
fn the_policy_decides_which_targets_are_followed() {
    let contacts =
        ["<tel:+15551234>;q=0.2", "<sip:bob@elsewhere.example>;q=0.1", "<sip:b@example.com>;q=0.05"];
    for (policy, followed) in [
        (RedirectPolicy::Report, None),
        (RedirectPolicy::OwnDomain, Some("sip:b@example.com")),
        (RedirectPolicy::Follow, Some("tel:+15551234")),
    ] {
        let mut alice = alice(policy);
        let (id, invite) = dial(&mut alice);
        redirect(&mut alice, &invite, 302, &contacts);
        match followed {
            Some(target) => assert_eq!(uri(&alice.next_request("INVITE")), target),
            None => assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Redirected)),
        }
    }
}

/// A proxy to use (305) and another service (380) are not other targets of the same request.
#[test]
fn use_proxy_and_alternative_service_are_reported() {
    for code in [305, 380] {
        let mut alice = alice(RedirectPolicy::Follow);
        let (id, invite) = dial(&mut alice);
        redirect(&mut alice, &invite, code, &["<sip:a@example.com>"]);
        assert_eq!((alice.sent.len(), alice.ended(id).code), (0, Some(code)));
    }
}

#[test]
fn a_redirected_call_can_be_cancelled() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (id, invite) = dial(&mut alice);
    redirect(&mut alice, &invite, 302, &["<sip:a@example.com>", "<sip:b@example.com>"]);
    let again = alice.next_request("INVITE");
    alice.receive_bytes(response(&again, 180, "bob", None));
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    let cancel = alice.next_request("CANCEL");
    assert_eq!(uri(&cancel), "sip:a@example.com");
    alice.receive_bytes(response(&cancel, 200, "bob", None));
    refuse(&mut alice, &again, 487);
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Cancelled));
}

/// Another domain that challenges a redirected INVITE gets no digest.
#[test]
fn a_redirected_invite_sends_no_credentials_to_another_domain() {
    let mut config = config("alice", "ws://pbx.test");
    config.redirect_policy = RedirectPolicy::Follow;
    config.accounts[0].password = Some(offhook::Password::plain("secret"));
    config.accounts[0].realms = vec!["example.com".to_owned()];
    let mut alice = TestPhone::new(config, 1);
    let (id, invite) = dial(&mut alice);
    redirect(&mut alice, &invite, 302, &["<sip:bob@elsewhere.example>"]);
    let again = alice.next_request("INVITE");
    let mut b = Builder::reply(&again, 401, "Unauthorized", Some(b"bob"));
    b.header(HeaderName::WwwAuthenticate, b"Digest realm=\"elsewhere.example\", nonce=\"n\"");
    alice.receive_bytes(b.finish());
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Unauthorized));
}

/// RFC 3261 §16.7: a target that does not answer counts as a 408.
#[test]
fn a_target_that_does_not_answer_leads_to_the_next_one() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (_, invite) = dial(&mut alice);
    redirect(&mut alice, &invite, 302, &["<sip:a@example.com>", "<sip:b@example.com>"]);
    alice.next_request("INVITE");
    alice.pass(Duration::from_secs(33));
    assert_eq!(uri(&alice.next_request("INVITE")), "sip:b@example.com");
}

/// The early dialog of the first target has ended with its 3xx.
#[test]
fn the_early_media_of_the_next_target_is_used() {
    let mut alice = alice(RedirectPolicy::OwnDomain);
    let (id, invite) = dial(&mut alice);
    alice.receive_bytes(response(&invite, 183, "first", Some(&sdp(Direction::SendRecv))));
    redirect(&mut alice, &invite, 302, &["<sip:office@example.com>"]);
    let again = alice.next_request("INVITE");
    alice.receive_bytes(response(&again, 183, "second", Some(&sdp(Direction::SendRecv))));
    alice.receive_bytes(response(&again, 200, "second", None));
    alice.next_request("ACK");
    assert!(alice.sent.is_empty(), "{:?}", alice.sent);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}
