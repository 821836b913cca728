//! The registrar: RFC 3261 §10.3.

use std::time::Duration;

use crate::lab::{Lab, Phone, config};
use offhook_exchange::{Config, Event, Transport, Unregistered};

fn phone(lab: &mut Lab) -> Phone {
    Phone::new(lab, 1, Transport::Ws, "alice")
}

#[test]
fn phone_is_challenged_and_registered() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let register = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(alice.flow, &register);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 Unauthorized\r\n");
    assert_eq!(challenge.rows("WWW-Authenticate").len(), 2, "one for each algorithm");
    assert!(challenge.row("Via").contains(";received=192.0.2.1"), "RFC 3261 §18.2.1");
    assert_ne!(challenge.tag("To"), "");

    let answer = alice.register(&mut lab);
    assert_eq!(answer.row("Contact"), "<sip:alice-1@alice.invalid;transport=ws>;expires=600");
    let expires = Duration::from_secs(600);
    let contact = alice.contact.clone();
    assert_eq!(lab.events, [Event::Registered { user: "alice".into(), contact, flow: alice.flow, expires }]);
    assert_eq!(lab.exchange.load().bindings, 1);
}

#[test]
fn wrong_password_is_challenged_again_and_reported() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.password = "guess".into();
    let answer = alice.register_with(&mut lab, &format!("Contact: <{}>\n", alice.contact));
    assert!(answer.start().starts_with("SIP/2.0 401 "));
    assert!(!answer.rows("WWW-Authenticate")[0].contains("stale"), "not stale: wrong");
    assert_eq!(lab.events, [Event::Denied { user: "alice".into(), status: 401, flow: alice.flow }]);
    assert_eq!(lab.exchange.load().bindings, 0);
}

#[test]
fn third_party_registration_is_refused() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let bob = "<sip:bob@example.com>";
    let first = alice.request("REGISTER", "sip:example.com", bob, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Authorization: {credentials}\nContact: <{}>\n", alice.contact);
    let second = alice.request("REGISTER", "sip:example.com", bob, &rows);
    lab.send(alice.flow, &second);
    lab.expect(alice.flow, "SIP/2.0 403 ");
    assert_eq!(lab.exchange.load().bindings, 0);
}

#[test]
fn credentials_of_one_user_do_not_register_another() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let forged = |request: String| request.replace("From: <sip:alice@", "From: <sip:bob@");
    let bob = "<sip:bob@example.com>";
    let first = forged(alice.request("REGISTER", "sip:example.com", bob, ""));
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Authorization: {credentials}\nContact: <{}>\n", alice.contact);
    let second = forged(alice.request("REGISTER", "sip:example.com", bob, &rows));
    lab.send(alice.flow, &second);
    lab.expect(alice.flow, "SIP/2.0 403 ");
    assert_eq!(lab.events, [Event::Denied { user: "alice".into(), status: 403, flow: alice.flow }]);
}

#[test]
fn unknown_user_and_foreign_domain_get_404() {
    let mut lab = Lab::new();
    let mut eve = Phone::new(&mut lab, 1, Transport::Ws, "eve");
    let register = eve.request("REGISTER", "sip:example.com", "sip:eve@example.com", "");
    lab.send(eve.flow, &register);
    lab.expect(eve.flow, "SIP/2.0 404 ");
    let register = eve.request("REGISTER", "sip:example.org", "sip:eve@example.org", "");
    lab.send(eve.flow, &register);
    lab.expect(eve.flow, "SIP/2.0 403 ");
    let register = eve.request("REGISTER", "sip:example.com", "sip:alice@example.org", "");
    lab.send(eve.flow, &register);
    lab.expect(eve.flow, "SIP/2.0 404 ");
}

#[test]
fn binding_expires_without_a_refresh() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.register(&mut lab);
    lab.pass(Duration::from_secs(599));
    assert_eq!(lab.exchange.load().bindings, 1);
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.exchange.load().bindings, 0);
    let gone =
        Event::Unregistered { user: "alice".into(), contact: alice.contact, reason: Unregistered::Expired };
    assert_eq!(lab.events.last(), Some(&gone));
}

