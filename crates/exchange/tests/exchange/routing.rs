//! Unusual Route and Record-Route values: RFC 3261 §16.4, §16.6 and §16.12.

use offhook_exchange::{Config, Transport};

use crate::lab::{Dialog, Lab, Phone, Sip, config, reply};

/// An established call, and alice's next request in it.
fn talking(method: &str) -> (Lab, Phone, Phone, String) {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, _) = alice.call(&mut lab, &mut bob);
    let request = near.request(&mut alice, method, "");
    (lab, alice, bob, request)
}

fn route(request: &str) -> String {
    Sip(request.replace('\n', "\r\n")).row("Route").to_owned()
}

#[test]
fn request_of_a_strict_router_is_routed() {
    let (mut lab, alice, bob, request) = talking("BYE");
    let route = route(&request);
    let ours = route.trim_matches(['<', '>']);
    let strict = request.replace(&format!("Route: {route}"), &format!("Route: <{}>", bob.contact)).replacen(
        &format!("BYE {}", bob.contact),
        &format!("BYE {ours}"),
        1,
    );
    assert!(strict.starts_with("BYE sip:") && strict.contains(&format!("Route: <{}>", bob.contact)));
    lab.send(alice.flow, &strict);
    let received = lab.expect(bob.flow, &format!("BYE {} ", bob.contact));
    assert_eq!(received.rows("Route"), [""; 0]);
    lab.send(bob.flow, &reply(&received, "200 OK", "", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

#[test]
fn strict_router_as_next_hop_gets_its_uri() {
    let (mut lab, alice, bob, request) = talking("INFO");
    let route = route(&request);
    let strict = request.replace(&route, &format!("{route}, <sip:strict.example.org>"));
    lab.send(alice.flow, &strict);
    let received = lab.expect(bob.flow, "INFO sip:strict.example.org SIP/2.0\r\n");
    assert_eq!(received.row("Route"), format!("<{}>", bob.contact));
}

#[test]
fn later_routes_are_kept() {
    let (mut lab, alice, bob, request) = talking("INFO");
    let route = route(&request);
    let further =
        request.replace(&route, &format!("<sip:example.com;lr>, {route}, <sip:edge.example.org;lr>"));
    lab.send(alice.flow, &further);
    let received = lab.expect(bob.flow, &format!("INFO {} ", bob.contact));
    assert_eq!(received.row("Route"), "<sip:edge.example.org;lr>");
}

/// RFC 5658 §3.1: one value for each network; requests of both ends are routed with both.
#[test]
fn multi_homed_proxy_adds_two_record_routes() {
    let mut lab = Lab::with(Config { second_host: Some("inner.example".to_owned()), ..config() });
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    let info = far.request(&mut bob, "INFO", "");
    let hosts = |request: &str| {
        let request = Sip(request.replace('\n', "\r\n"));
        let hosts = |route: &str| route.split_once('@').expect("a token").1.to_owned();
        request.rows("Route").into_iter().map(hosts).collect::<Vec<_>>()
    };
    assert_eq!(hosts(&info), ["inner.example;lr>", "example.com;lr>"]);
    lab.send(bob.flow, &info);
    let received = lab.expect(alice.flow, &format!("INFO {} ", alice.contact));
    assert_eq!(received.rows("Route"), [""; 0]);
    lab.send(alice.flow, &reply(&received, "200 OK", "", ""));
    lab.expect(bob.flow, "SIP/2.0 200 ");
    let bye = near.request(&mut alice, "BYE", "");
    assert_eq!(hosts(&bye), ["example.com;lr>", "inner.example;lr>"]);
    lab.send(alice.flow, &bye);
    lab.expect(bob.flow, &format!("BYE {} ", bob.contact));
}

#[test]
fn both_ends_may_share_one_flow() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    // A gateway: bob's phone registers over alice's connection.
    bob.flow = alice.flow;
    bob.register(&mut lab);
    let sent = alice.invite(&mut lab, "sip:bob@example.com");
    let received = bob.answer(&mut lab);
    lab.expect(alice.flow, "SIP/2.0 180 ");
    let ok = lab.expect(alice.flow, "SIP/2.0 200 ");
    let mut near = Dialog::caller(&sent, &ok);
    let mut far = Dialog::callee(&received, &bob.tag);
    let request = near.request(&mut alice, "INFO", "");
    lab.send(alice.flow, &request);
    lab.expect(alice.flow, &format!("INFO {} ", bob.contact));
    let request = far.request(&mut bob, "INFO", "");
    lab.send(alice.flow, &request);
    lab.expect(alice.flow, &format!("INFO {} ", alice.contact));
}

#[test]
fn contact_equal_to_an_address_of_record_captures_no_calls() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    carol.contact = "sip:bob@example.com".to_owned();
    carol.register(&mut lab);
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE ");
    lab.silent(carol.flow);
}

#[test]
fn phone_on_the_exchanges_own_host_is_identified_by_its_port() {
    let mut lab = Lab::with(crate::lab::config().with_host("example.com:5060"));
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut desk = Phone::new(&mut lab, 2, Transport::Udp, "bob");
    desk.contact = "sip:bob@example.com:5070".to_owned();
    desk.register(&mut lab);
    let mobile = Phone::registered(&mut lab, 3, "bob");
    alice.invite(&mut lab, "sip:bob@example.com:5070");
    lab.expect(desk.flow, "INVITE sip:bob@example.com:5070 ");
    lab.silent(mobile.flow);
    alice.invite(&mut lab, "sip:bob@example.com:5060");
    lab.expect(desk.flow, "INVITE sip:bob@example.com:5070 ");
    lab.expect(mobile.flow, "INVITE sip:bob-3@bob.invalid");
}

#[test]
fn folded_header_does_not_prevent_ack_and_cancel() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 2, "bob");
    let mut guest = Phone::new(&mut lab, 1, Transport::Ws, "guest");
    let uri = "sip:bob@example.com";
    let invite = guest.request("INVITE", uri, uri, "");
    let invite = invite.replace("From: <sip:guest@example.com>", "From: \"A\"\n <sip:guest@example.org>");
    lab.send(guest.flow, &invite);
    let received = lab.expect(bob.flow, "INVITE ");
    let received = Sip(received.0.replace("\r\n ", " "));
    lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
    lab.send(guest.flow, &guest.cancel(&Sip(invite.replace("\n ", " ").replace('\n', "\r\n"))));
    let cancel = lab.expect(bob.flow, "CANCEL ");
    assert!(cancel.row("From").starts_with("\"A\""));
    assert!(cancel.row("From").ends_with("<sip:guest@example.org>;tag=guest-tag"));
    lab.send(bob.flow, &reply(&received, "487 Request Terminated", "b", ""));
    lab.expect(bob.flow, "ACK ");
}

#[test]
fn credentials_of_other_realms_are_forwarded() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let uri = "sip:bob@example.com";
    let first = alice.request("MESSAGE", uri, uri, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let own = alice.credentials(&challenge, "MESSAGE", uri);
    let other = "Digest username=\"a\", realm=\"elsewhere\", nonce=\"n\", uri=\"sip:x\", response=\"00000000000000000000000000000000\"";
    let rows = format!("Proxy-Authorization: {other}\nProxy-Authorization: {own}\n");
    let second = alice.request("MESSAGE", uri, uri, &rows);
    lab.send(alice.flow, &second);
    assert_eq!(lab.expect(bob.flow, "MESSAGE ").row("Proxy-Authorization"), other);
}
