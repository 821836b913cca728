//! Messages of a faulty peer or an attacker.

use bytes::Bytes;
use offhook::{
    AccountEvent, CallEvent, Cause, Counters, Dial, Direction, EndedBy, Event, Input, Limits, Status,
};
use offhook_testkit::peer::{in_call, outgoing_call, response};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

fn invite(extra: &str) -> String {
    format!(
        "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKone\n\
         Max-Forwards: 70\nFrom: <sip:eve@example.com>;tag=e1\nTo: <sip:alice@example.com>\nCall-ID: c1\n\
         CSeq: 1 INVITE\nContact: <sip:eve@peer.invalid;transport=ws>\n{extra}Content-Length: 0\n\n"
    )
}

#[test]
fn malformed_bytes_are_counted_and_ignored() {
    let mut alice = alice();
    let long = format!("INVITE sip:a SIP/2.0\nX: {}\n\n", "y".repeat(70_000));
    for text in ["", "hello", "\0\0\0\0", "SIP/2.0 200", "INVITE", "GET / HTTP/1.1\n\n", &long] {
        alice.receive(text);
    }
    for byte in 0..=255u8 {
        alice.receive_bytes(Bytes::from(vec![byte; 300]));
    }
    assert!(
        alice.events.iter().all(|e| matches!(
            e,
            Event::Account { event: AccountEvent::Connection { .. }, .. }
                | Event::Account { event: AccountEvent::Registration(_), .. }
        )),
        "{:?}",
        alice.events
    );
    assert!(alice.phone.counters().malformed > 200);
    in_call(&mut alice);
}

#[test]
fn truncated_and_corrupted_invites_do_not_panic() {
    let whole = Bytes::from(invite("").replace('\n', "\r\n"));
    for n in 0..whole.len() {
        let mut alice = alice();
        alice.receive_bytes(whole.slice(..n));
        let mut flipped = whole.to_vec();
        flipped[n] ^= 0x15;
        alice.receive_bytes(flipped.into());
        alice.pass(SECOND * 200);
        assert_eq!(alice.phone.sessions().count(), 0, "after byte {n}");
    }
}

