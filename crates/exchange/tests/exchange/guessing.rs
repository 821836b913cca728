//! Rate limits for wrong credentials, which do not lock the owner out.

use std::time::Duration;

use offhook_exchange::{Event, Transport};
use offhook_wire::Method;
use offhook_wire::digest::{Challenge, Password, Responder};

use crate::lab::{Lab, Phone, Sip};

const BURST_OF_CONNECTION: usize = 3;
const BURST_OF_SOURCE: usize = 32;
const BURST_OF_USER: usize = 32;
/// By connections that have not failed yet, from one source and for one user.
const BURST_OF_FRESH_AT_SOURCE: usize = 64;
const BURST_OF_FRESH_FOR_USER: usize = 128;

/// A phone on a WebSocket from this address.
fn phone_at(lab: &mut Lab, flow: u64, user: &str, address: &str) -> Phone {
    let mut phone = Phone::new(lab, flow, Transport::Ws, user);
    lab.down(phone.flow);
    phone.flow = lab.up_from(flow, Transport::Ws, address.parse().expect("an address"));
    phone
}

/// A connection that tries a wrong password for a user.
struct Guesser(Phone);

impl Guesser {
    fn new(lab: &mut Lab, flow: u64, user: &str, address: &str) -> Self {
        let mut phone = phone_at(lab, flow, user, address);
        phone.password = "guess".to_owned();
        phone.tag = format!("guess{flow}");
        Self(phone)
    }

    fn guess(&mut self, lab: &mut Lab) -> Sip {
        self.0.register_with(lab, "")
    }

    /// Whether the guess was verified.
    #[track_caller]
    fn is_verified(&mut self, lab: &mut Lab) -> bool {
        let answer = self.guess(lab);
        match &answer.start()[..11] {
            "SIP/2.0 401" => true,
            "SIP/2.0 503" => {
                assert_eq!(answer.start(), "SIP/2.0 503 Too Many Wrong Credentials");
                false
            }
            _ => panic!("{}", answer.0),
        }
    }

    /// How many of `guesses` guesses in a row are verified.
    fn verified(&mut self, lab: &mut Lab, guesses: usize) -> usize {
        (0..guesses).filter(|_| self.is_verified(lab)).count()
    }
}

#[track_caller]
fn registers_immediately(lab: &mut Lab, phone: &mut Phone) {
    let answer = phone.register_with(lab, &format!("Contact: <{}>\n", phone.contact));
    assert!(answer.start().starts_with("SIP/2.0 200 "), "{}", answer.0);
}

#[test]
fn connection_has_a_burst_and_then_a_rate() {
    let mut lab = Lab::new();
    let mut guesser = Guesser::new(&mut lab, 1, "alice", "198.51.100.1:1000");
    assert_eq!(guesser.verified(&mut lab, 10), BURST_OF_CONNECTION);
    let denied = lab.events.iter().filter(|event| matches!(event, Event::Denied { status: 401, .. }));
    assert_eq!(denied.count(), BURST_OF_CONNECTION, "what was not verified is not told");
    let wait: u64 = guesser.guess(&mut lab).row("Retry-After").parse().expect("seconds");
    assert!((1..=6).contains(&wait), "{wait}");
    lab.pass(Duration::from_secs(wait));
    assert_eq!(guesser.verified(&mut lab, 10), 1);
}

#[test]
fn unverified_credentials_get_the_same_response() {
    let mut lab = Lab::new();
    let mut guesser = Guesser::new(&mut lab, 1, "alice", "198.51.100.1:1000");
    guesser.verified(&mut lab, BURST_OF_CONNECTION);
    let wrong = guesser.guess(&mut lab);
    guesser.0.password = "alice-pw".to_owned();
    let right = guesser.guess(&mut lab);
    assert_eq!(right.start(), wrong.start());
    assert_eq!(right.row("Retry-After"), wrong.row("Retry-After"));
    assert_eq!(lab.exchange.load().unauthenticated, 1, "the right password was not looked at");
}

#[test]
fn both_roles_share_a_rate() {
    let mut lab = Lab::new();
    let mut guesser = Guesser::new(&mut lab, 1, "alice", "198.51.100.1:1000");
    assert_eq!(guesser.verified(&mut lab, BURST_OF_CONNECTION), BURST_OF_CONNECTION);
    let uri = "sip:bob@example.com";
    let first = guesser.0.request("INVITE", uri, uri, "");
    lab.send(guesser.0.flow, &first);
    let challenge = lab.expect(guesser.0.flow, "SIP/2.0 407 ");
    let rows = format!("Proxy-Authorization: {}\n", guesser.0.credentials(&challenge, "INVITE", uri));
    let second = guesser.0.request("INVITE", uri, uri, &rows);
    lab.send(guesser.0.flow, &second);
    lab.expect(guesser.0.flow, "SIP/2.0 503 ").row("Retry-After");
}

