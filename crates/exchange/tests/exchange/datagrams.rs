//! The state that a datagram creates: none, unless it is a request that is admitted.

use std::time::Duration;

use offhook_exchange::{Config, Event, FlowId, Input, Transport};

use crate::lab::{Lab, Phone, config, reply};

fn datagram(lab: &mut Lab, sender: u32, data: &[u8]) {
    let [_, high, middle, low] = sender.to_be_bytes();
    let remote = ([198, high, middle, low], 5060).into();
    lab.input(Input::Datagram { remote, data: data.to_vec().into() });
}

fn text(lab: &mut Lab, sender: u32, message: &str) {
    datagram(lab, sender, message.replace('\n', "\r\n").as_bytes());
}

#[track_caller]
fn nothing_is_held(lab: &Lab) {
    let load = lab.exchange.load();
    assert_eq!((load.flows, load.transactions, load.bytes, load.bindings), (0, 0, 0, 0));
    assert_eq!(lab.exchange.deadline(), None);
}

/// Whether the flow of datagrams with this number, counted from 0, exists.
fn is_remembered(lab: &Lab, number: u64) -> bool {
    lab.exchange.remote(FlowId(FlowId::DATAGRAMS + number)).is_some()
}

#[test]
fn garbage_creates_no_state() {
    let mut lab = Lab::new();
    let cut = b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:x";
    let pieces: [&[u8]; 8] = [b"", b"x", b"\r\n", b"\r\n\r\n", &[0; 20], &[0xff; 1500], b"REGISTER", cut];
    for sender in 0..1000 {
        datagram(&mut lab, sender, pieces[sender as usize % pieces.len()]);
    }
    assert_eq!(lab.astray.len(), 1000 / pieces.len(), "only the last can be answered");
    assert!(lab.astray.iter().all(|(_, answer)| answer.starts_with("SIP/2.0 400 ")));
    nothing_is_held(&lab);
}

/// A request with all mandatory headers.
fn request(method: &str, uri: &str, from: &str, to: &str, rows: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP a.invalid;rport;branch=z9hG4bK1\nMax-Forwards: 70\n\
         From: <{from}>;tag=f\nTo: {to}\nCall-ID: c\nCSeq: 1 {method}\n{rows}Content-Length: 0\n\n"
    )
}

#[test]
fn unauthenticated_datagrams_create_no_state() {
    let mut lab = Lab::with(Config { guests: false, ..config() });
    let (alice, bob, eve) = ("sip:alice@example.com", "sip:bob@example.com", "sip:eve@example.org");
    let (in_dialog, contact_uri) = ("<sip:bob@example.com>;tag=1", "sip:b@b.invalid");
    let wrong = "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"n\", \
        uri=\"sip:example.com\", response=\"00000000000000000000000000000000\"\n";
    let contact = "Contact: <sip:alice@a.invalid>\n";
    let mut answered = 0;
    let mut messages = vec![
        (401, request("REGISTER", "sip:example.com", alice, alice, contact)),
        (401, request("REGISTER", "sip:example.com", alice, alice, &format!("{contact}{wrong}"))),
        (404, request("REGISTER", "sip:example.com", eve, "sip:nobody@example.com", contact)),
        (400, request("REGISTER", "sip:example.com", alice, "tel:+1", contact)),
        (200, request("OPTIONS", "sip:example.com", eve, "sip:example.com", "")),
        (481, request("CANCEL", bob, alice, bob, "")),
        (0, request("ACK", bob, alice, bob, "")),
        (0, request("ACK", contact_uri, eve, in_dialog, "")),
        (0, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP example.com;branch=z9hG4bKAAAA\nCSeq: 1 INVITE\n\n".to_owned()),
    ];
    for method in ["INVITE", "OPTIONS", "BYE", "MESSAGE", "SUBSCRIBE", "FROBNICATE"] {
        messages.push((407, request(method, bob, alice, bob, "")));
        messages.push((403, request(method, bob, eve, bob, "")));
        messages.push((407, request(method, contact_uri, alice, in_dialog, "")));
    }
    for (sender, (status, message)) in messages.iter().enumerate() {
        text(&mut lab, sender as u32, message);
        answered += usize::from(*status > 0);
        assert_eq!(lab.astray.len(), answered, "{message}");
        if *status > 0 {
            let (_, answer) = lab.astray.last().expect("an answer");
            assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{message}{answer}");
        }
        nothing_is_held(&lab);
    }
    assert!(lab.events.iter().all(|event| matches!(event, Event::Denied { .. })), "{:?}", lab.events);
}

#[test]
fn valid_credentials_create_a_flow_and_a_transaction() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    alice.register_with(&mut lab, "");
    assert_eq!((lab.exchange.load().flows, lab.exchange.load().transactions), (1, 1));
    lab.pass(Duration::from_secs(33));
    assert_eq!((lab.exchange.load().transactions, lab.exchange.load().bytes), (0, 0));
    lab.pass(Duration::from_secs(300));
    nothing_is_held(&lab);
}

/// A lab with a limit on flows of datagrams.
fn narrow(limit: usize) -> Lab {
    let mut config = config();
    config.limits.datagram_flows = limit;
    Lab::with(config)
}

