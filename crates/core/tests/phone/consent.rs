//! Consent to a REFER of the peer (RFC 3515 §2.4.2, §2.4.4, §5.2).

use offhook::{CallEvent, Event, Misuse, ReferPolicy, SessionId};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{ScriptedPeer, TestPhone, config};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

fn alice(policy: ReferPolicy) -> TestPhone {
    let mut config = config("alice", "ws://pbx.test");
    config.refer_policy = policy;
    TestPhone::new(config, 1)
}

fn refer(alice: &mut TestPhone, peer: &ScriptedPeer, cseq: u32, target: &str) {
    alice.receive(&peer.request("REFER", cseq, &format!("Refer-To: {target}\n"), ""));
}

fn next_notify(alice: &mut TestPhone) -> (Message, String, String) {
    let notify = alice.next_request("NOTIFY");
    alice.receive_bytes(response(&notify, 200, "bob", None));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
    let state = text(notify.header(HeaderName::SubscriptionState).expect("there"));
    let body = text(notify.body_bytes());
    (notify, state, body)
}

/// A call with a REFER that waits for a decision.
fn undecided() -> (TestPhone, SessionId, ScriptedPeer) {
    let mut alice = alice(ReferPolicy::Ask);
    let (id, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<tel:+19005550100>");
    alice.next_response(202);
    let (_, state, body) = next_notify(&mut alice);
    assert_eq!((state.as_str(), body.as_str()), ("pending;expires=272", "SIP/2.0 100 Trying\r\n"));
    let asked = Event::Call {
        session: id,
        event: CallEvent::TransferRequested {
            request: 5,
            target: "tel:+19005550100".to_owned(),
            referred_by: Some("<sip:bob@example.com>".to_owned()),
        },
    };
    assert!(alice.take_events().contains(&asked));
    assert!(alice.sent.is_empty(), "no call without consent");
    (alice, id, peer)
}

#[test]
fn asking_is_the_default() {
    let account = offhook::Account::new("sip:alice@example.com", None, "ws://pbx.test").expect("a hop");
    assert_eq!(offhook::Config::new(account).refer_policy, ReferPolicy::Ask);
}

#[test]
fn an_accepted_refer_calls_its_target() {
    let (mut alice, id, _) = undecided();
    alice.phone.accept_transfer(alice.now, id, 5).expect("undecided");
    alice.pump();
    let (_, state, _) = next_notify(&mut alice);
    assert_eq!(state, "active;expires=272");
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.request_uri(), Some(&b"tel:+19005550100"[..]));
    assert_eq!(alice.phone.accept_transfer(alice.now, id, 5), Err(Misuse::NoTransferRequest));
    assert_eq!(alice.phone.reject_transfer(alice.now, id, 5), Err(Misuse::NoTransferRequest));
    alice.receive_bytes(response(&invite, 486, "x", None));
    alice.next_request("ACK");
    let (_, state, body) = next_notify(&mut alice);
    assert_eq!(
        (state.as_str(), body.as_str()),
        ("terminated;reason=noresource", "SIP/2.0 486 Busy Here\r\n")
    );
}

/// RFC 3515 §2.4.4.
#[test]
fn a_rejected_refer_gets_a_notify_with_603() {
    let (mut alice, id, peer) = undecided();
    alice.phone.reject_transfer(alice.now, id, 5).expect("undecided");
    alice.pump();
    let (_, state, body) = next_notify(&mut alice);
    assert_eq!((state.as_str(), body.as_str()), ("terminated;reason=noresource", "SIP/2.0 603 Decline\r\n"));
    assert!(alice.sent.is_empty());
    // The next REFER is a request of its own.
    refer(&mut alice, &peer, 6, "<sip:carol@example.com>");
    alice.next_response(202);
    next_notify(&mut alice);
    assert_eq!(alice.phone.accept_transfer(alice.now, id, 5), Err(Misuse::NoTransferRequest));
    alice.phone.accept_transfer(alice.now, id, 6).expect("undecided");
    alice.pump();
    next_notify(&mut alice);
    alice.next_request("INVITE");
}

