//! One phone with random commands, and a peer that sends random messages: requests within the call with any body, early, late
//! and twice, and responses with any code and tag to any earlier request.

use crate::any_input::{Step, act, check, patient, step};
use offhook::{DeadlineKind, Direction, Limits};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{TestPhone, sdp};
use offhook_wire::Message;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Move {
    User(Step),
    Request {
        method: &'static str,
        more: u32,
        extra: &'static str,
        body: Body,
        same: bool,
    },
    /// A response to one of the last requests of the phone, counted from the last one.
    Response {
        to: usize,
        code: u16,
        tag: &'static str,
        body: bool,
    },
}

#[derive(Copy, Clone, Debug)]
enum Body {
    None,
    Description(Direction),
    Fragment(u16),
    Text(&'static str),
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        Just(Body::None),
        Just(Body::Description(Direction::SendRecv)),
        Just(Body::Description(Direction::Inactive)),
        prop_oneof![Just(100u16), Just(180), Just(200), Just(486), Just(999)].prop_map(Body::Fragment),
        prop_oneof![Just("Content-Type: application/dtmf-relay\n"), Just("Content-Type: text/plain\n")]
            .prop_map(Body::Text),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let method = prop::sample::select(vec![
        "INVITE", "INVITE", "INVITE", "ACK", "ACK", "ACK", "CANCEL", "REFER", "REFER", "NOTIFY", "NOTIFY",
        "INFO", "BYE", "UPDATE", "OPTIONS", "PRACK",
    ]);
    let extra = prop::sample::select(vec![
        "",
        "",
        "Refer-To: sip:carol@example.com\n",
        "Refer-To: <sip:carol@example.com>\nReferred-By: <sip:x@y>\n ;z=\"\n \"\n",
        "Event: refer\nSubscription-State: active\n",
        "Event: refer;id=3\nSubscription-State: terminated;reason=noresource\n",
        "Require: 100rel\n",
    ]);
    let code = prop::sample::select(vec![
        100, 180, 183, 200, 200, 200, 202, 302, 401, 407, 408, 481, 486, 487, 491, 491, 500, 503, 603, 699,
    ]);
    let tag = prop::sample::select(vec!["bob", "bob", "bob", "mobile", "carol"]);
    prop_oneof![
        4 => step().prop_map(Move::User),
        4 => (method, 0u32..3, extra, body(), any::<bool>()).prop_map(|(method, more, extra, body, same)| {
            Move::Request { method, more, extra, body, same }
        }),
        5 => (0usize..4, code, tag, any::<bool>())
            .prop_map(|(to, code, tag, body)| Move::Response { to, code, tag, body }),
    ]
}

fn written(body: Body) -> (&'static str, String) {
    match body {
        Body::None => ("", String::new()),
        Body::Description(direction) => (
            "Content-Type: application/sdp\n",
            String::from_utf8(sdp(direction).to_vec()).expect("ASCII").replace("\r\n", "\n"),
        ),
        Body::Fragment(code) => ("Content-Type: message/sipfrag\n", format!("SIP/2.0 {code} X\n")),
        Body::Text(kind) => (kind, "Signal=5\nDuration=100\n".to_owned()),
    }
}

/// The requests that the phone sent, except ACKs.
fn collect(alice: &mut TestPhone, asked: &mut Vec<Message>) {
    for data in alice.sent.drain(..) {
        let mut message = Message::parse(data, &Limits::default()).expect("what a phone sends can be read");
        message.check().expect("and keeps the rules");
        if message.is_request() && !message.bytes().starts_with(b"ACK") {
            asked.push(message);
        }
    }
}

fn live(server: &str, moves: Vec<Move>) {
    let mut alice = TestPhone::new(patient("alice", server), 1);
    let (_, peer) = in_call(&mut alice);
    let mut asked = Vec::new();
    let mut pressed = BTreeMap::new();
    let (mut serial, mut last, mut invite) = (100, 1, 1);
    for a_move in moves {
        match a_move {
            Move::User(step) => {
                act(&mut alice, step, &mut pressed);
                alice.connect();
                alice.pass(Duration::from_millis(step.wait));
            }
            Move::Request { method, more, extra, body, same } => {
                let (kind, body) = written(body);
                serial += u32::from(!same);
                let cseq = match method {
                    "ACK" | "CANCEL" => invite,
                    _ => {
                        last += more;
                        last
                    }
                };
                if method == "INVITE" {
                    invite = cseq;
                }
                let text = peer.request(method, cseq, &format!("{extra}{kind}"), &body);
                // The same branch is the same transaction, or its CANCEL; another one is another request.
                alice.receive(&text.replace(&format!("z9hG4bK{method}{cseq}"), &format!("z9hG4bK{serial}")));
            }
            Move::Response { to, code, tag, body } => {
                if let Some(request) = asked.iter().rev().nth(to) {
                    let description = sdp(Direction::SendRecv);
                    alice.receive_bytes(response(request, code, tag, body.then_some(&description[..])));
                }
            }
        }
        collect(&mut alice, &mut asked);
    }
    for id in alice.phone.sessions().collect::<Vec<_>>() {
        alice.phone.hang_up(alice.now, id).expect("a call");
    }
    alice.pump();
    for _ in 0..40 {
        alice.connect();
        alice.pass(SECOND * 5);
        collect(&mut alice, &mut asked);
    }
    assert_eq!(alice.phone.sessions().count(), 0, "{:#?}", alice.events);
    assert_eq!(
        alice.phone.deadline().map(|deadline| deadline.kind),
        Some(DeadlineKind::Connection),
        "nothing else is left"
    );
    check(&alice, &pressed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_peer_breaks_the_grammar_of_events(
        reliable: bool, moves in prop::collection::vec(a_move(), 1..60),
    ) {
        live(if reliable { "ws://pbx.test" } else { "udp://pbx.test" }, moves);
    }
}
