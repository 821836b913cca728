//! Calls through the proxy: RFC 3261 §16.

use std::time::Duration;

use offhook_exchange::{CallStep, Config, Event, Transport};

use crate::lab::{Dialog, Lab, Phone, Sip, reply};

fn steps(lab: &Lab) -> Vec<CallStep> {
    let step = |event: &Event| match event {
        Event::Call { step, .. } => Some(*step),
        _ => None,
    };
    lab.events.iter().filter_map(step).collect()
}

#[test]
fn call_is_challenged_forwarded_answered_and_ended_by_the_caller() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");

    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE sip:bob-2@bob.invalid;transport=ws SIP/2.0\r\n");
    assert_eq!(received.row("Max-Forwards"), "69");
    assert_eq!(received.rows("Proxy-Authorization"), [""; 0], "our realm's credentials go no further");
    assert!(received.row("Record-Route").ends_with("@example.com;lr>"));
    let vias = received.rows("Via");
    assert_eq!(vias.len(), 2);
    assert!(vias[0].starts_with("SIP/2.0/WS example.com;branch=z9hG4bK"));
    assert_eq!(vias[1], format!("{};received=192.0.2.1", sent.row("Via")));

    lab.send(bob.flow, &reply(&received, "100 Trying", "", ""));
    lab.silent(alice.flow);
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    let ringing = lab.expect(alice.flow, "SIP/2.0 180 ");
    assert_eq!(ringing.row("Via"), vias[1]);
    lab.send(bob.flow, &reply(&received, "200 OK", "b", &format!("Contact: <{}>\n", bob.contact)));
    let ok = lab.expect(alice.flow, "SIP/2.0 200 ");
    assert_eq!(ok.row("Record-Route"), received.row("Record-Route"));

    let mut near = Dialog::caller(&sent, &ok);
    let ack = near.request(&mut alice, "ACK", "");
    lab.send(alice.flow, &ack);
    let ack = lab.expect(bob.flow, "ACK sip:bob-2@bob.invalid;transport=ws SIP/2.0\r\n");
    assert_eq!(ack.rows("Route"), [""; 0]);
    assert_eq!(ack.row("Max-Forwards"), "69");

    let bye = near.request(&mut alice, "BYE", "");
    lab.send(alice.flow, &bye);
    let bye = lab.expect(bob.flow, "BYE sip:bob-2@bob.invalid;transport=ws SIP/2.0\r\n");
    lab.send(bob.flow, &reply(&bye, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    assert_eq!(
        steps(&lab),
        [CallStep::Offered { branches: 1 }, CallStep::Ringing, CallStep::Answered, CallStep::Ended]
    );

    lab.pass(Duration::from_secs(40));
    lab.silent(alice.flow);
    lab.silent(bob.flow);
    assert_eq!(lab.exchange.load().transactions, 0, "nothing is left");
}

#[test]
fn callee_reaches_the_caller_inside_the_dialog() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (_, mut far) = alice.call(&mut lab, &mut bob);
    for method in ["INFO", "NOTIFY", "BYE"] {
        let request = far.request(&mut bob, method, "");
        lab.send(bob.flow, &request);
        let received =
            lab.expect(alice.flow, &format!("{method} sip:alice-1@alice.invalid;transport=ws SIP/2.0\r\n"));
        lab.send(alice.flow, &reply(&received, "200 OK", "", ""));
        lab.expect(bob.flow, "SIP/2.0 200 ");
    }
}

#[test]
fn reinvite_is_acknowledged_end_to_end() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (_, mut far) = alice.call(&mut lab, &mut bob);
    let contact = format!("Contact: <{}>\n", bob.contact);
    let hold = far.request(&mut bob, "INVITE", &contact);
    lab.send(bob.flow, &hold);
    lab.expect(bob.flow, "SIP/2.0 100 ");
    let received = lab.expect(alice.flow, "INVITE sip:alice-1@alice.invalid");
    lab.send(alice.flow, &reply(&received, "200 OK", "", &format!("Contact: <{}>\n", alice.contact)));
    lab.expect(bob.flow, "SIP/2.0 200 ");
    let ack = far.request(&mut bob, "ACK", "");
    lab.send(bob.flow, &ack);
    lab.expect(alice.flow, "ACK sip:alice-1@alice.invalid");
    assert_eq!(steps(&lab).len(), 3, "a re-INVITE is no new call");
}

#[test]
fn refusal_is_acknowledged_by_the_proxy() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "486 Busy Here", "b", "X-Reason: dinner\n"));
    let ack = lab.expect(bob.flow, "ACK sip:bob-2@bob.invalid;transport=ws SIP/2.0\r\n");
    assert_eq!(ack.row("Via"), received.rows("Via")[0], "RFC 3261 §17.1.1.3");
    assert_eq!(ack.tag("To"), "b");
    let busy = lab.expect(alice.flow, "SIP/2.0 486 Busy Here\r\n");
    assert_eq!(busy.row("X-Reason"), "dinner");
    lab.send(alice.flow, &alice.ack_refusal(&sent, &busy));
    lab.silent(bob.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
    assert_eq!(steps(&lab), [CallStep::Offered { branches: 1 }, CallStep::Refused { status: 486 }]);
}

