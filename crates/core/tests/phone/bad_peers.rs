//! What a peer, or an attacker, can send; and what the phone makes of it.

use crate::common::{Desk, config, in_call, in_dialog, response, sdp};
use bytes::Bytes;
use offhook::{By, Cause, Counters, Dial, Direction, Event, Input, Limits, Status};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn desk() -> Desk {
    Desk::new(config("alice", "ws://pbx.test"), 1)
}

fn invite(extra: &str) -> String {
    format!(
        "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKone\n\
         Max-Forwards: 70\nFrom: <sip:eve@example.com>;tag=e1\nTo: <sip:alice@example.com>\nCall-ID: c1\n\
         CSeq: 1 INVITE\nContact: <sip:eve@peer.invalid;transport=ws>\n{extra}Content-Length: 0\n\n"
    )
}

#[test]
fn garbage_is_counted_and_changes_nothing() {
    let mut desk = desk();
    let long = format!("INVITE sip:a SIP/2.0\nX: {}\n\n", "y".repeat(70_000));
    for text in ["", "hello", "\0\0\0\0", "SIP/2.0 200", "INVITE", "GET / HTTP/1.1\n\n", &long] {
        desk.receive(text);
    }
    for byte in 0..=255u8 {
        desk.receive_bytes(Bytes::from(vec![byte; 300]));
    }
    assert!(
        desk.events.iter().all(|e| matches!(e, Event::Flow { .. } | Event::Registration { .. })),
        "{:?}",
        desk.events
    );
    assert!(desk.phone.counters().malformed > 200);
    in_call(&mut desk);
}

#[test]
fn every_truncation_and_every_flipped_byte_of_an_invite() {
    let whole = Bytes::from(invite("").replace('\n', "\r\n"));
    for n in 0..whole.len() {
        let mut desk = desk();
        desk.receive_bytes(whole.slice(..n));
        let mut flipped = whole.to_vec();
        flipped[n] ^= 0x15;
        desk.receive_bytes(flipped.into());
        desk.pass(SECOND * 200);
        assert_eq!(desk.phone.sessions().count(), 0, "after byte {n}");
    }
}

#[test]
fn a_message_that_breaks_a_rule_is_answered_where_it_can_be() {
    let mut desk = desk();
    desk.receive(&invite("Content-Length: 5\n"));
    desk.next_response(400);
    desk.receive(&invite("").replace("CSeq: 1 INVITE", "CSeq: 1 BYE"));
    desk.next_response(400);
    desk.receive(&invite("").replace("SIP/2.0\nVia", "SIP/3.0\nVia"));
    desk.next_response(505);
    desk.receive(&invite("Require: teleport\n"));
    desk.next_response(100);
    let refused = desk.next_response(420);
    assert_eq!(refused.header(HeaderName::Unsupported), Some(&b"teleport"[..]));
    desk.receive(&invite("Content-Encoding: gzip\n").replace("one", "two").replace("c1", "c2"));
    desk.next_response(100);
    desk.next_response(415);
    desk.receive(
        &invite("")
            .replace("INVITE sip:alice@example.com", "INVITE mailto:x@y")
            .replace("one", "three")
            .replace("c1", "c3"),
    );
    desk.next_response(100);
    desk.next_response(416);
    assert_eq!(desk.phone.sessions().count(), 0);
}

#[test]
fn what_the_phone_does_not_do_it_says() {
    let mut desk = desk();
    for (n, (method, code)) in [
        ("SUBSCRIBE", 405),
        ("UPDATE", 405),
        ("FROBNICATE", 501),
        ("BYE", 481),
        ("INFO", 481),
        ("NOTIFY", 481),
    ]
    .into_iter()
    .enumerate()
    {
        desk.receive(
            &invite("")
                .replace("INVITE", method)
                .replace("one", &format!("m{n}"))
                .replace("c1", &format!("m{n}")),
        );
        let answer = desk.next_response(code);
        assert!(answer.to().is_ok_and(|to| to.tag().is_some()), "RFC 3261 §8.2.6.2");
    }
    desk.receive(&invite("").replace("INVITE", "OPTIONS"));
    let ok = desk.next_response(200);
    assert!(ok.has_token(HeaderName::Allow, "INVITE") && ok.has_token(HeaderName::Accept, "application/sdp"));
    desk.receive(&invite("").replace("INVITE", "MESSAGE").replace("one", "text").replace("c1", "text"));
    desk.next_response(200);
    assert!(
        desk.events.iter().any(|e| matches!(e, Event::Message { from, .. } if from == "sip:eve@example.com"))
    );
}

