//! Calls that survive the loss of a connection or a restart of the exchange.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Dialog, Lab, Phone, Sip, config, reply};

/// A request of one end reaches the other and is answered.
#[track_caller]
fn exchange(lab: &mut Lab, from: &Phone, to: &Phone, request: &str) {
    let method = request.split(' ').next().unwrap();
    lab.send(from.flow, request);
    let received = lab.expect(to.flow, &format!("{method} {} ", to.contact));
    lab.send(to.flow, &reply(&received, "200 OK", "", ""));
    lab.expect(from.flow, "SIP/2.0 200 ");
}

#[test]
fn dialog_continues_over_the_callees_new_connection() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    bob.reconnect(&mut lab, 12);

    // A request while bob is not registered waits for the grace period.
    for early in [near.request(&mut alice, "INFO", ""), near.request(&mut alice, "INFO", "")] {
        lab.send(alice.flow, &early);
        lab.pass(Duration::from_secs(6));
    }
    lab.expect(alice.flow, "SIP/2.0 480 ");
    bob.register(&mut lab);
    let early = lab.expect(bob.flow, &format!("INFO {} ", bob.contact));
    lab.silent(bob.flow);
    lab.send(bob.flow, &reply(&early, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");

    let request = near.request(&mut alice, "INFO", "");
    exchange(&mut lab, &alice, &bob, &request);
    let request = far.request(&mut bob, "BYE", "");
    exchange(&mut lab, &bob, &alice, &request);
}

/// RFC 7616 §3.4: a nonce count is good for one use, so the credentials of a waiting request are not verified again.
#[test]
fn waiting_request_is_not_challenged_again() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    lab.restart(config(), 43);
    // Only bob registers again. Alice's phone is not registered, and the route of the call is invalid.
    alice.flow = lab.up(11, Transport::Ws);
    bob.flow = lab.up(12, Transport::Ws);
    lab.send(alice.flow, &near.request(&mut alice, "BYE", ""));
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let credentials = alice.credentials(&challenge, "BYE", &bob.contact);
    let again = near.request(&mut alice, "BYE", &format!("Proxy-Authorization: {credentials}\n"));
    lab.send(alice.flow, &again);
    lab.silent(alice.flow);
    bob.register(&mut lab);
    let bye = lab.expect(bob.flow, "BYE ");
    lab.send(bob.flow, &reply(&bye, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

#[test]
fn waiting_request_is_retransmitted_to_a_udp_phone_after_its_registration() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    lab.down(bob.flow);
    let bye = near.request(&mut alice, "BYE", "");
    lab.send(alice.flow, &bye);
    bob.flow = lab.up(12, Transport::Udp);
    bob.register(&mut lab);
    lab.expect(bob.flow, "BYE ");
    lab.pass(Duration::from_millis(600));
    let received = lab.expect(bob.flow, "BYE ");
    lab.send(bob.flow, &reply(&received, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

#[test]
fn dialog_continues_after_both_ends_reconnected() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    for (phone, flow) in [(&mut alice, 11), (&mut bob, 12)] {
        phone.reconnect(&mut lab, flow);
        phone.register(&mut lab);
    }
    let request = far.request(&mut bob, "INFO", "");
    exchange(&mut lab, &bob, &alice, &request);
    let request = near.request(&mut alice, "BYE", "");
    exchange(&mut lab, &alice, &bob, &request);
}

#[test]
fn registration_over_a_new_connection_replaces_a_dead_one() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    let ring = alice.invite(&mut lab, "sip:bob@example.com");
    let waiting = lab.expect(bob.flow, "INVITE ");
    let old = [alice.flow, bob.flow];
    for (phone, flow) in [(&mut alice, 11), (&mut bob, 12)] {
        phone.flow = lab.up(flow, Transport::Ws);
        phone.register(&mut lab);
    }
    assert_eq!(lab.exchange.load().bindings, 2);
    assert_eq!(lab.next(bob.flow).0, waiting.0);
    lab.expect(alice.flow, "SIP/2.0 100 ");
    lab.send(bob.flow, &reply(&waiting, "486 Busy Here", "b", ""));
    lab.expect(bob.flow, "ACK ");
    let busy = lab.expect(alice.flow, "SIP/2.0 486 ");
    lab.send(alice.flow, &alice.ack_refusal(&ring, &busy));
    let request = near.request(&mut alice, "INFO", "");
    exchange(&mut lab, &alice, &bob, &request);
    let request = far.request(&mut bob, "BYE", "");
    exchange(&mut lab, &bob, &alice, &request);
    // The loss of the old connection no longer matters.
    for flow in old {
        lab.silent(flow);
        lab.down(flow);
    }
    assert_eq!(lab.exchange.load().bindings, 2);
}

#[test]
fn device_is_identified_by_its_instance_under_a_new_contact() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::new(&mut lab, 2, Transport::Ws, "bob");
    let register = |bob: &mut Phone, lab: &mut Lab| {
        let rows = format!("Contact: <{}>;+sip.instance=\"<urn:uuid:b>\";reg-id=1\n", bob.contact);
        bob.register_with(lab, &rows);
    };
    register(&mut bob, &mut lab);
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    bob.reconnect(&mut lab, 12);
    let old = std::mem::replace(&mut bob.contact, "sip:new@other.invalid;transport=ws".to_owned());
    register(&mut bob, &mut lab);
    let request = near.request(&mut alice, "INFO", "");
    lab.send(alice.flow, &request);
    // The Request-URI inside a dialog is not changed.
    lab.expect(bob.flow, &format!("INFO {old} "));
}

#[test]
fn dialog_is_routed_by_the_contact_after_a_restart() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    lab.restart(config(), 43);
    alice.flow = lab.up(11, Transport::Ws);
    bob.flow = lab.up(12, Transport::Ws);
    alice.register(&mut lab);

    // Phones register one by one: a request for an unregistered one waits for the grace period.
    for early in [near.request(&mut alice, "INFO", ""), near.request(&mut alice, "INFO", "")] {
        lab.send(alice.flow, &early);
        lab.pass(Duration::from_secs(6));
    }
    lab.expect(alice.flow, "SIP/2.0 480 ");
    let hold = near.request(&mut alice, "INVITE", "");
    lab.send(alice.flow, &hold);
    lab.send(alice.flow, &alice.cancel(&Sip(hold.replace('\n', "\r\n"))));
    lab.expect(alice.flow, "SIP/2.0 487 ");
    lab.expect(alice.flow, "SIP/2.0 200 ");
    bob.register(&mut lab);
    let early = lab.expect(bob.flow, &format!("INFO {} ", bob.contact));
    lab.silent(bob.flow);
    lab.send(bob.flow, &reply(&early, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");

    let request = near.request(&mut alice, "INVITE", "");
    lab.send(alice.flow, &request);
    lab.expect(alice.flow, "SIP/2.0 100 ");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    let ack = near.request(&mut alice, "ACK", "");
    lab.send(alice.flow, &ack);
    lab.expect(bob.flow, "ACK ");
    let request = far.request(&mut bob, "BYE", "");
    exchange(&mut lab, &bob, &alice, &request);
}

#[test]
fn unregistered_flow_needs_credentials_inside_a_dialog_after_a_restart() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (near, _) = alice.call(&mut lab, &mut bob);
    let mut near = near.routeless();
    let eve = lab.up(9, Transport::Ws);
    let bye = near.request(&mut alice, "BYE", "");
    lab.send(eve, &bye);
    lab.expect(eve, "SIP/2.0 407 ");
    let ack = near.request(&mut alice, "ACK", "");
    lab.send(eve, &ack);
    lab.silent(eve);
    lab.silent(bob.flow);
}

#[test]
fn route_of_another_dialog_is_refused() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    let stolen = near.request(&mut alice, "INFO", "").replace(&alice.tag, "another-tag");
    lab.send(alice.flow, &stolen);
    lab.expect(alice.flow, "SIP/2.0 403 ");
    lab.silent(bob.flow);
}

#[test]
fn ringing_phone_can_answer_over_a_new_connection() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    bob.reconnect(&mut lab, 12);
    lab.pass(Duration::from_secs(5));
    lab.silent(alice.flow);

    let contact = format!("Contact: <{}>;expires=600\n", bob.contact);
    bob.register_with(&mut lab, &contact);
    assert_eq!(lab.next(bob.flow).0, received.0, "sent again: it may never have arrived");
    lab.pass(Duration::from_secs(60));
    lab.silent(alice.flow);
    lab.send(bob.flow, &reply(&received, "200 OK", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

#[test]
fn lost_callee_gets_480_after_the_grace_period() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    lab.down(bob.flow);
    lab.pass(Duration::from_secs(9));
    lab.silent(alice.flow);
    lab.pass(Duration::from_secs(2));
    lab.expect(alice.flow, "SIP/2.0 480 ");
}

#[test]
fn callee_lost_twice_gets_480() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 180 ");
    // The exchange does not know that the first connection is dead.
    bob.flow = lab.up(12, Transport::Ws);
    bob.register(&mut lab);
    lab.expect(bob.flow, "INVITE ");
    lab.down(bob.flow);
    lab.pass(Duration::from_secs(11));
    lab.expect(alice.flow, "SIP/2.0 480 ");
}

#[test]
fn caller_lost_twice_gets_the_final_response() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let old = alice.flow;
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    alice.flow = lab.up(11, Transport::Ws);
    alice.register(&mut lab);
    lab.expect(alice.flow, "SIP/2.0 100 ");
    alice.reconnect(&mut lab, 12);
    lab.send(bob.flow, &reply(&received, "486 Busy Here", "b", ""));
    lab.silent(old);
    alice.register(&mut lab);
    let busy = lab.expect(alice.flow, "SIP/2.0 486 ");
    lab.send(alice.flow, &alice.ack_refusal(&sent, &busy));
    assert_eq!(lab.exchange.load().transactions, 0);
}

