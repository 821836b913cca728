//! UDP phones with other ports for sending and listening: responses go to the address in Via, requests to that in Contact.

use std::time::Duration;

use offhook_exchange::{Event, FlowId, Transport};

use crate::lab::{Dialog, Lab, Phone, Sip, reply};

/// A desk phone that sends from one port and listens on another, and the socket on which it listens.
fn desk(lab: &mut Lab, flow: u64, user: &str, sends: &str, listens: &str) -> (Phone, FlowId) {
    let mut phone = Phone::desk(lab, flow, user, sends);
    phone.sent_by = listens.to_owned();
    phone.contact = format!("sip:{user}@{listens}");
    let socket = lab.up_from(100 + flow, Transport::Udp, listens.parse().expect("an address"));
    (phone, socket)
}

/// Registers with this Contact value; responses arrive at `socket`.
#[track_caller]
fn register(lab: &mut Lab, phone: &mut Phone, socket: FlowId, contact: &str) -> Sip {
    let (uri, address) = ("sip:example.com", format!("sip:{}@example.com", phone.user));
    let rows = format!("Contact: {contact}\n");
    let first = phone.request("REGISTER", uri, &address, &rows);
    lab.send(phone.flow, &first);
    let challenge = lab.expect(socket, "SIP/2.0 401 ");
    let credentials = phone.credentials(&challenge, "REGISTER", uri);
    let second = phone.request("REGISTER", uri, &address, &format!("{rows}Authorization: {credentials}\n"));
    lab.send(phone.flow, &second);
    lab.expect(socket, "SIP/2.0 200 ")
}

/// Sends an INVITE with credentials; responses arrive at `socket`.
#[track_caller]
fn invite(lab: &mut Lab, phone: &mut Phone, socket: FlowId, uri: &str) -> Sip {
    let contact = format!("Contact: <{}>\n", phone.contact);
    let first = phone.request("INVITE", uri, uri, &contact);
    lab.send(phone.flow, &first);
    let challenge = lab.expect(socket, "SIP/2.0 407 ");
    let credentials = phone.credentials(&challenge, "INVITE", uri);
    let second = phone.request("INVITE", uri, uri, &format!("{contact}Proxy-Authorization: {credentials}\n"));
    lab.send(phone.flow, &second);
    lab.expect(socket, "SIP/2.0 100 ");
    Sip(second.replace('\n', "\r\n"))
}

const DESKS: [(&str, &str); 3] = [
    ("192.0.2.5:40000", "192.0.2.5:5062"),
    ("192.0.2.5:40000", "192.0.2.5:5060"),
    ("[2001:db8::5]:40000", "[2001:db8::5]:5062"),
];

/// RFC 3261 §18.2.2, without `rport`.
#[test]
fn responses_go_to_the_port_of_sent_by() {
    for (sends, listens) in DESKS {
        let mut lab = Lab::new();
        let bob = Phone::registered(&mut lab, 1, "bob");
        let (mut alice, socket) = desk(&mut lab, 2, "alice", sends, listens);
        if listens.ends_with(":5060") {
            alice.sent_by = "192.0.2.5".to_owned();
        }
        let options = alice.request("OPTIONS", "sip:example.com", "sip:example.com", "");
        lab.send(alice.flow, &options);
        lab.expect(socket, "SIP/2.0 200 ");
        lab.send(alice.flow, &options.replace("Call-ID", "Call-IDs"));
        lab.expect(socket, "SIP/2.0 400 ");

        let sent = invite(&mut lab, &mut alice, socket, "sip:bob@example.com");
        let received = lab.expect(bob.flow, "INVITE ");
        lab.send(alice.flow, &sent.0);
        lab.expect(socket, "SIP/2.0 100 ");
        lab.send(bob.flow, &reply(&received, "180 Ringing", "b", ""));
        lab.expect(socket, "SIP/2.0 180 ");
        lab.send(alice.flow, &sent.0);
        lab.expect(socket, "SIP/2.0 180 ");
        lab.send(alice.flow, &alice.cancel(&sent));
        lab.expect(socket, "SIP/2.0 200 ");
        lab.expect(bob.flow, "CANCEL ");
        lab.send(bob.flow, &reply(&received, "487 Request Terminated", "b", ""));
        let refusal = lab.expect(socket, "SIP/2.0 487 ");
        lab.pass(Duration::from_millis(1600));
        for _ in 0..2 {
            assert_eq!(lab.next(socket).0, refusal.0, "timer G");
        }
        lab.send(alice.flow, &alice.ack_refusal(&sent, &refusal));
        lab.pass(Duration::from_secs(40));
        lab.silent(socket);
        lab.silent(alice.flow);
        assert_eq!((lab.exchange.load().transactions, lab.exchange.load().bytes), (0, 0));
    }
}

