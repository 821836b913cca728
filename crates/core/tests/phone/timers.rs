//! How long things take, to the millisecond, with the base times of RFC 3261 §17.1.1.1: T1 500 ms, T2 4 s.

use crate::common::{Desk, Media, call_comes_in, config, from_caller, in_call, in_dialog, response, sdp};
use offhook::{
    By, Cause, Dial, Direction, EndReason, Event, FlowChange, FlowFailure, Input, MediaEvent, SessionId,
    Status, TransferState, Why,
};
use offhook_wire::{Limits, Message};
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// 64·T1.
const LIMIT: Duration = Duration::from_secs(32);

fn desk() -> Desk {
    Desk::new(config("alice", "ws://pbx.test"), 1)
}

/// The call ends `after` from now, neither sooner nor later.
fn ends(desk: &mut Desk, id: SessionId, after: Duration) -> EndReason {
    desk.pass(after - MILLISECOND);
    assert!(desk.phone.status(id).is_some(), "too soon: {:?}", desk.events);
    desk.pass(MILLISECOND);
    assert_eq!(desk.phone.status(id), None, "too late");
    desk.ended(id)
}

/// Nothing is said to the peer until `after` from now, and then something is.
fn speaks(desk: &mut Desk, after: Duration) {
    assert_eq!(desk.sent.len(), 0);
    desk.pass(after - MILLISECOND);
    assert_eq!(desk.sent.len(), 0, "too soon");
    desk.pass(MILLISECOND);
    assert_ne!(desk.sent.len(), 0, "too late");
}

fn lose_connection(desk: &mut Desk) {
    let flow = desk.flow.expect("connected");
    desk.give(Input::Flow { flow, change: FlowChange::Down(FlowFailure::Closed) });
}

/// RFC 3261 §13.3.1.4: T1, doubled up to T2, whatever the transport, for 64·T1; then the dialog is ended with a BYE.
#[test]
fn a_2xx_is_repeated_until_its_ack_comes() {
    let mut desk = desk();
    let (id, _) = call_comes_in(&mut desk);
    desk.phone.answer(desk.now, id).expect("it rings");
    desk.pump();
    let first = desk.sent.pop_front().expect("the 200");
    for seconds in [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0] {
        speaks(&mut desk, Duration::from_secs_f64(seconds));
        assert_eq!(desk.sent.pop_front().as_ref(), Some(&first), "the same bytes");
        assert_eq!(desk.phone.status(id), Some(Status::Establishing));
    }
    speaks(&mut desk, SECOND / 2);
    desk.next_request("BYE");
    assert_eq!(desk.phone.status(id), Some(Status::Terminating));
    let why = ends(&mut desk, id, LIMIT);
    assert_eq!((why.by, why.cause, why.code), (By::Network, Cause::TimedOut, Some(408)));
}

/// RFC 3261 §14.1: who made the Call-ID waits 2.1 to 4 s after a glare, the other one up to 2 s, in units of 10 ms.
#[test]
fn after_a_glare_each_end_waits_its_own_time() {
    let wait = |seed: u8, caller: bool| {
        let mut desk = Desk::new(config("alice", "ws://pbx.test"), seed);
        let id = if caller {
            in_call(&mut desk).0
        } else {
            let (id, response) = call_comes_in(&mut desk);
            desk.phone.answer(desk.now, id).expect("it rings");
            desk.pump();
            desk.next_response(200);
            desk.receive(&from_caller(&response, "ACK", 1));
            id
        };
        desk.phone.hold(desk.now, id).expect("established");
        desk.pump();
        let invite = desk.next_request("INVITE");
        desk.receive_bytes(response(&invite, 491, "bob", None));
        desk.next_request("ACK");
        let start = desk.now;
        while desk.sent.is_empty() {
            let at = desk.phone.deadline().expect("it tries again").at;
            desk.now = desk.now.max(at);
            desk.give(Input::Wake);
        }
        desk.next_request("INVITE");
        let waited = desk.now.saturating_since(start);
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
fn who_does_not_answer_is_waited_for_as_long_as_the_configuration_says() {
    // The callee: from the first ring.
    let mut desk = desk();
    let (id, _) = call_comes_in(&mut desk);
    assert_eq!(ends(&mut desk, id, SECOND * 120).cause, Cause::NoAnswer);
    // The media engine of the callee has the same time again, from the moment the user answers.
    let mut desk = self::desk();
    desk.media = Media::Manual;
    let (id, _) = call_comes_in(&mut desk);
    desk.pass(SECOND * 60);
    desk.phone.answer(desk.now, id).expect("it rings");
    assert_eq!(ends(&mut desk, id, SECOND * 120).cause, Cause::MediaFailed);
    // The caller: the media engine, and then the peer.
    let mut desk = self::desk();
    desk.media = Media::Manual;
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    assert_eq!(ends(&mut desk, id, SECOND * 120).cause, Cause::MediaFailed);
    let mut desk = self::desk();
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 180, "bob", None));
    speaks(&mut desk, SECOND * 120);
    desk.next_request("CANCEL");
    // RFC 3261 §9.1: the final response is not waited for without end.
    assert_eq!(ends(&mut desk, id, LIMIT).cause, Cause::NoAnswer);
}

#[test]
fn a_bye_that_finds_no_connection_is_given_up_after_64_t1() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    lose_connection(&mut desk);
    desk.phone.hang_up(desk.now, id).expect("a call");
    assert_eq!(ends(&mut desk, id, LIMIT).cause, Cause::HungUp);
}