#[test]
fn refresh_prolongs_a_binding() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.register(&mut lab);
    lab.pass(Duration::from_secs(500));
    alice.register(&mut lab);
    lab.pass(Duration::from_secs(500));
    assert_eq!(lab.exchange.load().bindings, 1);
}

#[test]
fn binding_ends_with_its_connection() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.register(&mut lab);
    lab.down(alice.flow);
    assert_eq!(lab.exchange.load().bindings, 0);
    let gone =
        Event::Unregistered { user: "alice".into(), contact: alice.contact, reason: Unregistered::FlowLost };
    assert_eq!(lab.events.last(), Some(&gone));
}

#[test]
fn intervals_are_bounded() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let contact = alice.contact.clone();
    let brief = alice.register_with(&mut lab, &format!("Contact: <{contact}>;expires=10\n"));
    assert_eq!(brief.start(), "SIP/2.0 423 Interval Too Brief");
    assert_eq!(brief.row("Min-Expires"), "30");

    let long = alice.register_with(&mut lab, &format!("Contact: <{contact}>\nExpires: 1000000\n"));
    assert!(long.row("Contact").ends_with(";expires=3600"));
    let unsaid = alice.register_with(&mut lab, &format!("Contact: <{contact}>\n"));
    assert!(unsaid.row("Contact").ends_with(";expires=600"));
    let unreadable = alice.register_with(&mut lab, &format!("Contact: <{contact}>;expires=soon\n"));
    assert!(unreadable.row("Contact").ends_with(";expires=3600"), "RFC 3261 §10.2: an hour");
    let unreadable =
        alice.register_with(&mut lab, &format!("Contact: <{contact}>\nExpires: Thu, 01 Dec 1994\n"));
    assert!(unreadable.row("Contact").ends_with(";expires=3600"), "RFC 3261 §10.2: an hour");
}

#[test]
fn hour_is_never_refused_with_423() {
    let mut config = config();
    config.min_expires = Duration::from_secs(7200);
    config.max_expires = Duration::from_secs(7200);
    let mut lab = Lab::with(config);
    let mut alice = phone(&mut lab);
    for (wish, status) in [(3599, "423"), (3600, "200")] {
        let answer = alice.register_with(&mut lab, &format!("Contact: <{}>;expires={wish}\n", alice.contact));
        assert!(answer.start().starts_with(&format!("SIP/2.0 {status} ")), "{}", answer.0);
    }
}

#[test]
fn contacts_are_fetched_listed_and_removed() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let two =
        "Contact: <sip:a@one.invalid>;q=0.5, <sip:b@two.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n";
    alice.register_with(&mut lab, two);
    lab.pass(Duration::from_secs(100));
    let listed = alice.register_with(&mut lab, "");
    assert_eq!(
        listed.rows("Contact"),
        [
            "<sip:a@one.invalid>;expires=500;q=0.5",
            "<sip:b@two.invalid>;expires=500;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
        ]
    );
    let left = alice.register_with(&mut lab, "Contact: <sip:a@ONE.invalid>;expires=0\n");
    assert!(left.row("Contact").starts_with("<sip:b@two.invalid>"), "compared as URIs");
    let none = alice.register_with(&mut lab, "Contact: *\nExpires: 0\n");
    assert_eq!(none.rows("Contact"), Vec::<&str>::new());
    assert_eq!(lab.exchange.load().bindings, 0);
}

#[test]
fn wildcard_contact_requires_expires_0() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.register(&mut lab);
    for rows in ["Contact: *\n", "Contact: *\nExpires: 60\n", "Contact: *, <sip:a@b.invalid>\nExpires: 0\n"] {
        let answer = alice.register_with(&mut lab, rows);
        assert!(answer.start().starts_with("SIP/2.0 400 "), "{rows}{}", answer.0);
    }
    assert_eq!(lab.exchange.load().bindings, 1);
}

#[test]
fn device_with_a_new_uri_replaces_its_binding() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    for host in ["one", "two"] {
        let rows = format!("Contact: <sip:a@{host}.invalid>;+sip.instance=\"<urn:uuid:1>\"\n");
        alice.register_with(&mut lab, &rows);
    }
    let listed = alice.register_with(&mut lab, "");
    assert!(listed.row("Contact").starts_with("<sip:a@two.invalid>"));
}

