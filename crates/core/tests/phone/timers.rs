//! Time limits, to the millisecond, with the base times of RFC 3261 §17.1.1.1: T1 500 ms, T2 4 s.

use offhook::{
    CallEvent, Cause, DeadlineKind, Dial, Direction, EndReason, EndedBy, Event, Input, LegId, MediaEvent,
    SessionId, Status, TransferState,
};
use offhook_testkit::peer::{in_call, incoming_call, response};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, config};
use offhook_wire::{Limits, Message};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// 64·T1.
const LIMIT: Duration = Duration::from_secs(32);

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// Asserts that the call ends exactly `after` from now.
fn ends(alice: &mut TestPhone, id: SessionId, after: Duration) -> EndReason {
    alice.pass(after - MILLISECOND);
    assert!(alice.phone.status(id).is_some(), "too soon: {:?}", alice.events);
    alice.pass(MILLISECOND);
    assert_eq!(alice.phone.status(id), None, "too late");
    alice.ended(id)
}

/// Asserts that the next message is sent exactly `after` from now.
fn speaks(alice: &mut TestPhone, after: Duration) {
    assert_eq!(alice.sent.len(), 0);
    alice.pass(after - MILLISECOND);
    assert_eq!(alice.sent.len(), 0, "too soon");
    alice.pass(MILLISECOND);
    assert_ne!(alice.sent.len(), 0, "too late");
}

/// RFC 3261 §13.3.1.4: T1, doubled up to T2, over any transport, for 64·T1; then the dialog is ended with a BYE.
#[test]
fn a_2xx_is_retransmitted_until_its_ack() {
    let mut alice = alice();
    let (id, _) = incoming_call(&mut alice);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    let first = alice.sent.pop_front().expect("the 200");
    for seconds in [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0] {
        speaks(&mut alice, Duration::from_secs_f64(seconds));
        assert_eq!(alice.sent.pop_front().as_ref(), Some(&first), "the same bytes");
        assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    }
    speaks(&mut alice, SECOND / 2);
    alice.next_request("BYE");
    assert_eq!(alice.phone.status(id), Some(Status::Terminating));
    let why = ends(&mut alice, id, LIMIT);
    assert_eq!((why.by, why.cause, why.code), (EndedBy::Network, Cause::TimedOut, Some(408)));
}

/// RFC 3261 §14.1: after a glare the owner of the Call-ID waits 2.1–4 s, the other side up to 2 s, in units of 10 ms.
#[test]
fn after_a_glare_the_call_id_owner_waits_longer() {
    let wait = |seed: u8, caller: bool| {
        let mut alice = TestPhone::new(config("alice", "ws://pbx.test"), seed);
        let id = if caller {
            in_call(&mut alice).0
        } else {
            let (id, response) = incoming_call(&mut alice);
            alice.phone.answer(alice.now, id).expect("it rings");
            alice.pump();
            alice.next_response(200);
            alice.receive(&ScriptedPeer::of_response(&response).request("ACK", 1, "", ""));
            id
        };
        alice.phone.hold(alice.now, id).expect("established");
        alice.pump();
        let invite = alice.next_request("INVITE");
        alice.receive_bytes(response(&invite, 491, "bob", None));
        alice.next_request("ACK");
        let start = alice.now;
        while alice.sent.is_empty() {
            let at = alice.phone.deadline().expect("it tries again").at;
            alice.now = alice.now.max(at);
            alice.give(Input::Wake);
        }
        alice.next_request("INVITE");
        let waited = alice.now.saturating_since(start);
        assert_eq!(waited.as_micros() % 10_000, 0, "{waited:?}");
        waited
    };
    for (caller, least, most) in [(true, 2.1, 4.0), (false, 0.0, 2.0)] {
        let mut waits: Vec<f64> = (0..60).map(|seed| wait(seed, caller).as_secs_f64()).collect();
        waits.sort_by(f64::total_cmp);
        let (first, last) = (waits[0], waits[59]);
        assert!(first >= least && first < least + 0.3, "{caller}: {waits:?}");
        assert!(last <= most && last > most - 0.3, "{caller}: {waits:?}");
    }
}

#[test]
fn no_answer_timeout_is_configurable() {
    // The callee: from the 180.
    let mut alice = alice();
    let (id, _) = incoming_call(&mut alice);
    assert_eq!(ends(&mut alice, id, SECOND * 120).cause, Cause::NoAnswer);
    // The media engine of the callee has the same limit, from the user's answer.
    let mut alice = self::alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    let (id, _) = incoming_call(&mut alice);
    alice.pass(SECOND * 60);
    alice.phone.answer(alice.now, id).expect("it rings");
    assert_eq!(ends(&mut alice, id, SECOND * 120).cause, Cause::MediaFailed);
    // The caller: the media engine, and then the peer.
    let mut alice = self::alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    assert_eq!(ends(&mut alice, id, SECOND * 120).cause, Cause::MediaFailed);
    let mut alice = self::alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 180, "bob", None));
    speaks(&mut alice, SECOND * 120);
    alice.next_request("CANCEL");
    // RFC 3261 §9.1: waiting for the final response has a limit.
    assert_eq!(ends(&mut alice, id, LIMIT).cause, Cause::NoAnswer);
}