#[test]
fn responses_and_acks_for_nothing() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    let stray = |desk: &Desk| desk.phone.counters().stray;
    let before = stray(&desk);
    desk.receive(
        "SIP/2.0 200 OK\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKnothing\nFrom: <sip:alice@example.com>;tag=x\n\
         To: <sip:bob@example.com>;tag=y\nCall-ID: z\nCSeq: 1 INVITE\nContact: <sip:b@c>\nContent-Length: 0\n\n",
    );
    let text = String::from_utf8(ack.bytes().to_vec()).expect("UTF-8").replace("\r\n", "\n");
    desk.receive(&text.replace("Call-ID: ", "Call-ID: other"));
    assert_eq!(stray(&desk), before + 2);
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
    // An ACK that knows the tags but acknowledges nothing.
    desk.receive(&in_dialog(&ack, "ACK", 77, "", ""));
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
    // A tag that names the place of the call, with the rest guessed.
    let ours = String::from_utf8(ack.from().expect("read").tag().expect("ours").to_vec()).expect("ASCII");
    let (secret, _) = ours.split_once('-').expect("the place");
    let guess = |method| in_dialog(&ack, method, 78, "", "").replace(secret, &"a".repeat(secret.len()));
    desk.receive(&guess("ACK"));
    assert_eq!(stray(&desk), before + 3);
    desk.receive(&guess("BYE"));
    desk.next_response(481);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn a_tag_in_a_display_name_is_no_tag() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    let bye =
        in_dialog(&ack, "BYE", 9, "", "").replace(";tag=bob", "").replace("From: <", "From: \"x;tag=bob\" <");
    desk.receive(&bye);
    desk.next();
    assert_eq!(desk.phone.status(id), Some(Status::Established), "a stranger cannot hang up");
    desk.receive(&in_dialog(&ack, "BYE", 10, "", ""));
    desk.next_response(200);
    assert_eq!(desk.ended(id).by, By::Peer);
}

#[test]
fn a_request_out_of_sequence_is_refused() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    desk.receive(&in_dialog(&ack, "INFO", 20, "", ""));
    desk.next_response(200);
    desk.receive(&in_dialog(&ack, "INFO", 19, "", ""));
    desk.next_response(500);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn a_digit_that_comes_again_in_another_transaction_is_heard_once() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    let body = "Signal=5\nDuration=160\n";
    let info = in_dialog(&ack, "INFO", 20, "Content-Type: application/dtmf-relay\n", body);
    for branch in ["z9hG4bKone", "z9hG4bKtwo"] {
        desk.receive(&info.replace("z9hG4bKINFO20", branch));
        desk.next_response(200);
    }
    let digits = desk.events.iter().filter(|event| matches!(event, Event::Digit { .. })).count();
    assert_eq!((digits, desk.phone.status(id)), (1, Some(Status::Established)));
}

#[test]
fn a_fork_that_lost_is_hung_up() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    let offer = sdp(Direction::SendRecv);
    desk.receive_bytes(response(&invite, 180, "bob", None));
    desk.receive_bytes(response(&invite, 180, "bobs-mobile", None));
    desk.receive_bytes(response(&invite, 200, "bob", Some(&offer)));
    desk.next_request("ACK");
    desk.receive_bytes(response(&invite, 200, "bobs-mobile", Some(&offer)));
    let ack = desk.next_request("ACK");
    assert_eq!(ack.to().expect("read").tag(), Some(&b"bobs-mobile"[..]));
    let bye = desk.next_request("BYE");
    assert_eq!(bye.request_uri(), Some(&b"sip:bobs-mobile@peer.invalid;transport=ws"[..]));
    // The 2xx of the call itself comes again: its ACK goes again, and nothing else.
    desk.receive_bytes(response(&invite, 200, "bob", Some(&offer)));
    assert_eq!(desk.next_request("ACK").to().expect("read").tag(), Some(&b"bob"[..]));
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
}

/// RFC 3261 §13.2.2.4: also when the call is over that the other fork took.
#[test]
fn a_fork_that_answers_after_the_call_is_hung_up() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    desk.next_request("ACK");
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(desk.phone.status(id), None);
    desk.receive_bytes(response(&invite, 200, "late", Some(&sdp(Direction::SendRecv))));
    for method in ["ACK", "BYE"] {
        assert_eq!(desk.next_request(method).to().expect("read").tag(), Some(&b"late"[..]));
    }
    assert_eq!(desk.sent.len(), 0);
}