#[test]
fn older_register_does_not_undo_a_newer_one() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    alice.register(&mut lab);
    let first = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Contact: <{}>;expires=0\nAuthorization: {credentials}\n", alice.contact);
    let late = alice.request_numbered("REGISTER", 1, "sip:example.com", "sip:alice@example.com", &rows);
    lab.send(alice.flow, &late);
    lab.expect(alice.flow, "SIP/2.0 500 ");
    assert_eq!(lab.exchange.load().bindings, 1);
}

#[test]
fn contacts_of_a_user_are_bounded() {
    let mut config = config();
    config.limits.bindings_per_user = 2;
    let mut lab = Lab::with(config);
    let mut alice = phone(&mut lab);
    let three = "Contact: <sip:a@1.invalid>, <sip:a@2.invalid>, <sip:a@3.invalid>\n";
    assert!(alice.register_with(&mut lab, three).start().starts_with("SIP/2.0 403 "));
    assert_eq!(lab.exchange.load().bindings, 0, "all or nothing");
    let two = "Contact: <sip:a@1.invalid>, <sip:a@2.invalid>\n";
    assert!(alice.register_with(&mut lab, two).start().starts_with("SIP/2.0 200 "));
    let exchange = "Contact: <sip:a@1.invalid>;expires=0, <sip:a@3.invalid>\n";
    assert!(alice.register_with(&mut lab, exchange).start().starts_with("SIP/2.0 200 "));
}

#[test]
fn oldest_contact_of_the_same_client_is_replaced() {
    let mut config = config();
    config.limits.bindings_per_user = 2;
    let mut lab = Lab::with(config);
    let mut alice = phone(&mut lab);
    let mut other = Phone::new(&mut lab, 7, Transport::Ws, "alice");
    other.tag = "other-tag".to_owned();
    other.register(&mut lab);
    for host in 1..=3 {
        let contact = format!("Contact: <sip:a@{host}.invalid>\n");
        assert!(alice.register_with(&mut lab, &contact).start().starts_with("SIP/2.0 200 "), "{host}");
        assert_eq!(lab.exchange.load().bindings, 2);
    }
    // Contacts of another client are not replaced.
    let two = "Contact: <sip:a@4.invalid>, <sip:a@5.invalid>\n";
    assert!(alice.register_with(&mut lab, two).start().starts_with("SIP/2.0 403 "));
    assert!(other.register_with(&mut lab, "").rows("Contact").iter().any(|row| row.contains("@3.invalid")));
}

#[test]
fn unsupported_options_are_listed_in_420() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let rows = "Require: teleport, gruu\n";
    let register = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", rows);
    lab.send(alice.flow, &register);
    let answer = lab.expect(alice.flow, "SIP/2.0 420 ");
    assert_eq!(answer.rows("Unsupported"), ["teleport", "gruu"]);
}

#[test]
fn expired_nonce_and_nonce_of_an_earlier_run_are_stale() {
    let mut lab = Lab::with(Config { nonce_lifetime: Duration::from_secs(20), ..config() });
    let mut alice = phone(&mut lab);
    let first = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Authorization: {credentials}\n");

    lab.pass(Duration::from_secs(21));
    let late = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", &rows);
    lab.send(alice.flow, &late);
    assert!(lab.expect(alice.flow, "SIP/2.0 401 ").rows("WWW-Authenticate")[0].contains("stale=true"));

    lab.restart(config(), 43);
    alice.flow = lab.up(2, Transport::Ws);
    let again = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", &rows);
    lab.send(alice.flow, &again);
    assert!(lab.expect(alice.flow, "SIP/2.0 401 ").rows("WWW-Authenticate")[0].contains("stale=true"));
    assert_eq!(lab.events, [], "nobody was wrong");
}

#[test]
fn replayed_credentials_are_challenged() {
    let mut lab = Lab::new();
    let mut alice = phone(&mut lab);
    let first = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 401 ");
    let credentials = alice.credentials(&challenge, "REGISTER", "sip:example.com");
    let rows = format!("Authorization: {credentials}\n");
    for status in ["200", "401"] {
        let request = alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", &rows);
        lab.send(alice.flow, &request);
        lab.expect(alice.flow, &format!("SIP/2.0 {status} "));
    }
}