/// Sends an OPTIONS of a guest at its own address to a user.
fn ask(lab: &mut Lab, sender: u32, user: &str) {
    let uri = format!("sip:{user}@example.com");
    let branch = format!("branch=z9hG4bK{sender}");
    let request = request("OPTIONS", &uri, "sip:x@example.org", &uri, "").replace("branch=z9hG4bK1", &branch);
    text(lab, sender, &request);
}

/// Answers all requests that the phone has received.
fn answer_all(lab: &mut Lab, phone: &Phone) {
    while lab.waiting(phone.flow) > 0 {
        let asked = lab.next(phone.flow);
        lab.send(phone.flow, &reply(&asked, "200 OK", "b", ""));
    }
}

#[test]
fn flow_idle_longest_is_evicted() {
    let mut lab = narrow(4);
    let alice = Phone::over(&mut lab, 1, Transport::Udp, "alice");
    for sender in 1..=3 {
        lab.pass(Duration::from_secs(40));
        ask(&mut lab, sender, "alice");
        answer_all(&mut lab, &alice);
    }
    assert_eq!(lab.exchange.load().flows, 4);
    lab.pass(Duration::from_secs(40));
    ask(&mut lab, 1, "alice");
    answer_all(&mut lab, &alice);
    lab.pass(Duration::from_secs(40));
    ask(&mut lab, 4, "alice");
    let remembered: Vec<u64> = (0..5).filter(|number| is_remembered(&lab, *number)).collect();
    assert_eq!(remembered, [0, 1, 3, 4], "the second guest was silent the longest");
}

#[test]
fn flow_of_a_registered_phone_is_never_evicted() {
    let mut lab = narrow(4);
    let mut alice = Phone::registered(&mut lab, 9, "alice");
    let mut desk = Phone::over(&mut lab, 1, Transport::Udp, "bob");
    let mut direct = Phone::desk(&mut lab, 2, "carol", "192.0.2.2:5060");
    direct.contact = "sip:carol@192.0.2.2:5070".to_owned();
    let listens = lab.up_from(3, Transport::Udp, "192.0.2.2:5070".parse().unwrap());
    direct.register(&mut lab);
    lab.pass(Duration::from_secs(40));
    for sender in 1..500 {
        ask(&mut lab, sender, if sender % 2 == 0 { "bob" } else { "carol" });
        lab.pass(Duration::from_millis(100));
        assert_eq!(lab.exchange.load().flows, 5, "four of datagrams and a WebSocket");
    }
    assert!(lab.waiting(desk.flow) + lab.waiting(listens) > 0);
    assert!(lab.astray.iter().any(|(_, answer)| answer.starts_with("SIP/2.0 503 ")), "all are in use");
    assert_eq!(lab.exchange.load().bindings, 3);
    lab.pass(Duration::from_secs(40));
    lab.forget(desk.flow);
    lab.forget(listens);
    alice.call(&mut lab, &mut desk);
    alice.invite(&mut lab, "sip:carol@example.com");
    lab.expect(listens, "INVITE ");
}

#[test]
fn sender_with_two_ports_needs_two_flows() {
    let mut lab = narrow(2);
    let bob = Phone::over(&mut lab, 1, Transport::Udp, "bob");
    lab.pass(Duration::from_secs(40));
    let mut guest = Phone::desk(&mut lab, 5, "guest", "198.51.100.7:7000");
    guest.domain = "example.org";
    guest.sent_by = "198.51.100.7:5060".to_owned();
    let uri = "sip:bob@example.com";
    let options = guest.request("OPTIONS", uri, uri, "");
    for _ in 0..2 {
        lab.send(guest.flow, &options);
    }
    lab.silent(bob.flow);
    let answers: Vec<&str> = lab.astray.iter().map(|(_, answer)| &answer[..12]).collect();
    assert_eq!(answers, ["SIP/2.0 503 "; 2]);

    let mut alice = Phone::desk(&mut lab, 6, "alice", "192.0.2.6:7000");
    alice.sent_by = "192.0.2.6:5060".to_owned();
    lab.up_from(7, Transport::Udp, "192.0.2.6:5060".parse().unwrap());
    let listens = FlowId(7);
    let first = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(listens, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Contact: <{}>\nAuthorization: {credentials}\n", alice.contact);
    let second = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", &rows);
    lab.send(alice.flow, &second);
    lab.expect(listens, "SIP/2.0 503 ");
    assert_eq!(lab.exchange.load().bindings, 1, "only Bob's");
}

/// A call over UDP between registered phones continues while guests fill the table.
#[test]
fn call_of_registered_phones_continues_while_the_table_is_full() {
    let mut lab = narrow(6);
    let mut alice = Phone::over(&mut lab, 1, Transport::Udp, "alice");
    let mut bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    for sender in 1..100 {
        ask(&mut lab, sender, "carol");
        ask(&mut lab, sender, "bob");
        lab.pass(Duration::from_secs(1));
    }
    lab.forget(alice.flow);
    lab.forget(bob.flow);
    let info = near.request(&mut alice, "INFO", "");
    lab.send(alice.flow, &info);
    lab.expect(bob.flow, "INFO ");
    let bye = far.request(&mut bob, "BYE", "");
    lab.send(bob.flow, &bye);
    lab.expect(alice.flow, "BYE ");
}
