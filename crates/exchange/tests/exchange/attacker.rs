//! An attacker with an account, which can forge the source of datagrams, against two registered phones.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_exchange::{ByteLimits, Config, FlowId, Input, Limits, Transport};
use proptest::prelude::*;

use crate::lab::{Dialog, Lab, Phone, Sip, config, reply};

/// The attacker's own address.
const HOMES: [&str; 2] = ["198.51.100.1", "198.51.100.2"];

/// Limits for little more than the phones and an attacker within its bounds.
fn narrow() -> Config {
    let limits = Limits {
        connections: 20,
        unauthenticated: 6,
        unauthenticated_per_source: 3,
        connections_per_user: 4,
        datagram_flows: 12,
        bytes: ByteLimits { total: 400_000, per_source: 100_000, per_flow: 50_000 },
        guest_bytes: ByteLimits { total: 60_000, per_source: 40_000, per_flow: 20_000 },
        ..Limits::default()
    };
    Config { limits, ..config() }
}

/// How a phone is connected.
#[derive(Copy, Clone, Debug)]
enum Kind {
    WebSocket,
    /// UDP behind a NAT.
    Flow,
    /// UDP without a NAT: requests go to the address of its Contact.
    Direct,
}

fn phone(lab: &mut Lab, flow: u64, kind: Kind, user: &str) -> Phone {
    let mut phone = match kind {
        Kind::WebSocket => Phone::new(lab, flow, Transport::Ws, user),
        Kind::Flow => Phone::new(lab, flow, Transport::Udp, user),
        Kind::Direct => {
            let mut desk = Phone::desk(lab, flow, user, &format!("192.0.2.{flow}:5060"));
            desk.contact = format!("sip:{user}@192.0.2.{flow}:5070");
            lab.up_from(flow + 50, Transport::Udp, format!("192.0.2.{flow}:5070").parse().unwrap());
            desk
        }
    };
    let contact = format!("Contact: <{}>;expires=3600\n", phone.contact);
    assert!(phone.register_with(lab, &contact).start().starts_with("SIP/2.0 200 "));
    phone
}

/// The flow for requests to a phone.
fn request_flow(phone: &Phone, kind: Kind) -> FlowId {
    match kind {
        Kind::WebSocket | Kind::Flow => phone.flow,
        Kind::Direct => FlowId(phone.flow.0 + 50),
    }
}

struct World {
    lab: Lab,
    alice: Phone,
    bob: Phone,
    kinds: [Kind; 2],
    near: Dialog,
    far: Dialog,
    /// The attacker's account.
    carol: Phone,
    connections: Vec<FlowId>,
    next: u64,
}

/// A step of the attacker, with three numbers as parameters.
type Step = (u8, u8, u8, u8);

impl World {
    fn new(kinds: [Kind; 2]) -> Self {
        let mut lab = Lab::with(narrow());
        let mut alice = phone(&mut lab, 1, kinds[0], "alice");
        let mut bob = phone(&mut lab, 2, kinds[1], "bob");
        let sent = alice.invite(&mut lab, "sip:bob@example.com");
        let received = lab.expect(request_flow(&bob, kinds[1]), "INVITE ");
        let contact = format!("Contact: <{}>\n", bob.contact);
        lab.send(bob.flow, &reply(&received, "200 OK", &bob.tag, &contact));
        let ok = lab.expect(alice.flow, "SIP/2.0 200 ");
        let (mut near, far) = (Dialog::caller(&sent, &ok), Dialog::callee(&received, &bob.tag));
        let ack = near.request(&mut alice, "ACK", "");
        lab.send(alice.flow, &ack);
        lab.pass(Duration::from_secs(40));
        let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
        lab.down(carol.flow);
        carol.tag = "carol-tag".to_owned();
        bob.tag = "bob-second".to_owned();
        Self { lab, alice, bob, kinds, near, far, carol, connections: Vec::new(), next: 1000 }
    }

    fn step(&mut self, (deed, one, two, three): Step) {
        self.next += 1;
        match deed % 12 {
            0 => self.garbage(one, two),
            1 => self.request_without_password(one, two, three, false),
            2 => self.request_without_password(one, two, three, true),
            3 => (0..one % 8 + 1).for_each(|_| self.connect(two)),
            4 => self.disconnect(one),
            5 => self.register(one, two, three),
            6 => self.guess(one, two),
            7 => self.call_as_carol(one, two, three),
            8 => self.inside(one, two, three),
            9 => self.forged_response(one),
            10 => (0..10).for_each(|turn| {
                self.request_without_password(one.wrapping_add(turn), 0, three, turn % 2 == 0)
            }),
            _ => self.lab.pass(Duration::from_millis(u64::from(one) * 20)),
        }
    }