#[test]
fn cancel_is_sent_over_the_new_connection() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.send(alice.flow, &alice.cancel(&sent));
    let cancel = lab.expect(bob.flow, "CANCEL ");
    bob.flow = lab.up(12, Transport::Ws);
    bob.register(&mut lab);
    assert_eq!(lab.next(bob.flow).0, received.0);
    assert_eq!(lab.next(bob.flow).0, cancel.0);
}

#[test]
fn binding_of_the_call_determines_its_flow() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    alice.contact = "sip:second@alice.invalid;transport=ws".to_owned();
    alice.register(&mut lab);
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (_, mut far) = alice.call(&mut lab, &mut bob);
    alice.reconnect(&mut lab, 11);
    alice.register(&mut lab);
    let request = far.request(&mut bob, "INFO", "");
    // The URI would match too, so use another one: only the binding in the route identifies the phone.
    let request =
        request.replace("INFO sip:second@alice.invalid;transport=ws", "INFO sip:gone@alice.invalid");
    lab.send(bob.flow, &request);
    lab.expect(alice.flow, "INFO sip:gone@alice.invalid ");
}

#[test]
fn refresh_over_the_same_connection_sends_nothing_again() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE ");
    bob.register(&mut lab);
    lab.silent(bob.flow);
}

/// A delayed REGISTER on the old connection arrives after the phone registered over a new one.
#[test]
fn binding_that_returns_to_a_connection_sends_nothing_again() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    let first = bob.flow;
    let second = lab.up(12, Transport::Ws);
    bob.flow = second;
    bob.register(&mut lab);
    assert_eq!(lab.next(second).0, received.0);
    lab.send(second, &reply(&received, "180 Ringing", "b", ""));
    lab.send(alice.flow, &alice.cancel(&sent));
    let cancel = lab.expect(second, "CANCEL ");
    bob.flow = first;
    bob.register(&mut lab);
    assert_eq!(lab.next(first).0, cancel.0, "the INVITE was there before, its CANCEL was not");
    lab.silent(first);
    bob.flow = second;
    bob.register(&mut lab);
    lab.silent(second);
}