#[test]
fn a_malformed_request_is_answered_if_possible() {
    let mut alice = alice();
    alice.receive(&invite("Content-Length: 5\n"));
    alice.next_response(400);
    alice.receive(&invite("").replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    alice.next_response(400);
    alice.receive(&invite("").replace("SIP/2.0\nVia", "SIP/3.0\nVia"));
    alice.next_response(505);
    alice.receive(&invite("Require: teleport\n"));
    alice.next_response(100);
    let refused = alice.next_response(420);
    assert_eq!(refused.header(HeaderName::Unsupported), Some(&b"teleport"[..]));
    alice.receive(&invite("Content-Encoding: gzip\n").replace("one", "two").replace("c1", "c2"));
    alice.next_response(100);
    alice.next_response(415);
    alice.receive(
        &invite("")
            .replace("INVITE sip:alice@example.com", "INVITE mailto:x@y")
            .replace("one", "three")
            .replace("c1", "c3"),
    );
    alice.next_response(100);
    alice.next_response(416);
    assert_eq!(alice.phone.sessions().count(), 0);
}

#[test]
fn unsupported_method_gets_405() {
    let mut alice = alice();
    for (n, (method, code)) in [
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
        ("UPDATE", 481),
        ("PRACK", 481),
        ("FROBNICATE", 501),
        ("BYE", 481),
        ("INFO", 481),
        ("NOTIFY", 481),
    ]
    .into_iter()
    .enumerate()
    {
        alice.receive(
            &invite("")
                .replace("INVITE", method)
                .replace("one", &format!("m{n}"))
                .replace("c1", &format!("m{n}")),
        );
        let answer = alice.next_response(code);
        assert!(answer.to().is_ok_and(|to| to.tag().is_some()), "RFC 3261 §8.2.6.2");
    }
    alice.receive(&invite("").replace("INVITE", "OPTIONS"));
    let ok = alice.next_response(200);
    assert!(ok.has_token(HeaderName::Allow, "INVITE") && ok.has_token(HeaderName::Accept, "application/sdp"));
    alice.receive(&invite("").replace("INVITE", "MESSAGE").replace("one", "text").replace("c1", "text"));
    alice.next_response(200);
    assert!(
        alice
            .events
            .iter()
            .any(|e| matches!(e, Event::Account { event: AccountEvent::Message { from, .. }, .. } if from == "sip:eve@example.com"))
    );
}

#[test]
fn stray_responses_and_acks_are_counted() {
    let mut alice = alice();
    let (id, ack) = outgoing_call(&mut alice);
    let peer = ScriptedPeer::of_request(&ack);
    let stray = |alice: &TestPhone| alice.phone.counters().stray;
    let before = stray(&alice);
    alice.receive(
        "SIP/2.0 200 OK\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKnothing\nFrom: <sip:alice@example.com>;tag=x\n\
         To: <sip:bob@example.com>;tag=y\nCall-ID: z\nCSeq: 1 INVITE\nContact: <sip:b@c>\nContent-Length: 0\n\n",
    );
    let text = String::from_utf8(ack.bytes().to_vec()).expect("UTF-8").replace("\r\n", "\n");
    alice.receive(&text.replace("Call-ID: ", "Call-ID: other"));
    assert_eq!(stray(&alice), before + 2);
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
    // An ACK with the tags of the call, without a 2xx.
    alice.receive(&peer.request("ACK", 77, "", ""));
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
    // A tag with the slot of the call, and a guessed random part.
    let ours = String::from_utf8(ack.from().expect("read").tag().expect("ours").to_vec()).expect("ASCII");
    let (secret, _) = ours.split_once('-').expect("the place");
    let guess = |method| peer.request(method, 78, "", "").replace(secret, &"a".repeat(secret.len()));
    alice.receive(&guess("ACK"));
    assert_eq!(stray(&alice), before + 3);
    alice.receive(&guess("BYE"));
    alice.next_response(481);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn a_tag_in_a_display_name_is_ignored() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    let bye =
        peer.request("BYE", 9, "", "").replace(";tag=bob", "").replace("From: <", "From: \"x;tag=bob\" <");
    alice.receive(&bye);
    alice.next_message();
    assert_eq!(alice.phone.status(id), Some(Status::Established), "a stranger cannot hang up");
    alice.receive(&peer.request("BYE", 10, "", ""));
    alice.next_response(200);
    assert_eq!(alice.ended(id).by, EndedBy::Peer);
}

#[test]
fn a_request_with_a_lower_cseq_gets_500() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.receive(&peer.request("INFO", 20, "", ""));
    alice.next_response(200);
    alice.receive(&peer.request("INFO", 19, "", ""));
    alice.next_response(500);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn a_digit_retransmitted_in_another_transaction_is_reported_once() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    let body = "Signal=5\nDuration=160\n";
    let info = peer.request("INFO", 20, "Content-Type: application/dtmf-relay\n", body);
    for branch in ["z9hG4bKone", "z9hG4bKtwo"] {
        alice.receive(&info.replace("z9hG4bKINFO20", branch));
        alice.next_response(200);
    }
    let digits = alice
        .events
        .iter()
        .filter(|event| matches!(event, Event::Call { event: CallEvent::Digit { .. }, .. }))
        .count();
    assert_eq!((digits, alice.phone.status(id)), (1, Some(Status::Established)));
}

#[test]
fn a_second_fork_gets_ack_and_bye() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    let offer = sdp(Direction::SendRecv);
    alice.receive_bytes(response(&invite, 180, "bob", None));
    alice.receive_bytes(response(&invite, 180, "bobs-mobile", None));
    alice.receive_bytes(response(&invite, 200, "bob", Some(&offer)));
    alice.next_request("ACK");
    alice.receive_bytes(response(&invite, 200, "bobs-mobile", Some(&offer)));
    let ack = alice.next_request("ACK");
    assert_eq!(ack.to().expect("read").tag(), Some(&b"bobs-mobile"[..]));
    let bye = alice.next_request("BYE");
    assert_eq!(bye.request_uri(), Some(&b"sip:bobs-mobile@peer.invalid;transport=ws"[..]));
    // A retransmitted 2xx of the call gets its ACK again, and nothing else.
    alice.receive_bytes(response(&invite, 200, "bob", Some(&offer)));
    assert_eq!(alice.next_request("ACK").to().expect("read").tag(), Some(&b"bob"[..]));
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
}