    /// The source address of a datagram: one of the attacker's, or that of a phone.
    fn claimed(&self, choice: u8) -> SocketAddr {
        let phones = [&self.alice, &self.bob];
        match choice % 5 {
            0 | 1 => format!("{}:{}", HOMES[usize::from(choice % 5)], 1000 + self.next % 7).parse().unwrap(),
            2 => ([203, 0, 113, choice], 5060).into(),
            other => {
                let Phone { flow, .. } = phones[usize::from(other - 3)];
                match self.kinds[usize::from(other - 3)] {
                    Kind::Direct => ([192, 0, 2, flow.0 as u8], 5060).into(),
                    Kind::WebSocket | Kind::Flow => ([192, 0, 2, flow.0 as u8], 5000 + flow.0 as u16).into(),
                }
            }
        }
    }

    fn datagram(&mut self, remote: SocketAddr, text: &str) {
        let data = text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes().into();
        self.lab.input(Input::Datagram { remote, data });
    }

    fn connection(&mut self, choice: u8) -> FlowId {
        if self.connections.is_empty() {
            self.connect(choice);
        }
        self.connections[usize::from(choice) % self.connections.len()]
    }

    fn connect(&mut self, choice: u8) {
        self.next += 1;
        let remote = format!("{}:{}", HOMES[usize::from(choice % 2)], self.next);
        self.connections.push(self.lab.up_from(self.next, Transport::Ws, remote.parse().unwrap()));
    }

    fn disconnect(&mut self, choice: u8) {
        if !self.connections.is_empty() {
            let flow = self.connections.remove(usize::from(choice) % self.connections.len());
            self.lab.down(flow);
        }
    }