#[test]
fn cancel_for_a_lost_callee_gets_487_immediately() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    lab.down(bob.flow);
    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 487 ");
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

#[test]
fn caller_can_reconnect_while_ringing() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    alice.reconnect(&mut lab, 11);
    let received = bob.answer(&mut lab);
    lab.silent(alice.flow);

    // The callee retransmits its 2xx until the ACK comes (RFC 3261 §13.3.1.4), so the caller gets it now.
    alice.register(&mut lab);
    lab.silent(alice.flow);
    lab.send(bob.flow, &reply(&received, "200 OK", &bob.tag, &format!("Contact: <{}>\n", bob.contact)));
    let ok = lab.expect(alice.flow, "SIP/2.0 200 ");
    let ack = Dialog::caller(&sent, &ok).request(&mut alice, "ACK", "");
    lab.send(alice.flow, &ack);
    lab.expect(bob.flow, "ACK ");
}

#[test]
fn caller_can_cancel_over_a_new_connection() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    alice.reconnect(&mut lab, 11);
    alice.register(&mut lab);
    lab.expect(alice.flow, "SIP/2.0 180 ");

    lab.send(alice.flow, &alice.cancel(&sent));
    lab.expect(alice.flow, "SIP/2.0 200 ");
    lab.expect(bob.flow, "CANCEL ");
    lab.send(bob.flow, &reply(&received, "487 Request Terminated", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 487 ");
}

#[test]
fn transfer_can_target_a_contact() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let contact = bob.contact.clone();
    alice.invite(&mut lab, &contact);
    lab.expect(bob.flow, &format!("INVITE {contact} "));
}
