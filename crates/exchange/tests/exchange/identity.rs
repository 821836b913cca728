//! The identity of the sender: authenticated, compared with From, or removed.

use offhook_exchange::{Config, Event, Transport};

use crate::lab::{Lab, Phone, Sip, config, reply};

const BOB: &str = "sip:bob@example.com";

/// A request inside a dialog with Bob without its route: its Request-URI is Bob's contact.
fn inside(phone: &mut Phone, method: &str, bob: &Phone, rows: &str) -> String {
    phone.request(method, &bob.contact, &format!("<{BOB}>;tag=b"), rows)
}

fn from(request: &str, uri: &str) -> String {
    let row = request.lines().find(|line| line.starts_with("From: ")).expect("a From");
    request.replace(row, &format!("From: <{uri}>;tag=forged"))
}

#[test]
fn registered_phone_needs_credentials_for_another_user_in_from() {
    for away in [false, true] {
        let mut lab = Lab::new();
        let bob = Phone::registered(&mut lab, 1, "bob");
        let mut carol = Phone::registered(&mut lab, 2, "carol");
        Phone::registered(&mut lab, 3, "alice");
        if away {
            lab.down(bob.flow);
        }
        lab.events.clear();
        for method in ["BYE", "INFO", "INVITE"] {
            let forged = |request: String| from(&request, "sip:alice@example.com");
            lab.send(carol.flow, &forged(inside(&mut carol, method, &bob, "")));
            let challenge = lab.expect(carol.flow, "SIP/2.0 407 ");
            let credentials = carol.credentials(&challenge, method, &bob.contact);
            let rows = format!("Proxy-Authorization: {credentials}\n");
            lab.send(carol.flow, &forged(inside(&mut carol, method, &bob, &rows)));
            lab.expect(carol.flow, "SIP/2.0 403 ");
            lab.silent(bob.flow);
        }
        let ack = from(&inside(&mut carol, "ACK", &bob, ""), "sip:alice@example.com");
        lab.send(carol.flow, &ack);
        lab.silent(bob.flow);
        let denied = Event::Denied { user: "carol".to_owned(), status: 403, flow: carol.flow };
        lab.events.retain(|event| matches!(event, Event::Denied { .. }));
        assert_eq!(lab.events, vec![denied; 3]);

        let own = inside(&mut carol, "INFO", &bob, "");
        lab.send(carol.flow, &own);
        if !away {
            lab.expect(bob.flow, "INFO ");
        }
        lab.silent(carol.flow);
    }
}

#[test]
fn foreign_from_does_not_reach_a_contact() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 1, "bob");
    let mut carol = Phone::registered(&mut lab, 2, "carol");
    for method in ["BYE", "INFO", "MESSAGE", "REFER"] {
        let forged = from(&inside(&mut carol, method, &bob, ""), "sip:alice@example.org");
        lab.send(carol.flow, &forged);
        lab.expect(carol.flow, "SIP/2.0 403 ");
        lab.silent(bob.flow);
    }
}

const IDENTITY: &str = "P-Asserted-Identity: <sip:boss@example.com>\n\
    p-asserted-identity: \"Boss\" <tel:+1>, <sip:b@example.com>\n\
    REMOTE-PARTY-ID: <sip:boss@example.com>;screen=yes\n\
    Remote-Party-ID: \"x\" <sip:y@z>\nX-Other: kept\n";

#[track_caller]
fn asserts_nothing(message: &Sip) {
    for name in ["P-Asserted-Identity", "Remote-Party-ID"] {
        assert_eq!(message.rows(name), [""; 0], "{}", message.0);
    }
    assert_eq!(message.row("X-Other"), "kept");
}

#[test]
fn asserted_identity_in_a_request_is_removed() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    for method in ["INFO", "INVITE", "ACK"] {
        let request = near.request(&mut alice, method, IDENTITY);
        lab.send(alice.flow, &request);
        asserts_nothing(&lab.expect(bob.flow, method));
    }
    lab.forget(alice.flow);
    let bye = far.request(&mut bob, "BYE", IDENTITY);
    lab.send(bob.flow, &bye);
    asserts_nothing(&lab.expect(alice.flow, "BYE "));

    let mut guest = Phone::guest(&mut lab, 3, Transport::Ws);
    let invite = guest.request("INVITE", BOB, BOB, IDENTITY);
    lab.send(guest.flow, &invite);
    asserts_nothing(&lab.expect(bob.flow, "INVITE "));
}

#[test]
fn asserted_identity_in_a_response_is_removed() {
    for (method, finals) in
        [("INVITE", ["200 OK", "486 Busy Here"]), ("OPTIONS", ["200 OK", "404 Not Found"])]
    {
        for last in finals {
            let mut lab = Lab::new();
            let bob = Phone::registered(&mut lab, 1, "bob");
            let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
            let request = guest.request(method, BOB, BOB, "");
            lab.send(guest.flow, &request);
            let received = lab.expect(bob.flow, method);
            lab.send(bob.flow, &reply(&received, "180 Ringing", "b", IDENTITY));
            lab.send(bob.flow, &reply(&received, last, "b", IDENTITY));
            let mut heard = 0;
            while lab.waiting(guest.flow) > 0 {
                let response = lab.next(guest.flow);
                if !response.start().starts_with("SIP/2.0 100 ") {
                    asserts_nothing(&response);
                    heard += 1;
                }
            }
            assert_eq!(heard, 2, "{method} {last}");
        }
    }
}

