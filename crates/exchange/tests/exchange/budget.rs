//! Bounds on the bytes held by transactions of users and of guests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use offhook_exchange::{ByteLimits, CallStep, Config, Event, FlowChange, Input, Transport};

use crate::lab::{Dialog, Lab, Phone, config, reply};

/// The body of a large request.
const BODY: usize = 10_000;
/// A little more than the size of a transaction with such a body: the request, the forwarded request, and some kilobytes.
const BIG: usize = 25_000;

fn limited(users: ByteLimits, guests: ByteLimits) -> Lab {
    let mut config = config();
    config.limits.bytes = users;
    config.limits.guest_bytes = guests;
    Lab::with(config)
}

fn bytes(total: usize, per_source: usize, per_flow: usize) -> ByteLimits {
    ByteLimits { total: total * BIG, per_source: per_source * BIG, per_flow: per_flow * BIG }
}

const PLENTY: ByteLimits = ByteLimits { total: usize::MAX, per_source: usize::MAX, per_flow: usize::MAX };

/// A request with a body in place of its `Content-Length: 0`.
fn with_body(request: &str) -> String {
    let body = "x".repeat(BODY);
    request.replace("Content-Length: 0\n\n", &format!("Content-Length: {BODY}\n\n{body}"))
}

/// Sends large MESSAGEs to Bob with credentials. Returns how many were forwarded.
fn messages(lab: &mut Lab, phone: &mut Phone, count: usize, bob: &Phone) -> usize {
    let uri = "sip:bob@example.com";
    let before = lab.waiting(bob.flow);
    for _ in 0..count {
        let first = phone.request("MESSAGE", uri, uri, "");
        lab.send(phone.flow, &first);
        let challenge = lab.expect(phone.flow, "SIP/2.0 407 ");
        let rows = format!("Proxy-Authorization: {}\n", phone.credentials(&challenge, "MESSAGE", uri));
        let second = phone.request("MESSAGE", uri, uri, &rows);
        lab.send(phone.flow, &with_body(&second));
        if lab.waiting(phone.flow) > 0 {
            lab.expect(phone.flow, "SIP/2.0 503 ");
        }
    }
    lab.waiting(bob.flow) - before
}

/// Sends large INVITEs to Bob without credentials. Returns how many were forwarded.
fn calls(lab: &mut Lab, guest: &mut Phone, count: usize, bob: &Phone) -> usize {
    let uri = "sip:bob@example.com";
    let before = lab.waiting(bob.flow);
    for _ in 0..count {
        let invite = guest.request("INVITE", uri, uri, "Contact: <sip:g@g.invalid>\n");
        lab.send(guest.flow, &with_body(&invite));
        let answer = lab.next(guest.flow);
        assert!(["SIP/2.0 100 ", "SIP/2.0 503 "].contains(&&answer.0[..12]), "{}", answer.0);
    }
    lab.waiting(bob.flow) - before
}

/// A phone on a WebSocket from this address.
fn phone_at(lab: &mut Lab, flow: u64, user: &str, address: &str) -> Phone {
    let mut phone = Phone::new(lab, flow, Transport::Ws, user);
    lab.down(phone.flow);
    phone.flow = lab.up_from(flow, Transport::Ws, address.parse().expect("an address"));
    phone
}

