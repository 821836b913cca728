//! Stateless responses (RFC 3261 §8.2.7, §26.3.2.4), and those that need a transaction.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Lab, Phone, Sip, reply};

fn sip(text: &str) -> Sip {
    Sip(text.replace('\n', "\r\n"))
}

/// The first requests of an unregistered UDP phone.
fn first_requests(phone: &mut Phone) -> Vec<(&'static str, String)> {
    let (own, bob) = ("sip:alice@example.com", "sip:bob@example.com");
    let contact = "Contact: <sip:a@a.invalid>\n";
    vec![
        ("401", phone.request("REGISTER", "sip:example.com", own, contact)),
        ("404", phone.request("REGISTER", "sip:example.com", "sip:nobody@example.com", contact)),
        ("407", phone.request("INVITE", bob, bob, contact)),
        ("407", phone.request("MESSAGE", bob, bob, "")),
        ("407", phone.request("BYE", bob, &format!("<{bob}>;tag=b"), "")),
        ("403", phone.request("INVITE", "sip:x@example.org", "sip:x@example.org", contact)),
        ("416", phone.request("INVITE", "tel:+1", "tel:+1", contact)),
        ("420", phone.request("INVITE", bob, bob, "Proxy-Require: teleport\n")),
        ("483", phone.request("INVITE", bob, bob, "").replace("Max-Forwards: 70", "Max-Forwards: 0")),
        ("200", phone.request("OPTIONS", "sip:example.com", "sip:example.com", "")),
        ("481", phone.request("CANCEL", bob, bob, "")),
    ]
}

#[test]
fn each_retransmission_gets_the_same_tag() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    for (status, request) in first_requests(&mut alice) {
        let mut tags = Vec::new();
        for _ in 0..3 {
            lab.send(alice.flow, &request);
            let answer = lab.expect(alice.flow, &format!("SIP/2.0 {status} "));
            lab.pass(Duration::from_secs(15));
            lab.silent(alice.flow);
            tags.push(answer.tag("To").to_owned());
        }
        assert!(!tags[0].is_empty() && tags[0] == tags[1] && tags[1] == tags[2], "{status} {tags:?}");
        assert_eq!(lab.exchange.load().transactions, 0);
    }
    lab.pass(Duration::from_secs(40));
    lab.silent(alice.flow);
}

#[test]
fn different_requests_get_different_tags() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    let mut tags = std::collections::BTreeSet::new();
    for (_, request) in first_requests(&mut alice) {
        lab.send(alice.flow, &request);
        tags.insert(lab.next(alice.flow).tag("To").to_owned());
    }
    assert_eq!(tags.len(), first_requests(&mut alice).len());
}

/// The ACK of a challenged INVITE ends at the exchange, also where its Request-URI is a phone that would get any other ACK.
#[test]
fn ack_for_a_challenge_is_absorbed() {
    for transport in [Transport::Udp, Transport::Ws] {
        let mut lab = Lab::new();
        let mut alice = Phone::over(&mut lab, 1, transport, "alice");
        let bob = Phone::over(&mut lab, 2, transport, "bob");
        for uri in [bob.contact.clone(), "sip:bob@example.com".to_owned()] {
            let invite = alice.request("INVITE", &uri, &uri, "");
            lab.send(alice.flow, &invite);
            let refusal = lab.expect(alice.flow, "SIP/2.0 407 ");
            let ack = alice.ack_refusal(&sip(&invite), &refusal);
            for _ in 0..2 {
                lab.send(alice.flow, &ack);
            }
            lab.silent(alice.flow);
            lab.silent(bob.flow);
        }
    }
}

/// An ACK with another tag belongs to a call.
#[test]
fn ack_for_a_call_is_forwarded() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let invite = alice.request("INVITE", &bob.contact, &bob.contact, "");
    lab.send(alice.flow, &invite);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let ack = alice.ack_refusal(&sip(&invite), &challenge);
    lab.send(alice.flow, &ack);
    lab.silent(bob.flow);
    lab.send(alice.flow, &ack.replace(challenge.tag("To"), "bob-tag"));
    lab.expect(bob.flow, "ACK ");
}