#[test]
fn responses_go_to_the_source_with_rport() {
    let mut lab = Lab::new();
    Phone::registered(&mut lab, 1, "bob");
    let (mut alice, socket) = desk(&mut lab, 2, "alice", DESKS[0].0, DESKS[0].1);
    alice.rport = true;
    let flow = alice.flow;
    invite(&mut lab, &mut alice, flow, "sip:bob@example.com");
    lab.silent(socket);
}

/// Responses go only to the source host of the request, whatever its Via.
#[test]
fn responses_go_to_no_other_host() {
    let mut lab = Lab::new();
    let mut guest = Phone::desk(&mut lab, 1, "guest", "198.51.100.1:5070");
    for sent_by in [
        "203.0.113.1:5070",
        "203.0.113.1:5070;maddr=203.0.113.1",
        "203.0.113.1:5070;received=203.0.113.1",
        "victim.example.org:5070",
        "203.0.113.1:5070;received=203.0.113.1;rport=5080",
    ] {
        guest.sent_by = sent_by.to_owned();
        let options = guest.request("OPTIONS", "sip:example.com", "sip:example.com", "");
        lab.send(guest.flow, &options);
        let answer = lab.expect(guest.flow, "SIP/2.0 200 ");
        let via = answer.row("Via");
        assert!(via.contains(";received=198.51.100.1") && !via.contains("received=203"), "{via}");
    }
    assert_eq!(lab.astray, []);
}

#[test]
fn requests_go_to_the_contact_without_nat() {
    for (sends, listens) in DESKS {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let (mut bob, socket) = desk(&mut lab, 2, "bob", sends, listens);
        let contact = bob.contact.clone();
        register(&mut lab, &mut bob, socket, &format!("<{contact}>"));
        let told = lab.events.iter().find_map(|event| match event {
            Event::Registered { flow, .. } if lab.exchange.remote(*flow) == listens.parse().ok() => {
                Some(*flow)
            }
            _ => None,
        });
        assert_eq!(told, lab.exchange.contacts("bob").map(|(_, flow)| flow).next());
        alice.invite(&mut lab, "sip:bob@example.com");
        lab.expect(socket, &format!("INVITE {contact} "));
        lab.silent(bob.flow);
    }
}

/// The Contact, the sent-by, and whether requests go to the address of the Contact, for a phone at 192.0.2.5:40000.
const SHAPES: [(&str, &str, bool); 18] = [
    ("<sip:bob@192.0.2.5:5062>", "192.0.2.5:5062", true),
    ("<sip:192.0.2.5:5062>", "192.0.2.5:5062", true),
    ("<sip:bob@192.0.2.5:5062;transport=UDP>;q=0.5", "192.0.2.5:5062", true),
    ("<sip:bob@[::ffff:192.0.2.5]:5062>", "192.0.2.5:5062", true),
    ("<sip:bob@192.0.2.5:5062>;+sip.instance=\"<urn:uuid:b>\"", "192.0.2.5:5062", true),
    // A NAT, or a name that only the phone's network resolves.
    ("<sip:bob@10.0.0.5:5062>", "10.0.0.5:5062", false),
    ("<sip:bob@192.0.2.5:5062>", "10.0.0.5:5062", false),
    ("<sip:bob@192.0.2.5:5062>", "desk.example.net:5062", false),
    // RFC 5626 §5.3: the phone requests its flow.
    ("<sip:bob@192.0.2.5:5062>;+sip.instance=\"<urn:uuid:b>\";reg-id=1", "192.0.2.5:5062", false),
    ("<sip:bob@desk.example.net:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@192.0.2.5:5062;transport=tcp>", "192.0.2.5:5062", false),
    ("<sips:bob@192.0.2.5:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@192.0.2.5:5062;maddr=203.0.113.1>", "192.0.2.5:5062", false),
    // Loopback, multicast, broadcast and unspecified addresses.
    ("<sip:bob@127.0.0.1:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@[::1]:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@0.0.0.0:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@224.0.1.75:5062>", "192.0.2.5:5062", false),
    ("<sip:bob@255.255.255.255:5062>", "192.0.2.5:5062", false),
];