    fn garbage(&mut self, one: u8, two: u8) {
        let text = ["", "x", "\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "INVITE sip:bob@example.com SIP/2.0\r\n"];
        let text = text[usize::from(two) % text.len()];
        if one.is_multiple_of(2) {
            self.datagram(self.claimed(two), text);
        } else {
            let flow = self.connection(two);
            self.lab.send(flow, text);
        }
    }

    /// A contact of a phone or of the attacker.
    fn contact(&self, choice: u8) -> String {
        match choice % 6 {
            0 => self.bob.contact.clone(),
            1 => self.alice.contact.clone(),
            2 => "sip:bob@192.0.2.2:5060".to_owned(),
            3 => "sip:x@192.0.2.2:5070".to_owned(),
            4 => "sip:bob@example.com".to_owned(),
            _ => self.carol.contact.clone(),
        }
    }

    fn request_without_password(&mut self, one: u8, two: u8, three: u8, datagram: bool) {
        let methods = ["INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "MESSAGE", "INFO"];
        let method = methods[usize::from(one) % methods.len()];
        let from =
            ["sip:x@example.org", "sip:bob@example.com", "sip:alice@example.com"][usize::from(two) % 3];
        let uri = match three % 3 {
            0 => "sip:bob@example.com".to_owned(),
            1 => "sip:example.com".to_owned(),
            _ => self.contact(one),
        };
        let to_tag = ["", ";tag=b", ";tag=bob-tag"][usize::from(three) % 3];
        let body = "x".repeat(usize::from(one) * 40);
        let request = format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP x.invalid;rport;branch=z9hG4bKx{}\nMax-Forwards: 70\n\
             From: <{from}>;tag=x\nTo: <sip:bob@example.com>{to_tag}\nCall-ID: x{}\nCSeq: 1 {method}\n\
             Contact: <{}>\nContent-Length: {}\n\n{body}",
            self.next,
            self.next,
            self.contact(two),
            body.len(),
        );
        self.next += 1;
        if datagram {
            self.datagram(self.claimed(three), &request);
        } else {
            let flow = self.connection(two);
            self.lab.send(flow, &request);
        }
    }

    /// Sends a request with credentials over a connection of the attacker.
    fn with_credentials(&mut self, flow: FlowId, method: &str, uri: &str, to: &str, rows: &str) {
        self.carol.flow = flow;
        self.lab.forget(flow);
        let first = self.carol.request(method, uri, to, rows);
        self.lab.send(flow, &first);
        while self.lab.waiting(flow) > 0 {
            let answer = self.lab.next(flow);
            let header = match &answer.start()[..11] {
                "SIP/2.0 401" => "Authorization",
                "SIP/2.0 407" => "Proxy-Authorization",
                _ => continue,
            };
            let credentials = self.carol.credentials(&answer, method, uri);
            let second = self.carol.request(method, uri, to, &format!("{rows}{header}: {credentials}\n"));
            self.lab.send(flow, &second);
            return;
        }
    }

    fn register(&mut self, one: u8, two: u8, three: u8) {
        let contact = self.contact(one);
        let rows = match three % 4 {
            0 => "Contact: *\nExpires: 0\n".to_owned(),
            1 => format!("Contact: <{contact}>;expires=0\n"),
            2 => format!("Contact: <{contact}>;+sip.instance=\"<urn:uuid:{}>\"\n", two % 3),
            _ => format!("Contact: <{contact}>\n"),
        };
        let to =
            ["sip:carol@example.com", "sip:carol@example.com", "sip:bob@example.com"][usize::from(two) % 3];
        let flow = self.connection(two);
        self.with_credentials(flow, "REGISTER", "sip:example.com", to, &rows);
    }

    /// Wrong credentials for a phone's user, over a connection or in a datagram with a forged source.
    fn guess(&mut self, one: u8, two: u8) {
        let user = ["bob", "alice"][usize::from(one) % 2];
        let home: SocketAddr = format!("{}:5060", HOMES[usize::from(two) % 2]).parse().unwrap();
        let uri = "sip:example.com";
        let mut forger = Phone::new(&mut self.lab, 900, Transport::Udp, user);
        self.lab.up_from(900, Transport::Udp, home);
        forger.password = "guess".to_owned();
        forger.tag = format!("guess{}", self.next);
        let address = format!("sip:{user}@example.com");
        let contact = format!("Contact: <{}>;expires=0\n", self.contact(one));
        let first = forger.request("REGISTER", uri, &address, &contact);
        self.lab.send(forger.flow, &first);
        let challenge = self.lab.next(forger.flow);
        if challenge.start().starts_with("SIP/2.0 401 ") {
            let credentials = forger.credentials(&challenge, "REGISTER", uri);
            let rows = format!("{contact}Authorization: {credentials}\n");
            let second = forger.request("REGISTER", uri, &address, &rows);
            self.datagram(self.claimed(two), &second);
        }
        self.lab.down(forger.flow);
        self.lab.forget(forger.flow);
    }

    fn call_as_carol(&mut self, one: u8, two: u8, three: u8) {
        let uri = if three.is_multiple_of(2) { "sip:bob@example.com".to_owned() } else { self.contact(two) };
        let method = ["INVITE", "MESSAGE", "OPTIONS"][usize::from(one) % 3];
        let filler =
            format!("X-Filler: {}\nContact: <{}>\n", "x".repeat(usize::from(one) * 40), self.contact(two));
        let flow = self.connection(two);
        self.with_credentials(flow, method, &uri, &uri, &filler);
    }

    /// A request inside a dialog with a phone, from a registered phone or with a forged source.
    fn inside(&mut self, one: u8, two: u8, three: u8) {
        let uri = self.contact(one);
        let user = ["carol", "bob", "alice"][usize::from(three) % 3];
        self.next += 1;
        let request = format!(
            "INFO {uri} SIP/2.0\nVia: SIP/2.0/UDP x.invalid;branch=z9hG4bKi{}\nMax-Forwards: 70\n\
             From: <sip:{user}@example.com>;tag=x\nTo: <sip:bob@example.com>;tag=bob-tag\nCall-ID: i{}\n\
             CSeq: 1 INFO\nContent-Length: 0\n\n",
            self.next, self.next
        );
        if three.is_multiple_of(2) {
            let flow = self.connection(two);
            self.lab.send(flow, &request);
        } else {
            (0..20).for_each(|turn| {
                let request = request.replace("branch=z9hG4bKi", &format!("branch=z9hG4bKi{turn}x"));
                self.datagram(self.claimed(two), &request);
            });
        }
    }

    fn forged_response(&mut self, one: u8) {
        let branch = "z9hG4bKAaeaiJK-d7xEgIAMhpGOZIXOe9uyXMMz";
        let text = format!(
            "SIP/2.0 486 Busy Here\nVia: SIP/2.0/WS example.com;branch={branch}\nFrom: <sip:alice@example.com>;tag=a\n\
             To: <sip:bob@example.com>;tag=b\nCall-ID: call-alice-tag\nCSeq: 2 INVITE\nContent-Length: 0\n\n"
        );
        self.datagram(self.claimed(one), &text);
    }

    /// The next message of this call on a flow that begins with `start`. Other messages are dropped.
    fn find(&mut self, flow: FlowId, call_id: &str, start: &str) -> Result<Sip, TestCaseError> {
        while self.lab.waiting(flow) > 0 {
            let message = self.lab.next(flow);
            if message.rows("Call-ID") == [call_id] && message.0.starts_with(start) {
                return Ok(message);
            }
        }
        Err(TestCaseError::fail(format!("no {start} for {}\n{}", flow.0, self.lab.ladder.join("\n"))))
    }

    /// Both phones are registered, their call continues, and a new call succeeds at the first attempt.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let [of_alice, of_bob] =
            [request_flow(&self.alice, self.kinds[0]), request_flow(&self.bob, self.kinds[1])];
        for phone in [&self.alice, &self.bob] {
            let contacts: Vec<_> =
                self.lab.exchange.contacts(&phone.user).map(|(uri, _)| uri.to_vec()).collect();
            prop_assert_eq!(contacts, [phone.contact.as_bytes()]);
        }
        let old = "call-alice-tag".to_owned();
        let info = self.near.request(&mut self.alice, "INFO", "");
        self.lab.send(self.alice.flow, &info);
        let received = self.find(of_bob, &old, "INFO ")?;
        self.lab.send(self.bob.flow, &reply(&received, "200 OK", "", ""));
        self.find(self.alice.flow, &old, "SIP/2.0 200 ")?;
        let info = self.far.request(&mut self.bob, "INFO", "");
        self.lab.send(self.bob.flow, &info);
        self.find(of_alice, &old, "INFO ")?;

        self.alice.tag = "alice-second".to_owned();
        let (uri, new) = ("sip:bob@example.com", "call-alice-second".to_owned());
        let contact = format!("Contact: <{}>\n", self.alice.contact);
        let first = self.alice.request("INVITE", uri, uri, &contact);
        self.lab.send(self.alice.flow, &first);
        let challenge = self.find(self.alice.flow, &new, "SIP/2.0 407 ")?;
        let credentials = self.alice.credentials(&challenge, "INVITE", uri);
        let rows = format!("{contact}Proxy-Authorization: {credentials}\n");
        let second = self.alice.request("INVITE", uri, uri, &rows);
        self.lab.send(self.alice.flow, &second);
        let received = self.find(of_bob, &new, "INVITE ")?;
        let ok = reply(&received, "200 OK", &self.bob.tag, &format!("Contact: <{}>\n", self.bob.contact));
        self.lab.send(self.bob.flow, &ok);
        let ok = self.find(self.alice.flow, &new, "SIP/2.0 200 ")?;
        let mut near = Dialog::caller(&Sip(second.replace('\n', "\r\n")), &ok);
        for method in ["ACK", "BYE"] {
            let request = near.request(&mut self.alice, method, "");
            self.lab.send(self.alice.flow, &request);
            self.find(of_bob, &new, method)?;
        }
        Ok(())
    }

    /// No message of the phones' calls reached a connection of the attacker or an address without a phone.
    fn no_leaks(&mut self) -> Result<(), TestCaseError> {
        let strange = |text: &str| text.contains("Call-ID: call-alice-");
        for flow in self.connections.clone() {
            while self.lab.waiting(flow) > 0 {
                let message = self.lab.next(flow);
                prop_assert!(!strange(&message.0), "{}", message.0);
            }
        }
        for (remote, text) in &self.lab.astray {
            prop_assert!(!strange(text), "{remote} {text}");
        }
        Ok(())
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::WebSocket), Just(Kind::Flow), Just(Kind::Direct)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn attacker_cannot_take_over_phones_or_calls(
        kinds in [kind(), kind()],
        steps in prop::collection::vec(any::<Step>(), 0..60),
    ) {
        let mut world = World::new(kinds);
        for step in steps {
            world.step(step);
        }
        world.check()?;
        world.no_leaks()?;
        world.lab.pass(Duration::from_secs(1200));
        prop_assert_eq!((world.lab.exchange.load().transactions, world.lab.exchange.load().bytes), (0, 0));
    }
}