/// Registers a phone over UDP. Returns the last request and its response.
fn registered(lab: &mut Lab, phone: &mut Phone) -> (String, Sip) {
    let (uri, address) = ("sip:example.com", format!("sip:{}@example.com", phone.user));
    let contact = format!("Contact: <{}>\n", phone.contact);
    let first = phone.request("REGISTER", uri, &address, &contact);
    lab.send(phone.flow, &first);
    let challenge = lab.expect(phone.flow, "SIP/2.0 401 ");
    let rows = format!("{contact}Authorization: {}\n", phone.credentials(&challenge, "REGISTER", uri));
    let second = phone.request("REGISTER", uri, &address, &rows);
    lab.send(phone.flow, &second);
    let answer = lab.expect(phone.flow, "SIP/2.0 200 ");
    (second, answer)
}

/// Its credentials are consumed, so only the transaction can answer it.
#[test]
fn retransmitted_register_gets_the_same_response() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    let (request, answer) = registered(&mut lab, &mut alice);
    for _ in 0..5 {
        lab.pass(Duration::from_secs(6));
        lab.send(alice.flow, &request);
        assert_eq!(lab.next(alice.flow).0, answer.0);
    }
    lab.pass(Duration::from_secs(3));
    lab.send(alice.flow, &request);
    assert!(lab.expect(alice.flow, "SIP/2.0 401 ").0.contains("stale=true"), "after timer J");
}

#[test]
fn copied_register_from_another_address_is_no_retransmission() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    let (request, _) = registered(&mut lab, &mut alice);
    let eve = lab.up_from(9, Transport::Udp, "198.51.100.9:5060".parse().unwrap());
    lab.send(eve, &request);
    lab.expect(eve, "SIP/2.0 401 ");
    lab.silent(alice.flow);
    let contacts: Vec<_> = lab.exchange.contacts("alice").map(|(_, flow)| flow).collect();
    assert_eq!(contacts.len(), 1);
    lab.send(alice.flow, &request);
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

/// This includes refusals after the credentials were consumed.
#[test]
fn retransmitted_request_with_credentials_gets_the_same_response() {
    let cases = [
        ("200", "MESSAGE", "sip:bob@example.com"),
        ("480", "MESSAGE", "sip:carol@example.com"),
        ("404", "MESSAGE", "sip:nobody@example.com"),
        ("480", "INVITE", "sip:carol@example.com"),
        ("486", "INVITE", "sip:bob@example.com"),
    ];
    for (status, method, uri) in cases {
        let mut lab = Lab::new();
        let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
        let bob = Phone::registered(&mut lab, 2, "bob");
        let first = alice.request(method, uri, uri, "");
        lab.send(alice.flow, &first);
        let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
        let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, method, uri));
        let second = alice.request(method, uri, uri, &rows);
        lab.send(alice.flow, &second);
        if lab.waiting(bob.flow) > 0 {
            let received = lab.next(bob.flow);
            let text = if status == "200" { "200 OK" } else { "486 Busy Here" };
            lab.send(bob.flow, &reply(&received, text, "b", ""));
            lab.forget(bob.flow);
        }
        if lab.waiting(alice.flow) > 1 {
            lab.expect(alice.flow, "SIP/2.0 100 ");
        }
        let answer = lab.expect(alice.flow, &format!("SIP/2.0 {status} "));
        lab.send(alice.flow, &second);
        assert_eq!(lab.next(alice.flow).0, answer.0, "{method} {uri}");
        lab.silent(alice.flow);
        lab.silent(bob.flow);
    }
}

/// A user that differs from From is refused with a transaction, since its credentials are consumed.
#[test]
fn refusal_of_an_authenticated_user_is_retransmitted_until_its_ack() {
    let mut lab = Lab::new();
    let mut carol = Phone::new(&mut lab, 1, Transport::Udp, "carol");
    let uri = "sip:bob@example.com";
    let as_alice = |request: String| request.replace("From: <sip:carol@", "From: <sip:alice@");
    let first = as_alice(carol.request("INVITE", uri, uri, ""));
    lab.send(carol.flow, &first);
    let challenge = lab.expect(carol.flow, "SIP/2.0 407 ");
    let rows = format!("Proxy-Authorization: {}\n", carol.credentials(&challenge, "INVITE", uri));
    let second = as_alice(carol.request("INVITE", uri, uri, &rows));
    lab.send(carol.flow, &second);
    let refusal = lab.expect(carol.flow, "SIP/2.0 403 ");
    lab.pass(Duration::from_millis(600));
    assert_eq!(lab.next(carol.flow).0, refusal.0, "timer G");
    lab.send(carol.flow, &carol.ack_refusal(&sip(&second), &refusal));
    lab.pass(Duration::from_secs(40));
    lab.silent(carol.flow);
    assert_eq!(lab.exchange.load().transactions, 0);
}