#[test]
fn requests_use_the_flow_if_the_contact_is_unusable() {
    for (contact, sent_by, direct) in SHAPES {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let (mut bob, socket) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
        bob.sent_by = sent_by.to_owned();
        register(&mut lab, &mut bob, socket, contact);
        alice.invite(&mut lab, "sip:bob@example.com");
        let (called, other) = if direct { (socket, bob.flow) } else { (bob.flow, socket) };
        assert_eq!(lab.waiting(called), 1, "{contact} {sent_by}");
        lab.expect(called, "INVITE ");
        lab.silent(other);
        assert!(lab.astray.is_empty(), "{:?}", lab.astray);
    }
}

#[test]
fn requests_are_not_sent_to_the_exchange_itself() {
    let mut lab = Lab::with(crate::lab::config().with_host("192.0.2.1:5060"));
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let (mut bob, socket) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
    register(&mut lab, &mut bob, socket, "<sip:bob@192.0.2.1:5060>");
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(bob.flow, "INVITE ");
    assert_eq!(lab.astray, []);
}

#[test]
fn phone_on_the_same_machine_may_register_loopback() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let (mut bob, socket) = desk(&mut lab, 2, "bob", "127.0.0.1:40000", "127.0.0.1:5062");
    let contact = format!("<{}>", bob.contact);
    register(&mut lab, &mut bob, socket, &contact);
    alice.invite(&mut lab, "sip:bob@example.com");
    lab.expect(socket, "INVITE ");
}

/// A call between Alice's WebSocket and Bob's desk phone.
struct Call {
    lab: Lab,
    alice: Phone,
    bob: Phone,
    socket: FlowId,
    near: Dialog,
    far: Dialog,
}

impl Call {
    /// Bob calls: the exchange gets Bob's end from a request.
    fn from_desk() -> Self {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let (mut bob, socket) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
        let contact = format!("<{}>", bob.contact);
        register(&mut lab, &mut bob, socket, &contact);
        let sent = invite(&mut lab, &mut bob, socket, "sip:alice@example.com");
        let received = alice.answer(&mut lab);
        lab.expect(socket, "SIP/2.0 180 ");
        let ok = lab.expect(socket, "SIP/2.0 200 ");
        let (far, near) = (Dialog::caller(&sent, &ok), Dialog::callee(&received, &alice.tag));
        Self { lab, alice, bob, socket, near, far }
    }

    /// Alice calls.
    fn to_desk() -> Self {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let (mut bob, socket) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
        let contact = format!("<{}>", bob.contact);
        register(&mut lab, &mut bob, socket, &contact);
        let sent = alice.invite(&mut lab, "sip:bob@example.com");
        let received = lab.expect(socket, "INVITE ");
        lab.send(bob.flow, &reply(&received, "200 OK", &bob.tag, &format!("Contact: {contact}\n")));
        let ok = lab.expect(alice.flow, "SIP/2.0 200 ");
        let (near, far) = (Dialog::caller(&sent, &ok), Dialog::callee(&received, &bob.tag));
        Self { lab, alice, bob, socket, near, far }
    }

    /// A request of Alice reaches Bob at this socket, and its response reaches Alice.
    #[track_caller]
    fn request_of_alice(&mut self, socket: FlowId) {
        let request = self.near.request(&mut self.alice, "INFO", "");
        self.lab.send(self.alice.flow, &request);
        let received = self.lab.expect(socket, "INFO ");
        self.lab.send(self.bob.flow, &reply(&received, "200 OK", "", ""));
        self.lab.expect(self.alice.flow, "SIP/2.0 200 ");
    }