/// The wait begins with the hang-up: a connection that comes and goes does not prolong it.
#[test]
fn a_bye_that_is_lost_with_its_connection_is_not_waited_for_longer() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    desk.next_request("BYE");
    desk.pass(SECOND * 10);
    lose_connection(&mut desk);
    desk.pass(SECOND * 2);
    desk.connect();
    desk.next_request("BYE");
    assert_eq!(ends(&mut desk, id, SECOND * 20).cause, Cause::HungUp);
}

#[test]
fn a_media_path_has_as_long_as_the_configuration_says() {
    for caller in [true, false] {
        let mut desk = desk();
        desk.media = Media::NoPath;
        if caller {
            in_call(&mut desk);
        } else {
            let (id, ringing) = call_comes_in(&mut desk);
            desk.phone.answer(desk.now, id).expect("it rings");
            desk.pump();
            desk.next_response(200);
            // The time begins when the call does.
            desk.pass(SECOND / 4);
            desk.receive(&from_caller(&ringing, "ACK", 1));
        }
        speaks(&mut desk, SECOND * 20);
        desk.next_request("BYE");
    }
}

/// One that was up and went down has the same time again; one that was never up cannot go down.
#[test]
fn a_media_path_that_went_down_may_come_back() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    let media = |desk: &mut Desk, event| desk.give(Input::Media { session: id, event });
    desk.pass(SECOND * 100);
    media(&mut desk, MediaEvent::Down);
    desk.pass(SECOND * 19);
    media(&mut desk, MediaEvent::Up);
    desk.pass(SECOND * 100);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    media(&mut desk, MediaEvent::Down);
    desk.pass(SECOND * 10);
    media(&mut desk, MediaEvent::Down);
    speaks(&mut desk, SECOND * 10);
    desk.next_request("BYE");
}

/// A change has 64·T1, whoever is late with it.
#[test]
fn a_hold_has_its_outcome_after_64_t1() {
    for (media, connected) in [(Media::Manual, true), (Media::Works, false)] {
        let mut desk = desk();
        let (id, _) = in_call(&mut desk);
        desk.media = media;
        if !connected {
            lose_connection(&mut desk);
        }
        desk.phone.hold(desk.now, id).expect("established");
        desk.pump();
        let failed = Event::HoldFailed { session: id, hold: true, code: None };
        desk.pass(LIMIT - MILLISECOND);
        assert!(!desk.events.contains(&failed));
        desk.pass(MILLISECOND);
        assert!(desk.events.contains(&failed));
    }
}

/// A REFER that was accepted and is never reported on: the target may ring as long as it likes, and answer late.
#[test]
fn a_transfer_is_waited_for_as_long_as_the_target_may_ring() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.transfer(desk.now, id, "carol").expect("established");
    desk.pump();
    let refer = desk.next_request("REFER");
    desk.receive_bytes(response(&refer, 202, "bob", None));
    let failed = Event::Transfer { session: id, state: TransferState::Failed { code: None } };
    desk.pass(SECOND * 152 - MILLISECOND);
    assert!(!desk.events.contains(&failed));
    desk.pass(MILLISECOND);
    assert!(desk.events.contains(&failed));
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

/// RFC 3261 §13.3.1.4 for a re-INVITE: its 2xx too is repeated, and no ACK ends the call.
#[test]
fn the_2xx_to_a_reinvite_is_repeated_too() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    let offer = String::from_utf8(sdp(Direction::SendRecv).to_vec()).expect("UTF-8").replace("\r\n", "\n");
    desk.receive(&in_dialog(&ack, "INVITE", 5, "Content-Type: application/sdp\n", &offer));
    desk.next_response(100);
    let first = desk.sent.pop_front().expect("the 200");
    speaks(&mut desk, SECOND / 2);
    assert_eq!(desk.sent.pop_front(), Some(first.clone()));
    // An ACK of another number is not the one.
    desk.receive(&in_dialog(&ack, "ACK", 4, "", ""));
    speaks(&mut desk, SECOND);
    assert_eq!(desk.sent.pop_front(), Some(first.clone()));
    desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
    desk.pass(SECOND * 60);
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
    desk.receive(&in_dialog(&ack, "INVITE", 6, "Content-Type: application/sdp\n", &offer));
    desk.pass(LIMIT);
    let bye = desk.sent.pop_back().expect("given up");
    assert!(
        Message::parse(bye, &Limits::default()).is_ok_and(|m| m.method() == Some(offhook_wire::Method::Bye))
    );
}

/// A call that is over wakes nobody: not for the answer, not for the media path, not for a change.
#[test]
fn a_call_that_is_over_has_no_timers() {
    let of_calls = |desk: &Desk| desk.phone.alarms().filter(|alarm| alarm.why == Why::Session).count();
    let mut desk = desk();
    desk.media = Media::NoPath;
    let (id, _) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    desk.next_request("INVITE");
    assert_eq!(of_calls(&desk), 2, "the media path and the change");
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    assert_eq!(of_calls(&desk), 1, "the BYE");
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(of_calls(&desk), 0);
    let (id, _) = call_comes_in(&mut desk);
    assert_eq!(of_calls(&desk), 1);
    desk.phone.reject(desk.now, id, 486).expect("it rings");
    assert_eq!(of_calls(&desk), 0);
}