#[test]
fn a_refer_without_a_decision_is_rejected_after_the_ringing_limit() {
    let (mut alice, id, _) = undecided();
    let limit = Duration::from_secs(120);
    alice.pass(limit - Duration::from_millis(1));
    assert!(alice.sent.is_empty());
    alice.pass(Duration::from_millis(1));
    let (_, _, body) = next_notify(&mut alice);
    assert_eq!(body, "SIP/2.0 603 Decline\r\n");
    assert_eq!(alice.phone.accept_transfer(alice.now, id, 5), Err(Misuse::NoTransferRequest));
}

/// A transferor may take a BYE after its 202 for success.
#[test]
fn a_hang_up_without_a_decision_rejects_the_refer_first() {
    let (mut alice, id, _) = undecided();
    alice.phone.hang_up(alice.now, id).expect("established");
    alice.pump();
    let (_, state, body) = next_notify(&mut alice);
    assert_eq!((state.as_str(), body.as_str()), ("terminated;reason=noresource", "SIP/2.0 603 Decline\r\n"));
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.phone.status(id), None);
    alice.pass(Duration::from_secs(300));
    assert!(alice.sent.is_empty());
}

#[test]
fn a_second_refer_during_the_decision_gets_491() {
    let (mut alice, _, peer) = undecided();
    refer(&mut alice, &peer, 6, "<sip:carol@example.com>");
    alice.next_response(491);
}

#[test]
fn a_decision_after_the_end_of_the_call_is_misuse() {
    let (mut alice, id, peer) = undecided();
    alice.receive(&peer.request("BYE", 6, "", ""));
    alice.next_response(200);
    assert_eq!(alice.phone.accept_transfer(alice.now, id, 5), Err(Misuse::UnknownSession(id)));
    alice.pass(Duration::from_secs(300));
    assert!(alice.sent.is_empty());
}

#[test]
fn the_own_domain_policy_refuses_other_targets() {
    for (target, code) in [
        ("<sip:carol@example.com>", 202),
        ("<sips:carol@EXAMPLE.com:5061>", 202),
        ("<sip:carol@example.org>", 603),
        ("<sip:example.com@example.org>", 603),
        ("<sip:carol@example.com.example.org>", 603),
        ("<tel:+19005550100>", 603),
        ("<sip:carol@example.com;maddr=192.0.2.66>", 603),
    ] {
        let mut alice = alice(ReferPolicy::OwnDomain);
        let (_, peer) = in_call(&mut alice);
        refer(&mut alice, &peer, 5, target);
        alice.next_response(code);
        if code == 202 {
            let (_, state, _) = next_notify(&mut alice);
            assert_eq!(state, "active;expires=272");
            alice.next_request("INVITE");
        }
        assert!(alice.sent.is_empty(), "{target}");
    }
}