#[test]
fn connections_of_a_source_share_a_rate() {
    for addresses in [(|port| format!("198.51.100.1:{port}")) as fn(u64) -> String, |port| {
        format!("[2001:db8::{port}]:1000")
    }] {
        let mut lab = Lab::new();
        let mut verified = 0;
        for port in 1..=120 {
            // Different users, so that the rate of one user does not apply.
            let user = ["alice", "bob", "carol"][port as usize % 3];
            verified += Guesser::new(&mut lab, port, user, &addresses(port)).verified(&mut lab, 1);
        }
        assert_eq!(verified, BURST_OF_SOURCE + BURST_OF_FRESH_AT_SOURCE);
        let mut elsewhere = Guesser::new(&mut lab, 199, "alice", "198.51.100.2:1000");
        assert_eq!(elsewhere.verified(&mut lab, 1), 1);
    }
}

/// Each source guesses once.
fn many_sources(lab: &mut Lab, user: &str, first: u64, count: usize) -> usize {
    let numbers = first..first + count as u64;
    numbers
        .map(|number| {
            let address = format!("[2001:db8:0:{number:x}::1]:1000");
            let mut guesser = Guesser::new(lab, number, user, &address);
            let verified = guesser.verified(lab, 1);
            lab.down(guesser.0.flow);
            verified
        })
        .sum()
}

#[test]
fn sources_share_the_rate_of_a_user() {
    let mut lab = Lab::new();
    assert_eq!(many_sources(&mut lab, "alice", 1, 200), BURST_OF_USER + BURST_OF_FRESH_FOR_USER);
    assert_eq!(many_sources(&mut lab, "bob", 1000, 10), 10, "the rate of another user");
}

/// The owner registers at the first attempt during an attack by one connection or by many sources.
#[test]
fn owner_registers_during_an_attack() {
    let mut lab = Lab::new();
    let mut near = Guesser::new(&mut lab, 1, "alice", "198.51.100.1:1000");
    let mut far = Guesser::new(&mut lab, 2, "alice", "198.51.100.2:1000");
    for second in 0..30 {
        near.verified(&mut lab, 5);
        far.verified(&mut lab, 5);
        lab.pass(Duration::from_secs(1));
        for (flow, address) in [(100 + second, "198.51.100.1"), (200 + second, "198.51.100.3")] {
            let mut owner = phone_at(&mut lab, flow, "alice", &format!("{address}:{flow}"));
            registers_immediately(&mut lab, &mut owner);
            lab.down(owner.flow);
        }
    }
}

#[test]
fn owner_registers_from_a_known_source_during_an_attack() {
    let mut lab = Lab::new();
    let mut owner = phone_at(&mut lab, 9001, "alice", "203.0.113.1:1");
    registers_immediately(&mut lab, &mut owner);
    for round in 0..20 {
        many_sources(&mut lab, "alice", 1 + 100 * round, 100);
        lab.pass(Duration::from_secs(1));
        lab.down(owner.flow);
        owner.flow =
            lab.up_from(9002 + round, Transport::Ws, format!("203.0.113.1:{}", 2 + round).parse().unwrap());
        registers_immediately(&mut lab, &mut owner);
    }
}

/// The first wrong credentials from a new source cause only a short wait, however long an attack has lasted.
#[test]
fn guesses_of_fresh_sources_do_not_accumulate() {
    let mut lab = Lab::new();
    for round in 0..60 {
        many_sources(&mut lab, "alice", 1 + 100 * round, 20);
        lab.pass(Duration::from_secs(2));
    }
    let mut owner = Guesser::new(&mut lab, 9001, "alice", "203.0.113.1:1");
    lab.pass(Duration::from_secs(10));
    assert!(owner.is_verified(&mut lab), "the rate of fresh sources");
    lab.pass(Duration::from_secs(2));
    owner.0.password = "alice-pw".to_owned();
    registers_immediately(&mut lab, &mut owner.0);
}

/// Sends a request with credentials of this responder. Returns the response.
fn with(lab: &mut Lab, phone: &mut Phone, credentials: impl FnOnce(&mut Phone) -> String) -> Sip {
    let address = format!("sip:{}@example.com", phone.user);
    let rows = format!("Authorization: {}\n", credentials(phone));
    let request = phone.request("REGISTER", "sip:example.com", &address, &rows);
    lab.send(phone.flow, &request);
    lab.next(phone.flow)
}