#[test]
fn cancelled_call_ends_with_487() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");

    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(bob.flow);
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    let cancel = lab.expect(bob.flow, "CANCEL sip:bob-2@bob.invalid;transport=ws SIP/2.0\r\n");
    assert_eq!(
        cancel.row("Via"),
        received.rows("Via")[0],
        "RFC 3261 §9.1: not before a provisional response"
    );
    assert_eq!(cancel.row("CSeq").split(' ').next(), received.row("CSeq").split(' ').next());
    lab.send(bob.flow, &reply(&cancel, "200 OK", "b", ""));
    lab.send(bob.flow, &reply(&received, "487 Request Terminated", "b", ""));
    lab.expect(bob.flow, "ACK ");
    let ended = lab.expect(alice.flow, "SIP/2.0 487 ");
    lab.send(alice.flow, &alice.ack_refusal(&sent, &ended));
    lab.silent(alice.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn late_cancel_has_no_effect() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    bob.answer(&mut lab);
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(alice.flow);
    lab.silent(bob.flow);
}

#[test]
fn cancel_without_transaction_or_from_another_flow_gets_481() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE ");
    let eve = lab.up(9, Transport::Ws);
    lab.send(eve, &alice.cancel(&sent));
    lab.expect(eve, "SIP/2.0 481 ");
    lab.silent(bob.flow);
}

#[test]
fn unknown_user_gets_404_and_unregistered_user_480() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    for (callee, status) in [("sip:nobody@example.com", "404"), ("sip:carol@example.com", "480")] {
        let first = alice.request("MESSAGE", callee, callee, "");
        lab.send(alice.flow, &first);
        let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
        let credentials = alice.credentials(&challenge, "MESSAGE", callee);
        let rows = format!("Proxy-Authorization: {credentials}\n");
        let second = alice.request("MESSAGE", callee, callee, &rows);
        lab.send(alice.flow, &second);
        lab.expect(alice.flow, &format!("SIP/2.0 {status} "));
    }
    let abroad = alice.request("INVITE", "sip:x@example.org", "sip:x@example.org", "");
    lab.send(alice.flow, &abroad);
    lab.expect(alice.flow, "SIP/2.0 403 Relaying Denied\r\n");
}

#[test]
fn from_must_match_the_credentials() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let forged = |request: String| request.replace("From: <sip:alice@", "From: <sip:carol@");
    let first = forged(alice.request("INVITE", "sip:bob@example.com", "sip:bob@example.com", ""));
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let credentials = alice.credentials(&challenge, "INVITE", "sip:bob@example.com");
    let rows = format!("Proxy-Authorization: {credentials}\n");
    let second = forged(alice.request("INVITE", "sip:bob@example.com", "sip:bob@example.com", &rows));
    lab.send(alice.flow, &second);
    lab.expect(alice.flow, "SIP/2.0 403 ");
}

#[test]
fn to_tag_does_not_replace_credentials() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    Phone::registered(&mut lab, 2, "bob");
    let invite = alice.request("INVITE", "sip:bob@example.com", "<sip:bob@example.com>;tag=b", "");
    lab.send(alice.flow, &invite);
    lab.expect(alice.flow, "SIP/2.0 407 ");
}

#[test]
fn guests_may_call_only_if_allowed() {
    assert!(!Config::new("example.com").guests, "the default");
    for (guests, start) in [(true, "SIP/2.0 100 "), (false, "SIP/2.0 403 ")] {
        let mut config = crate::lab::config();
        config.guests = guests;
        let mut lab = Lab::with(config);
        Phone::registered(&mut lab, 2, "bob");
        let mut stranger = Phone::new(&mut lab, 1, Transport::Ws, "mallory");
        let invite = stranger.request("INVITE", "sip:bob@example.com", "sip:bob@example.com", "");
        lab.send(stranger.flow, &invite.replace("mallory@example.com", "mallory@example.org"));
        lab.expect(stranger.flow, start);
    }
}

#[test]
fn callee_timeout_gets_408() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE ");
    lab.pass(Duration::from_secs(33));
    lab.expect(alice.flow, "SIP/2.0 408 ");
    lab.silent(bob.flow);
}

#[test]
fn timer_c_cancels_a_branch_that_rings_too_long() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.pass(Duration::from_secs(180));
    lab.silent(bob.flow);
    lab.pass(Duration::from_secs(2));
    let cancel = lab.expect(bob.flow, "CANCEL ");
    lab.send(bob.flow, &reply(&cancel, "200 OK", "b", ""));
    lab.send(bob.flow, &reply(&received, "487 Request Terminated", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 408 ");
}

#[test]
fn a_late_2xx_is_forwarded_without_a_transaction() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = bob.answer(&mut lab);
    lab.forget(alice.flow);
    lab.pass(Duration::from_secs(60));
    assert_eq!(lab.exchange.load().transactions, 0);
    lab.send(bob.flow, &reply(&received, "200 OK", &bob.tag, ""));
    let late = lab.expect(alice.flow, "SIP/2.0 200 ");
    assert_eq!(late.rows("Via").len(), 1);
}

#[test]
fn unmatched_responses_are_dropped() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let nothing =
        alice.request("INVITE", "sip:bob@example.com", "sip:bob@example.com", "").replace('\n', "\r\n");
    lab.send(bob.flow, &reply(&Sip(nothing.clone()), "200 OK", "b", ""));
    let own = nothing.replacen("Via: ", "Via: SIP/2.0/WS example.com;branch=z9hG4bKAAAA\r\nVia: ", 1);
    lab.send(bob.flow, &reply(&Sip(own), "200 OK", "b", ""));
    lab.silent(alice.flow);
    lab.silent(bob.flow);
}