#[test]
fn users_are_bounded_by_flow_by_source_and_in_total() {
    let mut lab = limited(bytes(5, 3, 2), PLENTY);
    let bob = Phone::registered(&mut lab, 1, "bob");
    let mut one = phone_at(&mut lab, 2, "alice", "198.51.100.1:1");
    let mut two = phone_at(&mut lab, 3, "alice", "198.51.100.1:2");
    let mut three = phone_at(&mut lab, 4, "carol", "[2001:db8::1]:1");
    let mut four = phone_at(&mut lab, 5, "carol", "[2001:db8::2]:1");
    let mut five = phone_at(&mut lab, 6, "carol", "198.51.100.3:1");
    assert_eq!(messages(&mut lab, &mut one, 4, &bob), 2, "the flow");
    assert_eq!(messages(&mut lab, &mut two, 4, &bob), 1, "the source");
    assert_eq!(messages(&mut lab, &mut three, 1, &bob), 1);
    assert_eq!(messages(&mut lab, &mut four, 4, &bob), 1, "all together");
    assert_eq!(messages(&mut lab, &mut five, 1, &bob), 0, "all together");
    let held = lab.exchange.load().bytes;
    assert!(held > 5 * 2 * BODY && held <= 5 * BIG, "{held}");
    lab.pass(Duration::from_secs(33));
    assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0));
    assert_eq!(messages(&mut lab, &mut five, 1, &bob), 1);
}

#[test]
fn guests_have_separate_bounds() {
    let mut lab = limited(PLENTY, bytes(5, 3, 2));
    let bob = Phone::registered(&mut lab, 1, "bob");
    let guest = |lab: &mut Lab, flow: u64, address: &str| {
        let mut guest = phone_at(lab, flow, "guest", address);
        guest.domain = "example.org";
        guest
    };
    let mut one = guest(&mut lab, 2, "198.51.100.1:1");
    let mut two = guest(&mut lab, 3, "198.51.100.1:2");
    let mut three = guest(&mut lab, 4, "198.51.100.2:1");
    assert_eq!(calls(&mut lab, &mut one, 4, &bob), 2, "the flow");
    assert_eq!(calls(&mut lab, &mut two, 4, &bob), 1, "the source");
    assert_eq!(calls(&mut lab, &mut three, 4, &bob), 2, "all together");
    let mut alice = phone_at(&mut lab, 5, "alice", "198.51.100.1:3");
    assert_eq!(messages(&mut lab, &mut alice, 4, &bob), 4, "users at the same source have their own");
    for flow in [one.flow, two.flow, three.flow] {
        lab.down(flow);
    }
    lab.pass(Duration::from_secs(70));
    assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0));
}

#[test]
fn each_branch_counts() {
    let mut lab = limited(bytes(2, 2, 2), PLENTY);
    for flow in 1..=9 {
        let mut bob = Phone::new(&mut lab, flow, Transport::Ws, "bob");
        bob.tag = format!("b{flow}");
        bob.register(&mut lab);
    }
    let mut alice = Phone::registered(&mut lab, 20, "alice");
    let uri = "sip:bob@example.com";
    let first = alice.request("MESSAGE", uri, uri, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, "MESSAGE", uri));
    let second = alice.request("MESSAGE", uri, uri, &rows);
    lab.send(alice.flow, &with_body(&second));
    lab.expect(alice.flow, "SIP/2.0 503 ");
    assert_eq!(lab.exchange.load().bytes, 0);
}

/// No bytes are held after a call has ended in any way.
#[test]
fn ended_calls_hold_no_bytes() {
    for transport in [Transport::Ws, Transport::Udp] {
        let mut lab = Lab::new();
        let mut alice = Phone::over(&mut lab, 1, transport, "alice");
        let mut bob = Phone::over(&mut lab, 2, transport, "bob");
        let (mut near, _) = alice.call(&mut lab, &mut bob);
        let bye = near.request(&mut alice, "BYE", "");
        lab.send(alice.flow, &bye);
        let bye = lab.expect(bob.flow, "BYE ");
        lab.send(bob.flow, &reply(&bye, "200 OK", "", ""));
        lab.expect(alice.flow, "SIP/2.0 200 ");
        let sent = alice.invite(&mut lab, "sip:bob@example.com");
        let ringing = lab.expect(bob.flow, "INVITE ");
        lab.send(bob.flow, &reply(&ringing, "180 Ringing", "b", ""));
        lab.send(alice.flow, &alice.cancel(&sent));
        lab.forget(alice.flow);
        alice.invite(&mut lab, "sip:bob@example.com");
        assert!(lab.exchange.load().bytes > 0);
        lab.down(bob.flow);
        lab.pass(Duration::from_secs(300));
        assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0), "{transport:?}");
    }
}

