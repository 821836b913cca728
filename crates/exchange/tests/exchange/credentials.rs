//! Credentials for the exchange's realm are not forwarded, and must be for the requested resource.

use offhook_exchange::Transport;

use crate::lab::{Lab, Phone, Sip, reply};

const BOB: &str = "sip:bob@example.com";
const ZEROS: &str = "00000000000000000000000000000000";

/// Rows for the exchange's realm in every notation.
fn ours() -> Vec<String> {
    let whole = format!(
        "Digest username=\"alice\", realm=\"example.com\", nonce=\"n\", uri=\"{BOB}\", response=\"{ZEROS}\""
    );
    vec![
        whole.clone(),
        whole.replace("Digest", "DIGEST").replace(", ", ",").replace("realm=", "Realm = "),
        "Digest realm=\"example.com\"".to_owned(),
        "Digest username=\"alice\", realm=\"example.com\", nonce=\"cut".to_owned(),
        format!("Digest realm=\"elsewhere\", {}", &whole[7..]),
        "Digest username=\"alice\" realm=\"example.com\" response=secret".to_owned(),
    ]
}

fn others() -> Vec<String> {
    vec![
        format!(
            "Digest username=\"a\", realm=\"elsewhere\", nonce=\"n\", uri=\"sip:x\", response=\"{ZEROS}\""
        ),
        "Bearer example".to_owned(),
    ]
}

/// All of them, in both headers.
fn rows() -> String {
    let names = ["Authorization", "Proxy-Authorization", "authorization", "PROXY-AUTHORIZATION"];
    let all = ours().into_iter().chain(others()).enumerate();
    all.flat_map(|(index, row)| names.map(|name| (index, format!("{name}: {row}\n"))))
        .map(|(_, row)| row)
        .collect()
}

#[track_caller]
fn has_only_foreign_credentials(message: &Sip) {
    for name in ["Authorization", "Proxy-Authorization"] {
        let mut rows = message.rows(name);
        rows.sort_unstable();
        rows.dedup();
        let mut expected = others();
        expected.sort_unstable();
        assert_eq!(rows, expected, "{name} in\n{}", message.0);
    }
}

#[test]
fn credentials_for_own_realm_are_removed_from_forwarded_requests() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    for method in ["INFO", "INVITE", "ACK", "BYE"] {
        let request = near.request(&mut alice, method, &rows());
        lab.send(alice.flow, &request);
        has_only_foreign_credentials(&lab.expect(bob.flow, method));
    }
    lab.forget(alice.flow);
    let info = far.request(&mut bob, "INFO", &rows());
    lab.send(bob.flow, &info);
    has_only_foreign_credentials(&lab.expect(alice.flow, "INFO "));

    let mut near = near.routeless();
    for method in ["INFO", "ACK"] {
        let request = near.request(&mut alice, method, &rows());
        lab.send(alice.flow, &request);
        has_only_foreign_credentials(&lab.expect(bob.flow, method));
    }
    let mut guest = Phone::guest(&mut lab, 3, Transport::Ws);
    let invite = guest.request("INVITE", BOB, BOB, &rows());
    lab.send(guest.flow, &invite);
    has_only_foreign_credentials(&lab.expect(bob.flow, "INVITE "));
}

/// Also from retransmissions: after a reconnection, and over UDP.
#[test]
fn credentials_for_own_realm_are_removed_from_retransmissions() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    let sent = alice.invite(&mut lab, BOB);
    assert_eq!(sent.rows("Proxy-Authorization").len(), 1);
    for again in [false, true] {
        lab.pass(std::time::Duration::from_secs(2));
        if again {
            bob.flow = lab.up(12, Transport::Udp);
            bob.register(&mut lab);
            lab.pass(std::time::Duration::from_secs(2));
        }
        assert!(lab.waiting(bob.flow) > 0);
        while lab.waiting(bob.flow) > 0 {
            let received = lab.expect(bob.flow, "INVITE ");
            assert_eq!(received.rows("Proxy-Authorization"), [""; 0], "{}", received.0);
        }
    }
}

/// RFC 7616 §3.4.6. The password is not verified, so it does not count as a guess.
#[test]
fn credentials_for_another_resource_get_a_stateless_400() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Udp, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    let cases = [
        ("REGISTER", "sip:example.com", "sip:alice@example.com", "Authorization", "sip:example.org"),
        ("MESSAGE", BOB, BOB, "Proxy-Authorization", "sip:carol@example.com"),
        ("INVITE", BOB, BOB, "Proxy-Authorization", "sip:bob@example.com;user=phone"),
    ];
    for (method, uri, to, header, other) in cases {
        let first = alice.request(method, uri, to, "");
        lab.send(alice.flow, &first);
        let challenge = lab.next(alice.flow);
        for _ in 0..10 {
            let rows = format!("{header}: {}\n", alice.credentials(&challenge, method, other));
            let second = alice.request(method, uri, to, &rows);
            for _ in 0..2 {
                lab.send(alice.flow, &second);
                let answer = lab.next(alice.flow);
                assert_eq!(answer.start(), "SIP/2.0 400 Credentials For Another Resource");
            }
            lab.silent(bob.flow);
            assert_eq!(lab.exchange.load().transactions, 0);
        }
        assert_eq!(lab.events.len(), 1, "only Bob's registration");
        let rows = format!("{header}: {}\n", alice.credentials(&challenge, method, uri));
        let right = alice.request(method, uri, to, &rows);
        lab.send(alice.flow, &right);
        if method != "REGISTER" {
            let received = lab.expect(bob.flow, method);
            lab.send(bob.flow, &reply(&received, "200 OK", "b", ""));
        }
        lab.events.truncate(1);
        lab.forget(alice.flow);
        lab.pass(std::time::Duration::from_secs(40));
    }
}