/// RFC 3261 §13.2.2.4: also after the end of the call with the first fork.
#[test]
fn a_fork_after_the_end_of_the_call_gets_ack_and_bye() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.phone.status(id), None);
    alice.receive_bytes(response(&invite, 200, "late", Some(&sdp(Direction::SendRecv))));
    for method in ["ACK", "BYE"] {
        assert_eq!(alice.next_request(method).to().expect("read").tag(), Some(&b"late"[..]));
    }
    assert_eq!(alice.sent.len(), 0);
}

#[test]
fn a_2xx_after_the_cancel_gets_ack_and_bye() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert_eq!(alice.sent.len(), 0, "RFC 3261 §9.1: no CANCEL before a provisional response");
    alice.receive_bytes(response(&invite, 180, "bob", None));
    alice.next_request("CANCEL");
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::Cancelled);
}

/// RFC 3261 §12.1: a refusal creates no dialog, with any header fields.
#[test]
fn a_487_with_a_contact_creates_no_dialog() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 180, "bob", None));
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.next_request("CANCEL");
    alice.receive_bytes(response(&invite, 487, "bob", None));
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Cancelled));
}

#[test]
fn a_2xx_without_an_answer_ends_the_call() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 200, "bob", None));
    alice.next_request("ACK");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::Protocol);
}

#[test]
fn a_reinvite_is_always_answered() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    let held = String::from_utf8(sdp(Direction::SendOnly).to_vec()).expect("UTF-8").replace("\r\n", "\n");
    alice.receive(&peer.request("INVITE", 5, "Content-Type: application/sdp\n", &held));
    alice.next_response(100);
    let ok = alice.next_response(200);
    assert!(String::from_utf8_lossy(ok.body_bytes()).contains("a=recvonly"));
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: false, remote: true } })
    );
    // Before its ACK, another one gets 500.
    alice.receive(&peer.request("INVITE", 6, "", ""));
    alice.next_response(100);
    assert!(alice.next_response(500).header(HeaderName::RetryAfter).is_some(), "RFC 3261 §14.2");
    alice.receive(&peer.request("ACK", 5, "", ""));
    // One without an offer gets one in the 2xx, and the ACK has the answer.
    alice.receive(&peer.request("INVITE", 7, "", ""));
    alice.next_response(100);
    let ok = alice.next_response(200);
    assert!(String::from_utf8_lossy(ok.body_bytes()).contains("a=sendrecv"));
    let answer = held.replace("sendonly", "sendrecv");
    alice.receive(&peer.request("ACK", 7, "Content-Type: application/sdp\n", &answer));
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: false, remote: false } })
    );
    // One that crosses ours gets 491.
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    alice.receive(&peer.request("INVITE", 8, "", ""));
    alice.next_response(100);
    alice.next_response(491);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn user_headers_are_sent_and_cannot_inject() {
    let mut alice = alice();
    let header = |name: &str, value: &str| Dial::to("bob").with_header(name, value);
    assert!(alice.phone.dial(alice.now, header("X-Tenant", "7\r\nRoute: <sip:evil>")).is_err());
    assert!(alice.phone.dial(alice.now, header("Via", "SIP/2.0/UDP evil")).is_err());
    alice.phone.dial(alice.now, header("X-Tenant", "7")).expect("a call");
    alice.pump();
    assert_eq!(alice.next_request("INVITE").named("x-tenant"), Some(&b"7"[..]));
    let mut account = config("alice", "ws://pbx.test");
    account.accounts[0].display_name = Some("A\"\\ B".to_owned());
    let mut alice = TestPhone::new(account, 1);
    alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.from().expect("read").display_name().as_deref(), Some("A\"\\ B"));
}

#[test]
fn incoming_calls_are_bounded() {
    let mut alice = alice();
    for n in 0..5_000 {
        let call = invite("").replace("c1", &format!("c{n}")).replace("one", &format!("b{n}"));
        alice.receive(&call);
    }
    assert_eq!(alice.phone.sessions().count(), 2, "the limit of calls holds, the others are busy");
    let busy = alice.sent.iter().filter(|m| m.starts_with(b"SIP/2.0 486")).count();
    let refused = alice.sent.iter().filter(|m| m.starts_with(b"SIP/2.0 503")).count();
    assert_eq!(busy + refused, 4_998);
    alice.pass(SECOND * 300);
    assert_eq!(alice.phone.sessions().count(), 0);
}