/// A phone that has authenticated, and its responder.
fn known(lab: &mut Lab, phone: &mut Phone) -> Responder {
    let address = format!("sip:{}@example.com", phone.user);
    let first = phone.request("REGISTER", "sip:example.com", &address, "");
    lab.send(phone.flow, &first);
    let challenge = lab.expect(phone.flow, "SIP/2.0 401 ");
    let mut responder = Responder::new();
    let answer = with(lab, phone, |phone| {
        let challenge = Challenge::parse(challenge.rows("WWW-Authenticate")[0].as_bytes()).unwrap();
        let password = Password::plain(phone.password.as_str());
        responder
            .answer(&challenge, &phone.user, &password, Method::Register, b"sip:example.com", b"", "c0ffee")
            .unwrap()
    });
    assert!(answer.start().starts_with("SIP/2.0 200 "), "{}", answer.0);
    responder
}

fn reuse(responder: &mut Responder, user: &str, password: &str) -> String {
    responder.reuse(user, &Password::plain(password), Method::Register, b"sip:example.com", b"").unwrap()
}

#[test]
fn credentials_with_a_nonce_in_use_are_always_verified() {
    let mut lab = Lab::new();
    let mut alice = phone_at(&mut lab, 1, "alice", "198.51.100.1:1");
    let mut responder = known(&mut lab, &mut alice);
    for port in 2..120 {
        Guesser::new(&mut lab, port, "alice", &format!("198.51.100.1:{port}")).verified(&mut lab, 5);
        let answer = with(&mut lab, &mut alice, |_| reuse(&mut responder, "alice", "alice-pw"));
        assert!(answer.start().starts_with("SIP/2.0 200 "), "{}", answer.0);
    }
    let mut stranger = Guesser::new(&mut lab, 160, "alice", "198.51.100.1:160");
    assert_eq!(stranger.verified(&mut lab, 1), 0, "the rate of the source is used up");
}

#[test]
fn nonce_of_one_user_does_not_exempt_another() {
    let mut lab = Lab::new();
    let mut carol = phone_at(&mut lab, 1, "carol", "198.51.100.1:1");
    let mut responder = known(&mut lab, &mut carol);
    carol.user = "alice".to_owned();
    let mut verified = 0;
    for _ in 0..10 {
        let answer = with(&mut lab, &mut carol, |_| reuse(&mut responder, "alice", "guess"));
        verified += usize::from(answer.start().starts_with("SIP/2.0 401 "));
    }
    assert_eq!(verified, BURST_OF_CONNECTION);
    carol.user = "carol".to_owned();
    let answer = with(&mut lab, &mut carol, |_| reuse(&mut responder, "carol", "carol-pw"));
    assert!(answer.start().starts_with("SIP/2.0 200 "), "its own password is verified with it");
}

/// The source of a datagram can be forged. Its sender does not receive the challenge, so its guesses do not count against the phone at that
/// address.
#[test]
fn forged_source_does_not_slow_the_phone() {
    let mut lab = Lab::new();
    let mut bob = Phone::over(&mut lab, 1, Transport::Udp, "bob");
    let mut forger = Phone::new(&mut lab, 2, Transport::Udp, "bob");
    forger.password = "guess".to_owned();
    forger.tag = "forger".to_owned();
    for _ in 0..50 {
        let first = forger.request("REGISTER", "sip:example.com", "sip:bob@example.com", "");
        lab.send(forger.flow, &first);
        let challenge = lab.expect(forger.flow, "SIP/2.0 401 ");
        let rows =
            format!("Authorization: {}\n", forger.credentials(&challenge, "REGISTER", "sip:example.com"));
        let forged = forger.request("REGISTER", "sip:example.com", "sip:bob@example.com", &rows);
        lab.send(bob.flow, &forged);
        lab.pass(Duration::from_millis(100));
    }
    assert_eq!(lab.events.iter().filter(|event| matches!(event, Event::Denied { .. })).count(), 0);
    lab.forget(bob.flow);
    registers_immediately(&mut lab, &mut bob);
}

#[test]
fn wrong_credentials_over_datagrams_are_counted() {
    let mut lab = Lab::new();
    let mut guesser = Guesser(Phone::new(&mut lab, 1, Transport::Udp, "alice"));
    guesser.0.password = "guess".to_owned();
    assert_eq!(guesser.verified(&mut lab, 10), BURST_OF_CONNECTION);
}
