//! Ladder diagrams of whole calls, as snapshots.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Lab, Phone, reply};

#[test]
fn a_forked_call() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut desk = Phone::registered(&mut lab, 2, "bob");
    let mobile = Phone::registered(&mut lab, 3, "bob");
    lab.ladder.clear();
    let (mut near, _) = {
        let received = |lab: &mut Lab| lab.expect(mobile.flow, "INVITE ");
        let call = alice.call(&mut lab, &mut desk);
        let invite = received(&mut lab);
        lab.send(mobile.flow, &reply(&invite, "180 Ringing", "m", ""));
        let cancel = lab.expect(mobile.flow, "CANCEL ");
        lab.send(mobile.flow, &reply(&cancel, "200 OK", "m", ""));
        lab.send(mobile.flow, &reply(&invite, "487 Request Terminated", "m", ""));
        call
    };
    let bye = near.request(&mut alice, "BYE", "");
    lab.send(alice.flow, &bye);
    let bye = lab.expect(desk.flow, "BYE ");
    lab.send(desk.flow, &reply(&bye, "200 OK", "", ""));
    insta::assert_snapshot!(lab.ladder.join("\n"));
}

#[test]
fn a_callee_that_reconnects_while_it_rings() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    lab.ladder.clear();
    alice.invite(&mut lab, "sip:bob@example.com");
    let invite = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&invite, "180 Ringing", "b", ""));
    bob.reconnect(&mut lab, 12);
    lab.pass(Duration::from_secs(3));
    let contact = format!("Contact: <{}>\n", bob.contact);
    bob.register_with(&mut lab, &contact);
    lab.send(bob.flow, &reply(&invite, "200 OK", "b", &contact));
    insta::assert_snapshot!(lab.ladder.join("\n"));
}

/// RFC 3261 §16.5: a request inside a call goes to the user of the call, also if another user has registered the Contact.
#[test]
fn rfc3261_16_5_a_contact_that_another_user_claims() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (near, _) = alice.call(&mut lab, &mut bob);
    let mut near = near.routeless();
    lab.ladder.clear();
    lab.down(bob.flow);
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    carol.contact = bob.contact.clone();
    carol.register(&mut lab);
    let info = near.request(&mut alice, "INFO", "");
    lab.send(alice.flow, &info);
    bob.flow = lab.up(12, Transport::Ws);
    bob.register(&mut lab);
    let info = lab.expect(bob.flow, "INFO ");
    lab.send(bob.flow, &reply(&info, "200 OK", "", ""));
    insta::assert_snapshot!(lab.ladder.join("\n"));
}

/// RFC 3261 §26.3.2.4: a challenge is sent once for each request, and its ACK ends here.
#[test]
fn rfc3261_26_3_2_4_a_stateless_challenge() {
    let mut lab = Lab::new();
    Phone::registered(&mut lab, 2, "bob");
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    lab.ladder.clear();
    let uri = "sip:bob@example.com";
    let invite = alice.request("INVITE", uri, uri, "");
    lab.send(alice.flow, &invite);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    lab.pass(Duration::from_secs(1));
    lab.send(alice.flow, &invite);
    lab.send(alice.flow, &alice.ack_refusal(&crate::lab::Sip(invite.replace('\n', "\r\n")), &challenge));
    lab.pass(Duration::from_secs(40));
    assert_eq!(lab.exchange.load().transactions, 0);
    insta::assert_snapshot!(lab.ladder.join("\n"));
}