#[test]
fn a_2xx_after_the_cancel_is_acknowledged_and_hung_up() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    assert_eq!(desk.sent.len(), 0, "RFC 3261 §9.1: no CANCEL before a provisional response");
    desk.receive_bytes(response(&invite, 180, "bob", None));
    desk.next_request("CANCEL");
    desk.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    desk.next_request("ACK");
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(desk.ended(id).cause, Cause::Cancelled);
}

/// RFC 3261 §12.1: a refusal makes no dialog, whatever headers it has.
#[test]
fn a_487_with_a_contact_leaves_nothing_to_hang_up() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 180, "bob", None));
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    desk.next_request("CANCEL");
    desk.receive_bytes(response(&invite, 487, "bob", None));
    desk.next_request("ACK");
    assert_eq!((desk.sent.len(), desk.ended(id).cause), (0, Cause::Cancelled));
}

#[test]
fn a_2xx_without_an_answer_ends_the_call() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 200, "bob", None));
    desk.next_request("ACK");
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(desk.ended(id).cause, Cause::Protocol);
}

#[test]
fn a_reinvite_is_always_answered() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    let held = String::from_utf8(sdp(Direction::SendOnly).to_vec()).expect("UTF-8").replace("\r\n", "\n");
    desk.receive(&in_dialog(&ack, "INVITE", 5, "Content-Type: application/sdp\n", &held));
    desk.next_response(100);
    let ok = desk.next_response(200);
    assert!(String::from_utf8_lossy(ok.body_bytes()).contains("a=recvonly"));
    assert!(desk.events.contains(&Event::Hold { session: id, local: false, remote: true }));
    // Before its ACK, another one has to wait.
    desk.receive(&in_dialog(&ack, "INVITE", 6, "", ""));
    desk.next_response(100);
    assert!(desk.next_response(500).header(HeaderName::RetryAfter).is_some(), "RFC 3261 §14.2");
    desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
    // One without an offer is answered with one, and the ACK brings the answer.
    desk.receive(&in_dialog(&ack, "INVITE", 7, "", ""));
    desk.next_response(100);
    let ok = desk.next_response(200);
    assert!(String::from_utf8_lossy(ok.body_bytes()).contains("a=sendrecv"));
    let answer = held.replace("sendonly", "sendrecv");
    desk.receive(&in_dialog(&ack, "ACK", 7, "Content-Type: application/sdp\n", &answer));
    assert!(desk.events.contains(&Event::Hold { session: id, local: false, remote: false }));
    // And one that meets ours gets 491.
    desk.media = crate::common::Media::Manual;
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    desk.receive(&in_dialog(&ack, "INVITE", 8, "", ""));
    desk.next_response(100);
    desk.next_response(491);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn headers_of_the_user_go_out_and_cannot_smuggle() {
    let mut desk = desk();
    let header =
        |name: &str, value: &str| Dial { headers: vec![(name.into(), value.into())], ..Dial::to("bob") };
    assert!(desk.phone.dial(desk.now, header("X-Tenant", "7\r\nRoute: <sip:evil>")).is_err());
    assert!(desk.phone.dial(desk.now, header("Via", "SIP/2.0/UDP evil")).is_err());
    desk.phone.dial(desk.now, header("X-Tenant", "7")).expect("a call");
    desk.pump();
    assert_eq!(desk.next_request("INVITE").named("x-tenant"), Some(&b"7"[..]));
    let mut account = config("alice", "ws://pbx.test");
    account.accounts[0].display_name = Some("A\"\\ B".to_owned());
    let mut desk = Desk::new(account, 1);
    desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    assert_eq!(invite.from().expect("read").display_name().as_deref(), Some("A\"\\ B"));
}

