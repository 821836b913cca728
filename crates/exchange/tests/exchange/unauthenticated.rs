//! Bounds on unauthenticated connections.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_exchange::{Config, FlowChange, FlowId, Input, Limits, Transport};

use crate::lab::{Lab, Phone, config};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Limits of a few connections.
fn narrow() -> Config {
    let limits =
        Limits { connections: 12, unauthenticated: 6, unauthenticated_per_source: 3, ..Limits::default() };
    Config { limits, ..config() }
}

fn connect(lab: &mut Lab, flow: u64, address: &str) -> FlowId {
    let remote: SocketAddr = address.parse().expect("an address");
    lab.up_from(flow, Transport::Ws, remote)
}

/// A request to Bob without credentials.
fn request(lab: &mut Lab, flow: FlowId, method: &str, from: &str) {
    lab.send(
        flow,
        &format!(
            "{method} sip:bob@example.com SIP/2.0\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK{method}{flow}\n\
             Max-Forwards: 70\nFrom: <{from}>;tag=x\nTo: <sip:bob@example.com>\nCall-ID: x{flow}\n\
             CSeq: 1 {method}\nContact: <sip:x@x.invalid>\n\n",
            flow = flow.0
        ),
    );
}

const GUEST: &str = "sip:x@example.org";

fn ids(flows: &[FlowId]) -> Vec<u64> {
    flows.iter().map(|flow| flow.0).collect()
}

#[test]
fn unauthenticated_connection_is_closed_after_the_timeout() {
    let mut lab = Lab::new();
    connect(&mut lab, 1, "198.51.100.1:1000");
    let mut alice = Phone::new(&mut lab, 2, Transport::Ws, "alice");
    let mut guesser = Phone::new(&mut lab, 3, Transport::Ws, "alice");
    guesser.password = "guess".to_owned();
    let chatty = connect(&mut lab, 4, "198.51.100.4:1000");
    assert_eq!(lab.exchange.load().unauthenticated, 4);
    alice.register_with(&mut lab, "");
    assert_eq!(lab.exchange.load().unauthenticated, 3);
    for _ in 0..31 {
        lab.pass(seconds(1));
        lab.send_bytes(chatty, b"\r\n\r\n");
        request(&mut lab, chatty, "OPTIONS", "sip:alice@example.com");
        guesser.register_with(&mut lab, "");
        lab.forget(guesser.flow);
    }
    assert_eq!(lab.closed, []);
    lab.pass(seconds(1));
    assert_eq!(ids(&lab.closed), [1, 3, 4], "neither keep-alives nor wrong credentials count");
    lab.pass(seconds(1000));
    assert_eq!(lab.closed.len(), 3, "whoever was a user once stays");
    assert_eq!((lab.exchange.load().flows, lab.exchange.load().unauthenticated), (1, 0));
}

#[test]
fn invite_of_a_guest_keeps_its_connection_if_guests_are_allowed() {
    for (guests, method, closed) in
        [(true, "INVITE", false), (false, "INVITE", true), (true, "OPTIONS", true), (true, "MESSAGE", true)]
    {
        let mut lab = Lab::with(Config { guests, ..config() });
        Phone::registered(&mut lab, 1, "bob");
        let guest = connect(&mut lab, 2, "198.51.100.1:1000");
        request(&mut lab, guest, method, GUEST);
        lab.pass(seconds(400));
        assert_eq!(!lab.closed.is_empty(), closed, "{method} guests: {guests}");
    }
}

#[test]
fn refused_invite_does_not_keep_its_connection() {
    let mut lab = Lab::new();
    let guest = connect(&mut lab, 2, "198.51.100.1:1000");
    request(&mut lab, guest, "INVITE", GUEST);
    lab.expect(guest, "SIP/2.0 480 ");
    lab.pass(seconds(33));
    assert_eq!(ids(&lab.closed), [2]);
}

#[test]
fn unauthenticated_connections_of_a_source_are_bounded() {
    let sources = [
        ["198.51.100.1:1", "198.51.100.1:2", "198.51.100.1:3", "[::ffff:198.51.100.1]:4"],
        ["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:0:ffff::]:1", "[2001:db8::1]:2"],
    ];
    for source in sources {
        let mut lab = Lab::with(narrow());
        connect(&mut lab, 10, "198.51.100.2:1");
        connect(&mut lab, 11, "[2001:db8:0:1::1]:1");
        for (flow, address) in (1..).zip(source) {
            lab.pass(seconds(1));
            connect(&mut lab, flow, address);
        }
        assert_eq!(ids(&lab.closed), [1], "{source:?}");
        assert_eq!(lab.exchange.load().unauthenticated, 5);
    }
}

#[test]
fn unauthenticated_connections_are_bounded_in_total() {
    let mut lab = Lab::with(narrow());
    for flow in 1..=9 {
        lab.pass(seconds(1));
        connect(&mut lab, flow, &format!("198.51.100.{flow}:1"));
    }
    assert_eq!(ids(&lab.closed), [1, 2, 3]);
    assert_eq!(lab.exchange.load().unauthenticated, 6);
}

/// Opens as many connections as possible from many sources, some of them guests.
fn crowd(lab: &mut Lab, first: u64, guests: bool) {
    for flow in first..first + 12 {
        let guest = connect(lab, flow, &format!("198.51.100.{flow}:1"));
        if guests {
            request(lab, guest, "INVITE", GUEST);
        }
    }
}

