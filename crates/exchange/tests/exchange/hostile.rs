//! Malformed, looping and excessive messages.

use std::time::Duration;

use offhook_exchange::{FlowChange, FlowId, Input, Transport};
use proptest::prelude::*;

use crate::lab::{Lab, Phone, config, reply};

const OPTIONS: &str = "OPTIONS sip:example.com SIP/2.0\n\
    Via: SIP/2.0/WS x.invalid;branch=z9hG4bKx\n\
    Max-Forwards: 70\n\
    From: <sip:x@example.org>;tag=x\n\
    To: <sip:example.com>\n\
    Call-ID: x\n\
    CSeq: 1 OPTIONS\n\n";

/// The first line of the response to one message; empty without one.
fn answer(message: &str) -> String {
    let mut lab = Lab::new();
    let flow = lab.up(1, Transport::Ws);
    lab.send(flow, message);
    let answers = lab.waiting(flow);
    assert!(answers <= 1);
    if answers == 0 { String::new() } else { lab.next(flow).start().to_owned() }
}

#[test]
fn options_and_keep_alives_are_answered() {
    assert_eq!(answer(OPTIONS), "SIP/2.0 200 OK");
    let last_hop = OPTIONS.replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(answer(&last_hop), "SIP/2.0 200 OK");
    assert_eq!(
        answer(&last_hop.replace("sip:example.com", "sip:bob@example.com")),
        "SIP/2.0 483 Too Many Hops"
    );
    assert_eq!(answer("\n\n"), "");
    let mut lab = Lab::new();
    let flow = lab.up(1, Transport::Ws);
    lab.send_bytes(flow, b"\r\n\r\n");
    assert_eq!(lab.next(flow).0, "\r\n");
    lab.send_bytes(flow, b"\r\n");
    lab.silent(flow);
}

#[test]
fn malformed_requests_are_rejected_if_possible() {
    let changed = |from: &str, to: &str| {
        assert!(OPTIONS.contains(from));
        answer(&OPTIONS.replacen(from, to, 1))
    };
    assert_eq!(changed("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), "SIP/2.0 400 Bad Request");
    assert_eq!(changed("SIP/2.0\n", "SIP/3.0\n"), "SIP/2.0 505 Version Not Supported");
    assert_eq!(changed("Max-Forwards: 70", "Max-Forwards: many"), "SIP/2.0 400 Bad Request");
    assert_eq!(changed("sip:example.com", "tel:+1"), "SIP/2.0 416 Unsupported URI Scheme");
    assert_eq!(changed("Call-ID: x\n", ""), "SIP/2.0 400 Bad Request");
    assert_eq!(changed("Via:", "Viae:"), "", "nothing to answer to");
    assert_eq!(
        changed("Call-ID: x", "Content-Length: 5\nContent-Length: 6\nCall-ID: x"),
        "SIP/2.0 400 Bad Request"
    );
    assert_eq!(answer(&OPTIONS.replace("OPTIONS", "ACK").replace("CSeq: 1", "CSeq: x")), "");
    assert_eq!(answer("hello"), "");
}

#[test]
fn requests_that_cannot_be_forwarded_are_refused() {
    let mut lab = Lab::new();
    Phone::registered(&mut lab, 2, "bob");
    let mut guest = Phone::new(&mut lab, 1, Transport::Ws, "guest");
    let uri = "sip:bob@example.com";
    let mut refused = |rows: &str, from: &str, to: &str, start: &str| {
        let request =
            guest.request("INVITE", uri, uri, rows).replace("guest@example.com", "guest@example.org");
        lab.send(guest.flow, &request.replace(from, to));
        lab.expect(guest.flow, start)
    };
    refused("", "Max-Forwards: 70", "Max-Forwards: 0", "SIP/2.0 483 ");
    let answer = refused("Proxy-Require: a, b\n", "", "", "SIP/2.0 420 ");
    assert_eq!(answer.rows("Unsupported"), ["a", "b"]);
    refused("Route: <sip:elsewhere.example.org;lr>\n", "", "", "SIP/2.0 403 ");
    refused("Route: <sip:example.com;lr>\n", "", "", "SIP/2.0 100 ");
    refused("Route: <sip:AAAA@example.com;lr>\n", "", "", "SIP/2.0 100 ");
}

#[test]
fn loop_gets_482_at_the_second_pass() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 2, "bob");
    let mut guest = Phone::new(&mut lab, 1, Transport::Ws, "guest");
    let uri = "sip:bob@example.com";
    let invite = guest.request("INVITE", uri, uri, "").replace("guest@example.com", "guest@example.org");
    lab.send(guest.flow, &invite);
    // Bob is a proxy that returns every request.
    for turn in 0..2 {
        let received = lab.expect(bob.flow, "INVITE ");
        let back = received.0.replacen(
            "Via: ",
            &format!("Via: SIP/2.0/WS bob.invalid;branch=z9hG4bKb{turn}\r\nVia: "),
            1,
        );
        lab.send(bob.flow, &back);
        if turn == 0 {
            lab.expect(bob.flow, "SIP/2.0 100 ");
        }
    }
    lab.expect(bob.flow, "SIP/2.0 482 ");
}