#[test]
fn a_bye_without_a_connection_ends_after_64_t1() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.lose_connection();
    alice.phone.hang_up(alice.now, id).expect("a call");
    assert_eq!(ends(&mut alice, id, LIMIT).cause, Cause::HungUp);
}

/// The limit counts from the hang-up: a further connection does not extend it.
#[test]
fn a_bye_lost_with_its_connection_ends_after_64_t1_too() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.next_request("BYE");
    alice.pass(SECOND * 10);
    alice.lose_connection();
    alice.pass(SECOND * 2);
    alice.connect();
    alice.next_request("BYE");
    assert_eq!(ends(&mut alice, id, SECOND * 20).cause, Cause::HungUp);
}

#[test]
fn media_timeout_is_configurable() {
    for caller in [true, false] {
        let mut alice = alice();
        alice.media.behaviour = MediaBehaviour::NoPath;
        if caller {
            in_call(&mut alice);
        } else {
            let (id, ringing) = incoming_call(&mut alice);
            alice.phone.answer(alice.now, id).expect("it rings");
            alice.pump();
            alice.next_response(200);
            // The time counts from the start of the call.
            alice.pass(SECOND / 4);
            alice.receive(&ScriptedPeer::of_response(&ringing).request("ACK", 1, "", ""));
        }
        speaks(&mut alice, SECOND * 20);
        alice.next_request("BYE");
    }
}

/// An interrupted path has the same limit again.
#[test]
fn an_interrupted_media_path_may_recover() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    let media = |alice: &mut TestPhone, event| alice.give(Input::Media { session: id, leg: LegId(0), event });
    alice.pass(SECOND * 100);
    media(&mut alice, MediaEvent::Down);
    alice.pass(SECOND * 19);
    media(&mut alice, MediaEvent::Up);
    alice.pass(SECOND * 100);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    media(&mut alice, MediaEvent::Down);
    alice.pass(SECOND * 10);
    media(&mut alice, MediaEvent::Down);
    speaks(&mut alice, SECOND * 10);
    alice.next_request("BYE");
}

/// A renegotiation has 64·T1 at the media engine and at the peer.
#[test]
fn a_hold_has_its_outcome_after_64_t1() {
    for (media, connected) in [(MediaBehaviour::Manual, true), (MediaBehaviour::Works, false)] {
        let mut alice = alice();
        let (id, _) = in_call(&mut alice);
        alice.media.behaviour = media;
        if !connected {
            alice.lose_connection();
        }
        alice.phone.hold(alice.now, id).expect("established");
        alice.pump();
        let failed = Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } };
        alice.pass(LIMIT - MILLISECOND);
        assert!(!alice.events.contains(&failed));
        alice.pass(MILLISECOND);
        assert!(alice.events.contains(&failed));
    }
}

/// An accepted REFER without a NOTIFY: the target may ring for a long time, and answer late.
#[test]
fn a_transfer_waits_as_long_as_the_target_may_ring() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    let refer = alice.next_request("REFER");
    alice.receive_bytes(response(&refer, 202, "bob", None));
    let failed =
        Event::Call { session: id, event: CallEvent::Transfer(TransferState::Failed { code: None }) };
    alice.pass(SECOND * 152 - MILLISECOND);
    assert!(!alice.events.contains(&failed));
    alice.pass(MILLISECOND);
    assert!(alice.events.contains(&failed));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3261 §13.3.1.4 for a re-INVITE: its 2xx is retransmitted too, and without an ACK the call ends.
#[test]
fn a_2xx_to_a_reinvite_is_retransmitted() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.receive(&peer.request_with_sdp("INVITE", 5, Some(Direction::SendRecv)));
    alice.next_response(100);
    let first = alice.sent.pop_front().expect("the 200");
    speaks(&mut alice, SECOND / 2);
    assert_eq!(alice.sent.pop_front(), Some(first.clone()));
    // An ACK with another CSeq does not count.
    alice.receive(&peer.request("ACK", 4, "", ""));
    speaks(&mut alice, SECOND);
    assert_eq!(alice.sent.pop_front(), Some(first.clone()));
    alice.receive(&peer.request("ACK", 5, "", ""));
    alice.pass(SECOND * 60);
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
    alice.receive(&peer.request_with_sdp("INVITE", 6, Some(Direction::SendRecv)));
    alice.pass(LIMIT);
    let bye = alice.sent.pop_back().expect("given up");
    assert!(
        Message::parse(bye, &Limits::default()).is_ok_and(|m| m.method() == Some(offhook_wire::Method::Bye))
    );
}

/// No timer of the answer, the media path or a renegotiation is left after the end of a call.
#[test]
fn an_ended_call_has_no_timers() {
    let of_calls = |alice: &TestPhone| {
        alice.phone.pending_timers().filter(|pending| pending.kind == DeadlineKind::Session).count()
    };
    let mut alice = alice();
    alice.media.behaviour = MediaBehaviour::NoPath;
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    alice.next_request("INVITE");
    assert_eq!(of_calls(&alice), 2, "the media path and the change");
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert_eq!(of_calls(&alice), 1, "the BYE");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(of_calls(&alice), 0);
    let (id, _) = incoming_call(&mut alice);
    assert_eq!(of_calls(&alice), 1);
    alice.phone.reject(alice.now, id, 486).expect("it rings");
    assert_eq!(of_calls(&alice), 0);
}