/// Pending calls of a guest are cancelled when its connection is lost.
#[test]
fn calls_of_a_lost_guest_are_cancelled_and_freed() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 1, "bob");
    let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
    assert_eq!(calls(&mut lab, &mut guest, 3, &bob), 3);
    let invites: Vec<_> = (0..3).map(|_| lab.expect(bob.flow, "INVITE ")).collect();
    for (invite, status) in invites.iter().zip(["180 Ringing", "100 Trying"]) {
        lab.send(bob.flow, &reply(invite, status, "b", ""));
    }
    lab.down(guest.flow);
    for _ in 0..2 {
        let cancel = lab.expect(bob.flow, "CANCEL ");
        lab.send(bob.flow, &reply(&cancel, "200 OK", "b", ""));
    }
    lab.silent(bob.flow);
    for invite in &invites {
        lab.send(bob.flow, &reply(invite, "487 Request Terminated", "b", ""));
        lab.expect(bob.flow, "ACK ");
    }
    assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0));
}

#[test]
fn options_of_a_lost_guest_are_freed_immediately() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 1, "bob");
    let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
    let uri = "sip:bob@example.com";
    let options = guest.request("OPTIONS", uri, uri, "");
    lab.send(guest.flow, &options);
    lab.expect(bob.flow, "OPTIONS ");
    lab.down(guest.flow);
    assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0));
}

/// A request inside a dialog whose other end is not registered waits only if its sender is known.
#[test]
fn only_requests_of_registered_senders_wait_for_an_unregistered_peer() {
    let mut lab = Lab::new();
    let mut bob = Phone::registered(&mut lab, 1, "bob");
    let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
    let uri = "sip:bob@example.com";
    let invite = guest.request("INVITE", uri, uri, &format!("Contact: <{}>\n", guest.contact));
    lab.send(guest.flow, &invite);
    lab.expect(guest.flow, "SIP/2.0 100 ");
    let received = bob.answer(&mut lab);
    lab.expect(guest.flow, "SIP/2.0 180 ");
    let ok = lab.expect(guest.flow, "SIP/2.0 200 ");
    let invite = crate::lab::Sip(invite.replace('\n', "\r\n"));
    let mut near = Dialog::caller(&invite, &ok);
    let mut far = Dialog::callee(&received, &bob.tag);
    let ack = near.request(&mut guest, "ACK", "");
    lab.send(guest.flow, &ack);
    lab.expect(bob.flow, "ACK ");
    lab.pass(Duration::from_secs(33));

    lab.down(bob.flow);
    let info = near.request(&mut guest, "INFO", "");
    lab.send(guest.flow, &info);
    lab.expect(guest.flow, "SIP/2.0 480 ");
    assert_eq!(lab.exchange.load().bytes, 0);
    let stray = near.routeless().request(&mut guest, "INFO", "");
    lab.send(guest.flow, &stray);
    lab.expect(guest.flow, "SIP/2.0 403 ");
    assert_eq!(lab.exchange.load().bytes, 0);

    bob.flow = lab.up(12, Transport::Ws);
    bob.register(&mut lab);
    lab.down(guest.flow);
    let info = far.request(&mut bob, "INFO", "");
    lab.send(bob.flow, &info);
    lab.expect(bob.flow, "SIP/2.0 480 ");
    assert_eq!(lab.exchange.load().bytes, 0, "a guest that is gone does not come back");
}