#[test]
fn calls_of_strangers_are_bounded() {
    let mut desk = desk();
    for n in 0..5_000 {
        let call = invite("").replace("c1", &format!("c{n}")).replace("one", &format!("b{n}"));
        desk.receive(&call);
    }
    assert_eq!(desk.phone.sessions().count(), 2, "the limit of calls holds, the others are busy");
    let busy = desk.sent.iter().filter(|m| m.starts_with(b"SIP/2.0 486")).count();
    let refused = desk.sent.iter().filter(|m| m.starts_with(b"SIP/2.0 503")).count();
    assert_eq!(busy + refused, 4_998);
    desk.pass(SECOND * 300);
    assert_eq!(desk.phone.sessions().count(), 0);
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    let early = offhook::Instant::from_nanos(1);
    desk.phone.handle(early, Input::Wake).expect("harmless");
    assert_eq!(desk.phone.counters(), Counters { clock_backwards: 1, ..desk.phone.counters() });
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn a_lost_connection_ends_a_ringing_call_and_keeps_an_established_one() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.receive(&invite(""));
    let ringing = desk.incoming();
    desk.pass(SECOND * 5);
    let flow = desk.flow.expect("connected");
    let change = offhook::FlowChange::Down(offhook::FlowFailure::Closed);
    desk.give(Input::Flow { flow, change });
    assert_eq!(desk.ended(ringing).cause, Cause::NotConnected);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    // Hung up without a connection, the BYE goes out on the next one.
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    desk.sent.clear();
    desk.pass(SECOND);
    assert_ne!(desk.flow, Some(flow), "the phone connects again");
    desk.connect();
    while desk.sent.front().is_some_and(|m| !m.starts_with(b"BYE")) {
        desk.sent.pop_front();
    }
    let bye = desk.next_request("BYE");
    let ok = Message::parse(response(&bye, 200, "bob", None), &Limits::default()).expect("ours");
    desk.receive_bytes(ok.bytes().clone());
    assert_eq!(desk.ended(id).cause, Cause::HungUp);
}

#[test]
fn a_2xx_of_an_earlier_invite_that_comes_again_is_acknowledged_again() {
    let mut desk = desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    let answer = |request: &Message, direction| response(request, 200, "bob", Some(&sdp(direction)));
    desk.receive_bytes(answer(&invite, Direction::SendRecv));
    let first = desk.next_request("ACK");
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let reinvite = desk.next_request("INVITE");
    desk.receive_bytes(answer(&reinvite, Direction::RecvOnly));
    let second = desk.next_request("ACK");
    let cseq = |ack: &Message| ack.cseq().expect("read").number;
    for (request, ack) in [(&invite, &first), (&reinvite, &second)] {
        desk.receive_bytes(answer(request, Direction::SendRecv));
        assert_eq!(cseq(&desk.next_request("ACK")), cseq(ack));
    }
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)), "and nothing else");
}

#[test]
fn a_peer_that_lost_the_call_ends_it() {
    for (code, cause) in [(481, Cause::Protocol), (408, Cause::TimedOut)] {
        let mut desk = desk();
        let (id, _) = in_call(&mut desk);
        desk.phone.transfer(desk.now, id, "carol").expect("established");
        desk.pump();
        let refer = desk.next_request("REFER");
        desk.receive_bytes(response(&refer, code, "bob", None));
        let bye = desk.next_request("BYE");
        desk.receive_bytes(response(&bye, 200, "bob", None));
        let why = desk.ended(id);
        assert_eq!((why.cause, why.code), (cause, Some(code)), "RFC 3261 §12.2.1.2");
    }
}

#[test]
fn forks_without_end_are_bounded() {
    for server in ["ws://pbx.test", "udp://pbx.test"] {
        let mut desk = Desk::new(config("alice", server), 1);
        let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
        desk.pump();
        let invite = desk.next_request("INVITE");
        let offer = sdp(Direction::SendRecv);
        for n in 0..5_000 {
            desk.receive_bytes(response(&invite, 200, &format!("fork{n}"), Some(&offer)));
        }
        let byes = desk.sent.iter().filter(|m| m.starts_with(b"BYE")).count();
        assert_eq!(byes, 63, "of 64 that are told apart one is the call");
        assert_eq!(desk.sent.len(), 5_000 + byes, "each is acknowledged");
        assert_eq!(desk.phone.status(id), Some(Status::Established));
        desk.sent.clear();
        desk.phone.hang_up(desk.now, id).expect("a call");
        desk.pump();
        desk.next_request("BYE");
    }
}

#[test]
fn a_hold_that_finds_no_connection_goes_out_on_the_next_one() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.pass(SECOND * 5);
    let flow = desk.flow.expect("connected");
    desk.give(Input::Flow { flow, change: offhook::FlowChange::Down(offhook::FlowFailure::Closed) });
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(desk.sent.len(), 0);
    desk.connect();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    assert!(desk.events.contains(&Event::Hold { session: id, local: true, remote: false }));
}

#[test]
fn a_hold_that_finds_no_connection_fails_after_a_while() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    let flow = desk.flow.expect("connected");
    let change = offhook::FlowChange::Down(offhook::FlowFailure::Closed);
    desk.give(Input::Flow { flow, change });
    desk.phone.hold(desk.now, id).expect("established");
    desk.pass(SECOND * 60);
    let failed = Event::HoldFailed { session: id, hold: true, code: None };
    assert_eq!(desk.events.iter().filter(|e| **e == failed).count(), 1, "one outcome, without a connection");
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}