#[test]
fn users_can_connect_at_the_bounds_of_others() {
    for guests in [false, true] {
        let mut lab = Lab::with(narrow());
        let bob = Phone::registered(&mut lab, 1, "bob");
        crowd(&mut lab, 100, guests);
        let mut alice = Phone::registered(&mut lab, 2, "alice");
        crowd(&mut lab, 200, guests);
        lab.pass(seconds(100));
        crowd(&mut lab, 220, guests);
        assert!(lab.closed.iter().all(|flow| flow.0 >= 100), "{:?}", lab.closed);
        assert_eq!(lab.exchange.load().bindings, 2);
        lab.forget(bob.flow);
        alice.invite(&mut lab, "sip:bob@example.com");
        lab.expect(bob.flow, "INVITE ");
    }
}

#[test]
fn users_of_a_full_source_can_connect() {
    let mut lab = Lab::with(narrow());
    Phone::registered(&mut lab, 1, "bob");
    for flow in 100..110 {
        let guest = connect(&mut lab, flow, &format!("192.0.2.2:{flow}"));
        request(&mut lab, guest, "INVITE", GUEST);
    }
    let mut alice = Phone::new(&mut lab, 2, Transport::Ws, "alice");
    lab.down(alice.flow);
    alice.flow = connect(&mut lab, 3, "192.0.2.2:3");
    alice.register(&mut lab);
}

#[test]
fn connections_are_bounded_in_total() {
    let mut lab = Lab::with(narrow());
    let mut phones = Vec::new();
    for flow in 1..=12 {
        let mut phone = Phone::new(&mut lab, flow, Transport::Ws, "alice");
        phone.register_with(&mut lab, "");
        phones.push(phone);
    }
    connect(&mut lab, 13, "198.51.100.1:1");
    assert_eq!(ids(&lab.closed), [13], "all are users'");
    lab.down(phones[0].flow);
    connect(&mut lab, 14, "198.51.100.1:1");
    connect(&mut lab, 15, "198.51.100.2:1");
    assert_eq!(ids(&lab.closed), [13, 14]);
    assert_eq!(lab.exchange.load().flows, 12);
}

#[test]
fn connections_of_a_user_are_bounded() {
    let mut config = config();
    config.limits.connections_per_user = 3;
    let mut lab = Lab::with(config);
    let mut first = Phone::registered(&mut lab, 1, "alice");
    Phone::registered(&mut lab, 9, "bob");
    for flow in 2..=4 {
        let mut other = Phone::new(&mut lab, flow, Transport::Ws, "alice");
        other.tag = format!("tag{flow}");
        other.register_with(&mut lab, "");
    }
    assert_eq!(ids(&lab.closed), [2], "one without a binding makes room");
    for flow in 5..=6 {
        let mut other = Phone::new(&mut lab, flow, Transport::Ws, "alice");
        other.tag = format!("tag{flow}");
        other.register(&mut lab);
    }
    assert_eq!(ids(&lab.closed), [2, 3, 4]);
    let mut last = Phone::new(&mut lab, 7, Transport::Ws, "alice");
    last.tag = "last".to_owned();
    let answer = last.register_with(&mut lab, &format!("Contact: <{}>\n", last.contact));
    assert_eq!(answer.start(), "SIP/2.0 503 Too Many Connections", "all have bindings");
    first.register(&mut lab);
    assert_eq!(lab.exchange.load().bindings, 4);
    lab.pass(seconds(33));
    assert_eq!(ids(&lab.closed), [2, 3, 4, 7], "it stayed a stranger's");
}

#[test]
fn evicted_connection_is_closed_once() {
    let mut lab = Lab::with(narrow());
    for flow in 1..=100 {
        connect(&mut lab, flow, "198.51.100.1:1");
    }
    assert_eq!(ids(&lab.closed), (1..=97).collect::<Vec<_>>());
    assert_eq!(lab.exchange.load().flows, 3);
    for flow in 1..=100 {
        lab.input(Input::Flow { flow: FlowId(flow), change: FlowChange::Down });
    }
    assert_eq!((lab.exchange.load().flows, lab.exchange.load().unauthenticated), (0, 0));
    assert_eq!(lab.exchange.deadline(), None);
}

/// One read of a stream with requests of several users.
#[test]
fn connection_evicted_twice_is_closed_once() {
    let mut config = config();
    config.limits.connections_per_user = 1;
    let mut lab = Lab::with(config);
    let mut idle = Phone::new(&mut lab, 1, Transport::Ws, "alice");
    idle.register_with(&mut lab, "");
    let mut alice = Phone::new(&mut lab, 2, Transport::Tcp, "alice");
    alice.tag = "gateway".to_owned();
    let mut bob = Phone::new(&mut lab, 3, Transport::Tcp, "bob");
    bob.flow = alice.flow;
    let mut piece = String::new();
    for number in 1..=3 {
        let phone = if number == 2 { &mut bob } else { &mut alice };
        let address = format!("sip:{}@example.com", phone.user);
        let first = phone.request("REGISTER", "sip:example.com", &address, "");
        lab.send(phone.flow, &first);
        let challenge = lab.expect(phone.flow, "SIP/2.0 401 ");
        let rows =
            format!("Authorization: {}\n", phone.credentials(&challenge, "REGISTER", "sip:example.com"));
        piece += &phone.request("REGISTER", "sip:example.com", &address, &rows);
    }
    lab.send(alice.flow, &piece);
    for _ in 0..3 {
        lab.expect(alice.flow, "SIP/2.0 200 ");
    }
    assert_eq!(ids(&lab.closed), [1]);
}

#[test]
fn datagrams_do_not_count_as_connections() {
    let mut lab = Lab::new();
    let (flow, remote) = (FlowId(1), "198.51.100.1:1".parse().unwrap());
    lab.input(Input::Flow { flow, change: FlowChange::Up { transport: Transport::Udp, remote } });
    assert_eq!(ids(&lab.closed), [1]);
    assert_eq!(lab.exchange.load().flows, 0);
}