#[test]
fn long_contact_is_refused() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Ws, "alice");
    for (length, status) in [(2048, "200 "), (2049, "400 ")] {
        let contact = format!("<sip:{}@alice.invalid>", "a".repeat(length - 20));
        assert_eq!(contact.len(), length);
        let answer = alice.register_with(&mut lab, &format!("Contact: {contact}\n"));
        assert!(answer.start().starts_with(&format!("SIP/2.0 {status}")), "{length}: {}", answer.start());
    }
    let instance = format!("Contact: <sip:a@b>;+sip.instance=\"{}\"\n", "i".repeat(2048));
    assert!(alice.register_with(&mut lab, &instance).start().starts_with("SIP/2.0 400 "));
    assert_eq!(lab.exchange.load().bindings, 1);
}

#[test]
fn texts_of_events_are_bounded() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Ws, "alice");
    alice.contact = format!("sip:{}@alice.invalid", "c".repeat(1000));
    alice.register(&mut lab);
    let mut guesser = Phone::new(&mut lab, 2, Transport::Ws, "alice");
    let first = guesser.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(guesser.flow, &first);
    let challenge = lab.expect(guesser.flow, "SIP/2.0 401 ");
    guesser.user = "u".repeat(1000);
    let rows = format!("Authorization: {}\n", guesser.credentials(&challenge, "REGISTER", "sip:example.com"));
    guesser.user = "alice".to_owned();
    let second = guesser.request("REGISTER", "sip:example.com", "sip:alice@example.com", &rows);
    lab.send(guesser.flow, &second);
    let mut guest = Phone::guest(&mut lab, 3, Transport::Ws);
    let long = "x".repeat(1000);
    let uri = "sip:alice@example.com";
    let to = format!("<sip:alice@example.com;x={long}>");
    let invite = guest.request("INVITE", uri, &to, "").replace("Call-ID: ", &format!("Call-ID: {long}"));
    lab.send(guest.flow, &invite.replace("<sip:guest@", &format!("<sip:{long}@")));
    lab.down(alice.flow);
    let mut kinds = [false; 4];
    for event in &lab.events {
        let texts: Vec<&String> = match event {
            Event::Registered { contact, .. } => vec![contact],
            Event::Unregistered { contact, .. } => vec![contact],
            Event::Denied { user, .. } => vec![user],
            Event::Call { call_id, from, to, step: CallStep::Offered { .. } } => vec![call_id, from, to],
            _ => vec![],
        };
        assert!(texts.iter().all(|text| text.len() == 256), "{event:?}");
        let kind = match event {
            Event::Registered { .. } => 0,
            Event::Unregistered { .. } => 1,
            Event::Denied { .. } => 2,
            _ => 3,
        };
        kinds[kind] = true;
    }
    assert_eq!(kinds, [true; 4]);
}

