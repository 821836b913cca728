//! Forking and the choice of the response: RFC 3261 §16.6 and §16.7.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Lab, Phone, Sip, reply};

/// Alice calls bob on two phones.
fn forked() -> (Lab, Phone, [Phone; 2], [Sip; 2], Sip) {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bobs = [Phone::registered(&mut lab, 2, "bob"), Phone::registered(&mut lab, 3, "bob")];
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = [lab.expect(bobs[0].flow, "INVITE "), lab.expect(bobs[1].flow, "INVITE ")];
    (lab, alice, bobs, received, sent)
}

#[test]
fn every_contact_rings_and_other_branches_are_cancelled_after_a_2xx() {
    let (mut lab, alice, bobs, received, _) = forked();
    assert_ne!(received[0].branch(), received[1].branch());
    assert_ne!(received[0].row("Record-Route"), received[1].row("Record-Route"));
    for (bob, received) in bobs.iter().zip(&received) {
        lab.send(bob.flow, &reply(received, "180 Ringing", &format!("b{}", bob.flow.0), ""));
    }
    assert_eq!(lab.expect(alice.flow, "SIP/2.0 180 ").tag("To"), "b2");
    assert_eq!(lab.expect(alice.flow, "SIP/2.0 180 ").tag("To"), "b3");

    lab.send(bobs[1].flow, &reply(&received[1], "200 OK", "b3", ""));
    assert_eq!(lab.expect(alice.flow, "SIP/2.0 200 ").tag("To"), "b3");
    let cancel = lab.expect(bobs[0].flow, "CANCEL ");
    lab.send(bobs[0].flow, &reply(&cancel, "200 OK", "b2", ""));
    lab.send(bobs[0].flow, &reply(&received[0], "487 Request Terminated", "b2", ""));
    lab.expect(bobs[0].flow, "ACK ");
    lab.silent(alice.flow);
    lab.silent(bobs[1].flow);
    lab.pass(Duration::from_secs(33));
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn branch_without_a_response_is_cancelled_after_its_first_provisional() {
    let (mut lab, alice, bobs, received, _) = forked();
    lab.send(bobs[0].flow, &reply(&received[0], "200 OK", "b2", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(bobs[1].flow);
    lab.send(bobs[1].flow, &reply(&received[1], "180 Ringing", "b3", ""));
    lab.expect(bobs[1].flow, "CANCEL ");
    lab.silent(alice.flow);
}

#[test]
fn every_2xx_is_forwarded() {
    let (mut lab, alice, bobs, received, _) = forked();
    lab.send(bobs[0].flow, &reply(&received[0], "200 OK", "b2", ""));
    lab.send(bobs[1].flow, &reply(&received[1], "200 OK", "b3", ""));
    lab.send(bobs[1].flow, &reply(&received[1], "200 OK", "b3", ""));
    for tag in ["b2", "b3", "b3"] {
        assert_eq!(lab.expect(alice.flow, "SIP/2.0 200 ").tag("To"), tag);
    }
}

#[test]
fn best_refusal_is_forwarded_after_all_branches_ended() {
    let (mut lab, alice, bobs, received, sent) = forked();
    lab.send(bobs[0].flow, &reply(&received[0], "480 Temporarily Unavailable", "b2", ""));
    lab.expect(bobs[0].flow, "ACK ");
    lab.silent(alice.flow);
    lab.send(bobs[1].flow, &reply(&received[1], "486 Busy Here", "b3", ""));
    lab.expect(bobs[1].flow, "ACK ");
    let busy = lab.expect(alice.flow, "SIP/2.0 486 ");
    lab.send(alice.flow, &alice.ack_refusal(&sent, &busy));
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn a_6xx_cancels_the_other_branches_and_is_forwarded() {
    let (mut lab, alice, bobs, received, _) = forked();
    lab.send(bobs[1].flow, &reply(&received[1], "180 Ringing", "b3", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.send(bobs[0].flow, &reply(&received[0], "603 Decline", "b2", ""));
    lab.expect(bobs[0].flow, "ACK ");
    lab.silent(alice.flow);
    let cancel = lab.expect(bobs[1].flow, "CANCEL ");
    lab.send(bobs[1].flow, &reply(&cancel, "200 OK", "b3", ""));
    lab.send(bobs[1].flow, &reply(&received[1], "487 Request Terminated", "b3", ""));
    lab.expect(alice.flow, "SIP/2.0 603 ");
}

#[test]
fn a_2xx_that_crosses_a_6xx_wins() {
    let (mut lab, alice, bobs, received, _) = forked();
    lab.send(bobs[0].flow, &reply(&received[0], "603 Decline", "b2", ""));
    lab.send(bobs[1].flow, &reply(&received[1], "200 OK", "b3", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(alice.flow);
}

#[test]
fn challenges_of_all_branches_are_aggregated() {
    let (mut lab, alice, bobs, received, _) = forked();
    let challenge = |realm| format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"n\"\n");
    lab.send(bobs[0].flow, &reply(&received[0], "401 Unauthorized", "b2", &challenge("one")));
    let other = challenge("two").replace("WWW-", "Proxy-");
    lab.send(bobs[1].flow, &reply(&received[1], "407 Proxy Authentication Required", "b3", &other));
    let told = lab.expect(alice.flow, "SIP/2.0 401 ");
    assert_eq!(told.row("WWW-Authenticate"), "Digest realm=\"one\", nonce=\"n\"");
    assert_eq!(told.row("Proxy-Authenticate"), "Digest realm=\"two\", nonce=\"n\"");
}

#[test]
fn a_503_of_a_phone_is_forwarded_as_500() {
    let (mut lab, alice, bobs, received, _) = forked();
    for (bob, received) in bobs.iter().zip(&received) {
        lab.send(bob.flow, &reply(received, "503 Service Unavailable", "b", ""));
    }
    lab.expect(alice.flow, "SIP/2.0 500 ");
}

#[test]
fn cancel_reaches_every_branch() {
    let (mut lab, alice, bobs, received, sent) = forked();
    for (bob, received) in bobs.iter().zip(&received) {
        lab.send(bob.flow, &reply(received, "180 Ringing", "b", ""));
        lab.expect(alice.flow, "SIP/2.0 180 ");
    }
    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    for bob in &bobs {
        lab.expect(bob.flow, "CANCEL ");
    }
    lab.send(bobs[0].flow, &reply(&received[0], "600 Busy Everywhere", "b", ""));
    lab.silent(bobs[1].flow);
    lab.send(bobs[1].flow, &reply(&received[1], "487 Request Terminated", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 600 ");
}

#[test]
fn cancelled_branch_without_a_response_times_out() {
    let (mut lab, alice, bobs, received, sent) = forked();
    lab.send(bobs[0].flow, &reply(&received[0], "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.pass(Duration::from_secs(31));
    lab.silent(alice.flow);
    lab.pass(Duration::from_secs(2));
    let ended = lab.expect(alice.flow, "SIP/2.0 487 ");
    lab.send(alice.flow, &alice.ack_refusal(&sent, &ended));
    lab.pass(Duration::from_secs(33));
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn non_invite_is_forked_and_answered_once() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bobs = [Phone::registered(&mut lab, 2, "bob"), Phone::registered(&mut lab, 3, "bob")];
    let uri = "sip:bob@example.com";
    let first = alice.request("MESSAGE", uri, uri, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, "MESSAGE", uri));
    let second = alice.request("MESSAGE", uri, uri, &rows);
    lab.send(alice.flow, &second);
    for bob in &bobs {
        let received = lab.expect(bob.flow, "MESSAGE ");
        assert_eq!(received.rows("Record-Route"), [""; 0], "a MESSAGE forms no dialog");
        lab.send(bob.flow, &reply(&received, "200 OK", "b", ""));
    }
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.silent(alice.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn contacts_are_ordered_by_q() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::new(&mut lab, 2, Transport::Ws, "bob");
    bob.register_with(&mut lab, "Contact: <sip:low@bob.invalid>;q=0.1, <sip:high@bob.invalid>;q=0.9\n");
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE sip:high@bob.invalid ");
    lab.expect(bob.flow, "INVITE sip:low@bob.invalid ");
}

#[test]
fn device_with_two_flows_rings_once() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut flows = [2, 3].map(|flow| Phone::new(&mut lab, flow, Transport::Ws, "bob"));
    let register = |lab: &mut Lab, flows: &mut [Phone; 2], index: usize| {
        let phone = &mut flows[index];
        let reg = index + 1;
        let rows = format!("Contact: <{}>;+sip.instance=\"<urn:uuid:b>\";reg-id={reg}\n", phone.contact);
        phone.register_with(lab, &rows);
    };
    register(&mut lab, &mut flows, 0);
    register(&mut lab, &mut flows, 1);
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(flows[1].flow, "INVITE ");
    lab.silent(flows[0].flow);
    register(&mut lab, &mut flows, 0);
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(flows[0].flow, "INVITE ");
}

#[test]
fn timed_out_non_invite_gets_no_408() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    let info = near.request(&mut alice, "INFO", "");
    lab.send(alice.flow, &info);
    lab.expect(bob.flow, "INFO ");
    lab.pass(Duration::from_secs(33));
    lab.silent(alice.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
}