#[test]
fn a_decision_does_not_apply_to_a_later_refer() {
    let mut alice = alice(ReferPolicy::Ask);
    let (id, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>");
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    let shown = |event: &Event| matches!(event, Event::Call { event: CallEvent::TransferRequested { target, .. }, .. } if target == "sip:carol@example.com");
    assert!(alice.take_events().iter().any(shown));
    // The user is shown carol, and is about to press accept. Meanwhile:
    alice.receive_bytes(response(&notify, 481, "bob", None));
    refer(&mut alice, &peer, 6, "<tel:+19005550100>");
    alice.next_response(202);
    alice.next_request("NOTIFY");
    let accepted = alice.phone.accept_transfer(alice.now, id, 5);
    alice.pump();
    let dialled = alice.sent.iter().any(|bytes| bytes.starts_with(b"INVITE tel:+19005550100"));
    assert!(accepted.is_err() || !dialled, "consent to carol dialled the premium number");
}

#[test]
fn the_end_of_an_undecided_refer_is_reported() {
    let mut alice = alice(ReferPolicy::Ask);
    let (_, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>");
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    alice.take_events();
    let timers = alice.phone.holdings().call_timers;
    alice.receive_bytes(response(&notify, 481, "bob", None));
    assert!(
        !alice.take_events().is_empty(),
        "no event; and timers {timers} -> {}",
        alice.phone.holdings().call_timers
    );
}

#[test]
fn an_ended_request_leaves_no_timer() {
    let mut alice = alice(ReferPolicy::Ask);
    let (_, peer) = in_call(&mut alice);
    let before = alice.phone.holdings().call_timers;
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>");
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    alice.receive_bytes(response(&notify, 481, "bob", None));
    assert_eq!(alice.phone.holdings().call_timers, before);
}

#[test]
fn a_503_to_the_notify_keeps_the_request() {
    let mut alice = alice(ReferPolicy::Ask);
    let (id, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>");
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    alice.receive_bytes(response(&notify, 503, "bob", None));
    assert_eq!(alice.phone.accept_transfer(alice.now, id, 5), Ok(()));
}

#[test]
fn a_refer_to_with_a_method_parameter_gets_501() {
    let mut alice = alice(ReferPolicy::OwnDomain);
    let (_, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com;method=SUBSCRIBE>");
    alice.next_response(501);
}

#[test]
fn two_refer_to_get_400() {
    let mut alice = alice(ReferPolicy::Ask);
    let (_, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>\nRefer-To: <tel:+19005550100>");
    alice.next_response(400);
}

#[test]
fn a_refer_to_that_is_not_utf_8_gets_400() {
    let mut alice = alice(ReferPolicy::Ask);
    let (_, peer) = in_call(&mut alice);
    let mut bytes = peer
        .request("REFER", 5, "Refer-To: <sip:caro!@example.com>\n", "")
        .replace('\n', "\r\n")
        .into_bytes();
    let at = bytes.windows(6).position(|w| w == b"caro!@").unwrap() + 4;
    bytes[at] = 0xff;
    alice.receive_bytes(bytes.into());
    alice.next_response(400);
}

#[test]
fn a_transferor_waits_for_decision_and_ringing() {
    let mut alice = TestPhone::new(config("alice", "ws://pbx.test"), 1);
    let (id, peer) = in_call(&mut alice);
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    let request = alice.next_request("REFER");
    alice.receive_bytes(response(&request, 202, "bob", None));
    let notify = |alice: &mut TestPhone, cseq, state: &str, line: &str| {
        let extra =
            format!("Event: refer\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0\n");
        alice.receive(&peer.request("NOTIFY", cseq, &extra, &format!("SIP/2.0 {line}\n")));
    };
    notify(&mut alice, 10, "pending;expires=272", "100 Trying");
    alice.next_response(200);
    alice.pass(Duration::from_secs(110));
    notify(&mut alice, 11, "active;expires=180", "180 Ringing");
    alice.next_response(200);
    alice.pass(Duration::from_secs(60));
    notify(&mut alice, 12, "terminated;reason=noresource", "200 OK");
    alice.next_response(200);
    alice.next_request("BYE");
}

#[test]
fn a_late_decision_does_not_apply_to_the_next_refer() {
    let (mut alice, id, peer) = undecided();
    alice.pass(Duration::from_secs(120));
    next_notify(&mut alice);
    refer(&mut alice, &peer, 6, "<tel:+19005550199>");
    let accepted = alice.phone.accept_transfer(alice.now, id, 5);
    alice.pump();
    let dialled = alice.sent.iter().any(|bytes| bytes.starts_with(b"INVITE tel:+19005550199"));
    assert!(accepted.is_err() || !dialled, "consent to the expired request dialled another target");
}