/// A buffer that records when it is freed.
struct Buffer {
    data: Vec<u8>,
    dropped: Arc<AtomicBool>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

/// A waiting transaction keeps its messages, not their receive buffers.
#[test]
fn small_message_does_not_keep_its_receive_buffer() {
    for transport in [Transport::Ws, Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::new();
        let bob = Phone::over(&mut lab, 1, transport, "bob");
        let mut guest = Phone::guest(&mut lab, 2, transport);
        let uri = "sip:bob@example.com";
        let invite = guest.request("INVITE", uri, uri, "Contact: <sip:g@g.invalid>\n");
        let from_guest = guest.flow;
        let send = |lab: &mut Lab, flow, text: &str| {
            let text = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
            let length = text.len();
            let data = [text, vec![b' '; 60_000]].concat();
            let dropped = Arc::new(AtomicBool::new(false));
            let whole = Bytes::from_owner(Buffer { data, dropped: dropped.clone() });
            let data = whole.slice(..length);
            drop(whole);
            lab.input(match lab.received(flow, b"") {
                Input::Datagram { remote, .. } => Input::Datagram { remote, data },
                _ => Input::Received { flow, data },
            });
            assert!(dropped.load(Ordering::Relaxed), "{transport:?} {text}", text = &lab.ladder.join("\n"));
        };
        send(&mut lab, from_guest, &invite);
        let received = lab.expect(bob.flow, "INVITE ");
        send(&mut lab, bob.flow, &reply(&received, "180 Ringing", "b", ""));
        send(&mut lab, bob.flow, &reply(&received, "486 Busy Here", "b", ""));
        assert!(lab.exchange.load().bytes > 0);
    }
}

/// Responses count against the same bounds; beyond them they are forwarded but not retransmitted.
#[test]
fn large_responses_are_not_kept_beyond_the_bounds() {
    let mut lab = limited(bytes(4, 4, 4), PLENTY);
    let bob = Phone::over(&mut lab, 1, Transport::Udp, "bob");
    let mut alice = Phone::over(&mut lab, 2, Transport::Udp, "alice");
    lab.pass(Duration::from_secs(40));
    let mut ringing = Vec::new();
    for _ in 0..12 {
        alice.invite(&mut lab, "sip:bob@example.com");
        ringing.push(lab.expect(bob.flow, "INVITE "));
    }
    for received in &ringing {
        lab.send(bob.flow, &with_body(&reply(received, "183 Session Progress", "b", "")));
        assert!(lab.expect(alice.flow, "SIP/2.0 183 ").0.len() > BODY);
        let held = lab.exchange.load().bytes;
        assert!(held <= 5 * BIG, "{held}");
    }
    for received in ringing {
        lab.send(bob.flow, &with_body(&reply(&received, "486 Busy Here", "b", "")));
        lab.expect(alice.flow, "SIP/2.0 486 ");
        let held = lab.exchange.load().bytes;
        assert!(held <= 5 * BIG, "{held}");
    }
    lab.pass(Duration::from_secs(400));
    assert_eq!(lab.exchange.load().bytes, 0);
}

#[test]
fn large_responses_to_small_requests_are_not_kept_beyond_the_bounds() {
    let mut lab = limited(bytes(4, 4, 4), PLENTY);
    let bob = Phone::over(&mut lab, 1, Transport::Udp, "bob");
    let mut alice = Phone::over(&mut lab, 2, Transport::Udp, "alice");
    lab.pass(Duration::from_secs(40));
    let uri = "sip:bob@example.com";
    for _ in 0..12 {
        let first = alice.request("OPTIONS", uri, uri, "");
        lab.send(alice.flow, &first);
        let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
        let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, "OPTIONS", uri));
        let second = alice.request("OPTIONS", uri, uri, &rows);
        lab.send(alice.flow, &second);
    }
    for _ in 0..12 {
        let received = lab.expect(bob.flow, "OPTIONS ");
        lab.send(bob.flow, &with_body(&reply(&received, "200 OK", "b", "")));
        assert!(lab.expect(alice.flow, "SIP/2.0 200 ").0.len() > BODY, "it goes on as it came");
        let held = lab.exchange.load().bytes;
        assert!(held <= 5 * BIG, "{held}");
    }
    lab.pass(Duration::from_secs(400));
    assert_eq!(lab.exchange.load().bytes, 0);
}

/// A host must not reuse a flow id. If it does, only the accounting of the old connection is lost.
#[test]
fn reused_flow_id_is_harmless() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    let remote = "192.0.2.1:5001".parse().unwrap();
    let change = FlowChange::Up { transport: Transport::Ws, remote };
    lab.input(Input::Flow { flow: alice.flow, change });
    lab.send(bob.flow, &reply(&received, "486 Busy Here", "b", ""));
    lab.pass(Duration::from_secs(60));
    assert_eq!((lab.exchange.load().bytes, lab.exchange.load().transactions), (0, 0));
}

/// The default bounds are those in the documentation.
#[test]
fn defaults_are_as_documented() {
    let limits = Config::new("example.com").limits;
    let mib = |bytes: ByteLimits| [bytes.total, bytes.per_source, bytes.per_flow].map(|bytes| bytes >> 20);
    assert_eq!((mib(limits.bytes), mib(limits.guest_bytes)), ([64, 32, 16], [8, 2, 1]));
    assert_eq!(limits.contact, 2048);
}