    /// A request of Bob from this flow reaches Alice, and its response reaches Bob's socket.
    #[track_caller]
    fn request_of_bob(&mut self, from: FlowId, socket: FlowId) {
        let request = self.far.request(&mut self.bob, "INFO", "");
        self.lab.send(from, &request);
        let received = self.lab.expect(self.alice.flow, "INFO ");
        self.lab.send(self.alice.flow, &reply(&received, "200 OK", "", ""));
        self.lab.expect(socket, "SIP/2.0 200 ");
    }
}

#[test]
fn requests_inside_a_dialog_go_to_the_contact() {
    for start in [Call::from_desk as fn() -> Call, Call::to_desk] {
        let mut call = start();
        let (flow, socket) = (call.bob.flow, call.socket);
        call.request_of_alice(socket);
        call.request_of_bob(flow, socket);
        let ack = call.near.request(&mut call.alice, "ACK", "");
        call.lab.send(call.alice.flow, &ack);
        call.lab.expect(socket, "ACK ");
        call.lab.silent(flow);
    }
}

/// A phone may send each request from another port (RFC 3261 §18.1.1 does not forbid it).
#[test]
fn phone_may_send_from_any_port() {
    for start in [Call::from_desk as fn() -> Call, Call::to_desk] {
        let mut call = start();
        let socket = call.socket;
        for port in [40_001, 40_002] {
            let other = call.lab.up_from(port, Transport::Udp, ([192, 0, 2, 5], port as u16).into());
            call.request_of_bob(other, socket);
            call.bob.flow = other;
            call.request_of_alice(socket);
            call.lab.silent(other);
        }
    }
}

#[test]
fn new_registration_moves_the_phone() {
    let mut call = Call::from_desk();
    let contact = format!("<{}>", call.bob.contact);
    // Behind a NAT the phone is reached over its flow, without one at its address again.
    for (sent_by, direct) in [("10.0.0.5:5062", false), ("192.0.2.5:5062", true)] {
        call.bob.sent_by = sent_by.to_owned();
        register(&mut call.lab, &mut call.bob, call.socket, &contact);
        let target = if direct { call.socket } else { call.bob.flow };
        call.request_of_alice(target);
        assert_eq!(call.lab.exchange.load().bindings, 2);
    }
}

#[test]
fn device_is_called_at_its_new_port() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let (mut bob, first) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
    let second = lab.up_from(200, Transport::Udp, "192.0.2.5:5064".parse().unwrap());
    for (port, socket) in [(5062, first), (5064, second)] {
        let contact = format!("<sip:bob@192.0.2.5:{port}>;+sip.instance=\"<urn:uuid:b>\"");
        register(&mut lab, &mut bob, first, &contact);
        alice.invite(&mut lab, "sip:bob@example.com");
        lab.expect(socket, "INVITE ");
        assert_eq!(lab.exchange.load().bindings, 2);
        lab.pass(Duration::from_secs(32));
        lab.forget(socket);
        lab.forget(alice.flow);
    }
}

#[test]
fn expired_registration_frees_its_flow() {
    let mut lab = Lab::new();
    let (mut bob, socket) = desk(&mut lab, 2, "bob", "192.0.2.5:40000", "192.0.2.5:5062");
    let contact = format!("<{}>;expires=60", bob.contact);
    register(&mut lab, &mut bob, socket, &contact);
    assert_eq!((lab.exchange.load().bindings, lab.exchange.load().flows), (1, 2));
    lab.pass(Duration::from_secs(61));
    assert_eq!(lab.exchange.load().bindings, 0);
    lab.pass(Duration::from_secs(600));
    assert_eq!((lab.exchange.load().flows, lab.exchange.load().transactions), (0, 0));
    assert_eq!(lab.exchange.deadline(), None);
}

#[test]
fn address_of_record_must_be_a_sip_uri() {
    for transport in [Transport::Udp, Transport::Ws] {
        let mut lab = Lab::new();
        let mut alice = Phone::new(&mut lab, 1, transport, "alice");
        for to in ["tel:+15550100", "mailto:alice@example.com", "urn:service:sos", "http://example.com/alice"]
        {
            let register = alice.request("REGISTER", "sip:example.com", to, "Contact: <sip:a@a.invalid>\n");
            lab.send(alice.flow, &register);
            lab.expect(alice.flow, "SIP/2.0 400 ");
            assert_eq!((lab.exchange.load().transactions, lab.exchange.load().bindings), (0, 0));
        }
    }
}
