//! Whole stories, to be read.

use std::time::Duration;

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