#[test]
fn an_earlier_time_counts_as_the_same_time() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    let early = offhook::Instant::from_nanos(1);
    alice.phone.handle(early, Input::Wake).expect("harmless");
    assert_eq!(alice.phone.counters(), Counters { clock_backwards: 1, ..alice.phone.counters() });
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn a_lost_connection_ends_a_ringing_call_and_keeps_an_established_one() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.receive(&invite(""));
    let ringing = alice.incoming();
    alice.pass(SECOND * 5);
    let connection = alice.connection;
    alice.lose_connection();
    assert_eq!(alice.ended(ringing).cause, Cause::NotConnected);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    // After a hang-up without a connection, the BYE is sent on the next one.
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.sent.clear();
    alice.pass(SECOND);
    assert_ne!(alice.connection, connection, "the phone connects again");
    alice.connect();
    while alice.sent.front().is_some_and(|m| !m.starts_with(b"BYE")) {
        alice.sent.pop_front();
    }
    let bye = alice.next_request("BYE");
    let ok = Message::parse(response(&bye, 200, "bob", None), &Limits::default()).expect("ours");
    alice.receive_bytes(ok.bytes().clone());
    assert_eq!(alice.ended(id).cause, Cause::HungUp);
}

#[test]
fn a_retransmitted_2xx_of_an_earlier_invite_gets_its_ack_again() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    let answer = |request: &Message, direction| response(request, 200, "bob", Some(&sdp(direction)));
    alice.receive_bytes(answer(&invite, Direction::SendRecv));
    let first = alice.next_request("ACK");
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let reinvite = alice.next_request("INVITE");
    alice.receive_bytes(answer(&reinvite, Direction::RecvOnly));
    let second = alice.next_request("ACK");
    let cseq = |ack: &Message| ack.cseq().expect("read").number;
    for (request, ack) in [(&invite, &first), (&reinvite, &second)] {
        alice.receive_bytes(answer(request, Direction::SendRecv));
        assert_eq!(cseq(&alice.next_request("ACK")), cseq(ack));
    }
    assert_eq!(
        (alice.sent.len(), alice.phone.status(id)),
        (0, Some(Status::Established)),
        "and nothing else"
    );
}

#[test]
fn a_peer_that_lost_the_call_ends_it() {
    for (code, cause) in [(481, Cause::Protocol), (408, Cause::TimedOut)] {
        let mut alice = alice();
        let (id, _) = in_call(&mut alice);
        alice.phone.transfer(alice.now, id, "carol").expect("established");
        alice.pump();
        let refer = alice.next_request("REFER");
        alice.receive_bytes(response(&refer, code, "bob", None));
        let bye = alice.next_request("BYE");
        alice.receive_bytes(response(&bye, 200, "bob", None));
        let why = alice.ended(id);
        assert_eq!((why.cause, why.code), (cause, Some(code)), "RFC 3261 §12.2.1.2");
    }
}

#[test]
fn forks_are_bounded() {
    for server in ["ws://pbx.test", "udp://pbx.test"] {
        let mut alice = TestPhone::new(config("alice", server), 1);
        let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
        alice.pump();
        let invite = alice.next_request("INVITE");
        let offer = sdp(Direction::SendRecv);
        for n in 0..5_000 {
            alice.receive_bytes(response(&invite, 200, &format!("fork{n}"), Some(&offer)));
        }
        let byes = alice.sent.iter().filter(|m| m.starts_with(b"BYE")).count();
        assert_eq!(byes, 63, "of 64 that are told apart one is the call");
        assert_eq!(alice.sent.len(), 5_000 + byes, "each is acknowledged");
        assert_eq!(alice.phone.status(id), Some(Status::Established));
        alice.sent.clear();
        alice.phone.hang_up(alice.now, id).expect("a call");
        alice.pump();
        alice.next_request("BYE");
    }
}

#[test]
fn a_hold_without_a_connection_is_sent_on_the_next_one() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.pass(SECOND * 5);
    alice.lose_connection();
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(alice.sent.len(), 0);
    alice.connect();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: true, remote: false } })
    );
}

#[test]
fn a_hold_without_a_connection_times_out() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.lose_connection();
    alice.phone.hold(alice.now, id).expect("established");
    alice.pass(SECOND * 60);
    let failed = Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } };
    assert_eq!(alice.events.iter().filter(|e| **e == failed).count(), 1, "one outcome, without a connection");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}