/// A 2xx after the end of its transaction is forwarded to the caller.
#[test]
fn asserted_identity_in_a_late_response_is_removed() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 1, "bob");
    let mut alice = Phone::registered(&mut lab, 2, "alice");
    alice.invite(&mut lab, BOB);
    let received = lab.expect(bob.flow, "INVITE ");
    let ok = reply(&received, "200 OK", "b", IDENTITY);
    lab.send(bob.flow, &ok);
    asserts_nothing(&lab.expect(alice.flow, "SIP/2.0 200 "));
    lab.pass(std::time::Duration::from_secs(100));
    assert_eq!(lab.exchange.load().transactions, 0);
    lab.send(bob.flow, &ok);
    asserts_nothing(&lab.expect(alice.flow, "SIP/2.0 200 "));
}

/// The response to an unauthenticated INVITE with this From.
fn hears(config: Config, uri: &str) -> String {
    let mut lab = Lab::with(config);
    Phone::registered(&mut lab, 1, "bob");
    let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
    let invite = from(&guest.request("INVITE", BOB, BOB, ""), uri);
    lab.send(guest.flow, &invite);
    lab.next(guest.flow).start()[..11].to_owned()
}

#[test]
fn own_domain_in_any_notation_is_challenged() {
    let ours = [
        "sip:alice@EXAMPLE.com",
        "sip:alice@example.com.",
        "sip:alice@ex%61mple.com",
        "sip:alice@example.com:5099",
        "sips:alice@example.com",
        "sip:alice@example.com;transport=tcp;maddr=192.0.2.99",
        "sip:%61lice@example.com",
        "sip:nobody@example.com",
        "sip:example.com",
        "sip:alice@192.0.2.10",
        "sip:alice@192.0.522",
        "sip:alice@0xc000020a",
        "sip:alice@[::ffff:192.0.2.10]",
        "sip:alice@[::ffff:c000:20a]:5060",
    ];
    for uri in ours {
        let config = config().with_host("192.0.2.10:5060");
        assert_eq!(hears(config, uri), "SIP/2.0 407", "{uri}");
    }
    for uri in [
        "sip:alice@example.org",
        "sip:alice@example.com.example.org",
        "sip:example.com@example.org",
        "sip:alice@192.0.2.11",
        "sip:anonymous@anonymous.invalid",
        "tel:+15550100",
    ] {
        let config = config().with_host("192.0.2.10:5060");
        assert_eq!(hears(config, uri), "SIP/2.0 100", "{uri}");
    }
}

#[test]
fn all_loopback_addresses_are_one_host() {
    let local = || {
        let mut config = config();
        config.domains.push("localhost".to_owned());
        config
    };
    for host in ["localhost", "127.0.0.1", "127.1", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"] {
        assert_eq!(hears(local(), &format!("sip:alice@{host}")), "SIP/2.0 407", "{host}");
    }
    assert_eq!(hears(config(), "sip:alice@127.0.0.1"), "SIP/2.0 100", "not its own unless it says so");
}

#[test]
fn guests_may_send_only_invite_and_options_if_allowed() {
    let methods = [
        "INVITE",
        "OPTIONS",
        "MESSAGE",
        "SUBSCRIBE",
        "NOTIFY",
        "REFER",
        "PUBLISH",
        "INFO",
        "BYE",
        "UPDATE",
        "PRACK",
        "X",
    ];
    for guests in [false, true] {
        let mut lab = Lab::with(Config { guests, ..config() });
        let bob = Phone::registered(&mut lab, 1, "bob");
        let mut guest = Phone::guest(&mut lab, 2, Transport::Ws);
        for (index, method) in methods.into_iter().enumerate() {
            for to in [BOB.to_owned(), format!("<{BOB}>;tag=b")] {
                let request = guest.request(method, BOB, &to, "");
                lab.send(guest.flow, &request);
            }
            let passed = guests && index < 2;
            assert_eq!(lab.waiting(bob.flow), if passed { 2 } else { 0 }, "{method} guests: {guests}");
            if !passed {
                lab.expect(guest.flow, "SIP/2.0 403 ");
                lab.expect(guest.flow, "SIP/2.0 403 ");
            }
            lab.forget(bob.flow);
            lab.forget(guest.flow);
        }
        let away = guest.request("INVITE", "sip:x@x.invalid", "<sip:x@x.invalid>;tag=x", "");
        lab.send(guest.flow, &away);
        lab.expect(guest.flow, "SIP/2.0 403 ");
        let relayed = guest.request("INVITE", "sip:x@example.net", "sip:x@example.net", "");
        lab.send(guest.flow, &relayed);
        lab.expect(guest.flow, "SIP/2.0 403 ");
    }
}