#[test]
fn unknown_method_is_forwarded() {
    let mut lab = Lab::new();
    let bob = Phone::registered(&mut lab, 2, "bob");
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let uri = "sip:bob@example.com";
    let first = alice.request("FROBNICATE", uri, uri, "");
    lab.send(alice.flow, &first);
    let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
    let credentials = alice.credentials(&challenge, "FROBNICATE", uri);
    let rows = format!("X-Odd: \u{fffd}\nProxy-Authorization: {credentials}\n");
    let second = alice.request("FROBNICATE", uri, uri, &rows);
    lab.send(alice.flow, &second);
    let received = lab.expect(bob.flow, "FROBNICATE ");
    assert_eq!(received.row("X-Odd"), "\u{fffd}");
    assert_eq!(received.rows("Record-Route").len(), 1, "it may form a dialog (RFC 3261 §16.6 step 4)");
    lab.send(bob.flow, &reply(&received, "200 OK", "b", ""));
    lab.expect(alice.flow, "SIP/2.0 200 ");
}

/// Sends requests of alice, each with new credentials. Returns the first line of each response.
fn messages(lab: &mut Lab, alice: &mut Phone, count: usize) -> Vec<String> {
    let uri = "sip:bob@example.com";
    let mut answers = Vec::new();
    for _ in 0..count {
        let first = alice.request("MESSAGE", uri, uri, "");
        lab.send(alice.flow, &first);
        let challenge = lab.expect(alice.flow, "SIP/2.0 407 ");
        let rows = format!("Proxy-Authorization: {}\n", alice.credentials(&challenge, "MESSAGE", uri));
        let second = alice.request("MESSAGE", uri, uri, &rows);
        lab.send(alice.flow, &second);
        if lab.waiting(alice.flow) > 0 {
            answers.push(lab.next(alice.flow).start().to_owned());
        }
    }
    answers
}

#[test]
fn transactions_of_one_flow_are_bounded() {
    let mut config = config();
    config.limits.transactions_per_flow = 3;
    let mut lab = Lab::with(config);
    let bob = Phone::registered(&mut lab, 2, "bob");
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    assert_eq!(messages(&mut lab, &mut alice, 5), ["SIP/2.0 503 Service Unavailable"; 2]);
    assert_eq!(lab.waiting(bob.flow), 3);
    lab.pass(Duration::from_secs(33));
    lab.forget(alice.flow);
    assert_eq!(messages(&mut lab, &mut alice, 1), [""; 0]);
}

#[test]
fn transactions_are_bounded_over_all_flows() {
    let mut config = config();
    config.limits.transactions = 1;
    let mut lab = Lab::with(config);
    Phone::registered(&mut lab, 2, "bob");
    let mut first = Phone::registered(&mut lab, 1, "alice");
    let mut second = Phone::registered(&mut lab, 3, "alice");
    assert_eq!(messages(&mut lab, &mut first, 1), [""; 0]);
    assert_eq!(messages(&mut lab, &mut second, 1), ["SIP/2.0 503 Service Unavailable"]);
}

