//! UDP: retransmission, and responses through a NAT.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Lab, Phone, reply};

fn phones() -> (Lab, Phone, Phone) {
    let mut lab = Lab::new();
    let alice = Phone::over(&mut lab, 1, Transport::Udp, "alice");
    let bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    lab.pass(Duration::from_secs(40));
    (lab, alice, bob)
}

#[test]
fn rport_and_received_are_filled_in() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    let options = alice.request("OPTIONS", "sip:example.com", "sip:example.com", "");
    lab.send(alice.flow, &options.replace(";branch=", ";rport;branch="));
    let answer = lab.expect(alice.flow, "SIP/2.0 200 ");
    let via = "SIP/2.0/UDP alice.invalid;branch=z9hG4bKalice1;received=192.0.2.1;rport=5001";
    assert_eq!(answer.row("Via"), via);
}

#[test]
fn retransmitted_request_is_answered_again_and_forwarded_once() {
    let (mut lab, mut alice, bob) = phones();
    let uri = "sip:bob@example.com";
    let first = alice.request("MESSAGE", uri, uri, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    lab.send(alice.flow, &first);
    assert_eq!(lab.expect(alice.flow, "SIP/2.0 407 ").0, challenge.0, "the same nonce, the same tag");

    let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, "MESSAGE", uri));
    let second = alice.request("MESSAGE", uri, uri, &rows);
    lab.send(alice.flow, &second);
    lab.send(alice.flow, &second);
    let received = lab.expect(bob.flow, "MESSAGE ");
    lab.silent(bob.flow);
    lab.silent(alice.flow);
    lab.send(bob.flow, &reply(&received, "200 OK", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.send(alice.flow, &second);
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(bob.flow);
    lab.pass(Duration::from_secs(40));
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn invite_is_retransmitted_until_a_response() {
    let (mut lab, mut alice, bob) = phones();
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    lab.pass(Duration::from_millis(1600));
    let received = lab.expect(bob.flow, "INVITE ");
    for _ in 0..2 {
        assert_eq!(lab.expect(bob.flow, "INVITE ").0, received.0);
    }
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.pass(Duration::from_secs(20));
    lab.silent(bob.flow);
    lab.send(alice.flow, &sent.0);
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.silent(bob.flow);
}

#[test]
fn refusal_is_retransmitted_until_its_ack() {
    let (mut lab, mut alice, bob) = phones();
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    let busy = reply(&received, "486 Busy Here", "b", "");
    lab.send(bob.flow, &busy);
    lab.expect(bob.flow, "ACK ");
    lab.send(bob.flow, &busy);
    lab.expect(bob.flow, "ACK ");
    let told = lab.expect(alice.flow, "SIP/2.0 486 ");
    lab.pass(Duration::from_millis(1600));
    for _ in 0..2 {
        lab.expect(alice.flow, "SIP/2.0 486 ");
    }
    lab.send(alice.flow, &alice.ack_refusal(&sent, &told));
    lab.pass(Duration::from_secs(40));
    lab.silent(alice.flow);
    lab.silent(bob.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn every_retransmitted_2xx_is_forwarded_until_the_ack() {
    let (mut lab, mut alice, mut bob) = phones();
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = bob.answer(&mut lab);
    lab.send(bob.flow, &reply(&received, "200 OK", &bob.tag, ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.pass(Duration::from_secs(10));
    lab.silent(alice.flow);
}

#[test]
fn cancel_is_retransmitted_until_its_response() {
    let (mut lab, mut alice, bob) = phones();
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.send(alice.flow, &alice.cancel(&sent));
    let cancel = lab.expect(bob.flow, "CANCEL ");
    lab.pass(Duration::from_millis(600));
    assert_eq!(lab.expect(bob.flow, "CANCEL ").0, cancel.0);
    lab.send(bob.flow, &reply(&cancel, "200 OK", "b", ""));
    lab.pass(Duration::from_secs(10));
    lab.silent(bob.flow);
}

#[test]
fn flow_of_an_idle_guest_times_out_and_that_of_a_registered_phone_does_not() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    alice.register_with(&mut lab, &format!("Contact: <{}>;expires=3600\n", alice.contact));
    let mut guest = Phone::new(&mut lab, 2, Transport::Udp, "guest");
    let uri = "sip:alice@example.com";
    let options = guest.request("OPTIONS", uri, uri, "").replace("guest@example.com", "guest@example.org");
    lab.send(guest.flow, &options);
    lab.expect(alice.flow, "OPTIONS ");
    assert_eq!(lab.exchange.load().flows, 2);
    lab.pass(Duration::from_secs(301));
    assert_eq!(lab.exchange.load().flows, 1);
    lab.pass(Duration::from_secs(3000));
    assert_eq!(lab.exchange.load().flows, 1);
    lab.pass(Duration::from_secs(1000));
    assert_eq!(lab.exchange.load().flows, 0);
}

#[test]
fn websocket_phone_calls_udp_phone() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    let bye = near.request(&mut alice, "BYE", "");
    lab.send(alice.flow, &bye);
    let received = lab.expect(bob.flow, "BYE ");
    assert!(received.rows("Via")[0].starts_with("SIP/2.0/UDP "));
    lab.pass(Duration::from_millis(600));
    lab.expect(bob.flow, "BYE ");
}