#[test]
fn stream_is_split_into_messages_and_closed_after_a_framing_error() {
    let mut lab = Lab::new();
    let flow = lab.up(1, Transport::Tcp);
    let options = OPTIONS.replace("\n\n", "\nContent-Length: 0\n\n").replace('\n', "\r\n");
    let (one, two) = options.as_bytes().split_at(50);
    lab.send_bytes(flow, one);
    lab.silent(flow);
    lab.send_bytes(flow, two);
    lab.expect(flow, "SIP/2.0 200 ");
    lab.send_bytes(flow, options.replace("Content-Length: 0", "Content-Length: x").as_bytes());
    assert_eq!(lab.closed, [flow]);
    assert_eq!(lab.exchange.load().flows, 0);
}

#[test]
fn contact_with_line_breaks_is_not_listed() {
    let mut lab = Lab::new();
    let mut alice = Phone::new(&mut lab, 1, Transport::Ws, "alice");
    let rows = "Contact: <sip:a@alice.invalid>;+sip.instance=\"<urn:\n x>\"\n";
    let answer = alice.register_with(&mut lab, rows);
    assert_eq!(answer.row("Contact"), "<sip:a@alice.invalid>;expires=600");
}

/// A lab with a call.
fn busy_lab() -> (Lab, Vec<FlowId>, Vec<String>) {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::over(&mut lab, 2, Transport::Udp, "bob");
    let (mut near, mut far) = alice.call(&mut lab, &mut bob);
    let stream = lab.up(3, Transport::Tcp);
    let messages = vec![
        near.request(&mut alice, "INVITE", "Contact: <sip:a@b>\n"),
        far.request(&mut bob, "BYE", ""),
        alice.request("REGISTER", "sip:example.com", "sip:alice@example.com", "Contact: *\n"),
        alice.request(
            "INVITE",
            "sip:bob@example.com",
            "sip:bob@example.com",
            "Route: <sip:example.com;lr>\n",
        ),
        "SIP/2.0 200 OK\nVia: SIP/2.0/WS example.com;branch=z9hG4bKAAAA\nCSeq: 1 INVITE\n\n".to_owned(),
    ];
    lab.forget(alice.flow);
    lab.forget(bob.flow);
    (lab, vec![alice.flow, bob.flow, stream], messages)
}

/// Feeds one input and checks that the number of outputs is bounded.
fn feed(lab: &mut Lab, flow: FlowId, data: &[u8]) -> Result<(), TestCaseError> {
    lab.exchange.handle(lab.now, lab.received(flow, data));
    let mut outputs = 0;
    while lab.exchange.poll().is_some() {
        outputs += 1;
    }
    // The worst case is a request forked to every contact of a user, with a 100 and an event.
    prop_assert!(outputs <= 16, "{outputs} outputs");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_harmless(inputs in prop::collection::vec((0..3_usize, any::<Vec<u8>>()), 0..20)) {
        let (mut lab, flows, _) = busy_lab();
        for (flow, data) in inputs {
            feed(&mut lab, flows[flow], &data)?;
        }
        lab.pass(Duration::from_secs(400));
        prop_assert_eq!(lab.exchange.load().transactions, 0);
    }

    #[test]
    fn damaged_messages_are_harmless(
        damages in prop::collection::vec((0..5_usize, 0..3_usize, any::<u16>(), any::<u16>(), any::<Vec<u8>>()), 0..20),
    ) {
        let (mut lab, flows, messages) = busy_lab();
        for (message, flow, from, length, patch) in damages {
            let mut data = messages[message].replace('\n', "\r\n").into_bytes();
            let from = usize::from(from) % data.len();
            let to = (from + usize::from(length) % 16).min(data.len());
            data.splice(from..to, patch);
            feed(&mut lab, flows[flow], &data)?;
        }
        lab.exchange.handle(lab.now, Input::Flow { flow: flows[0], change: FlowChange::Down });
        lab.pass(Duration::from_secs(400));
        prop_assert_eq!(lab.exchange.load().transactions, 0);
    }
}

#[test]
fn same_seed_and_inputs_give_same_outputs() {
    let run = |seed| {
        let mut lab = Lab::new();
        lab.restart(config(), seed);
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let mut bob = Phone::registered(&mut lab, 2, "bob");
        let (mut near, _) = alice.call(&mut lab, &mut bob);
        let bye = near.request(&mut alice, "BYE", "");
        lab.send(alice.flow, &bye);
        lab.next(bob.flow).0
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
