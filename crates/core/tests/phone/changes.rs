//! Changes of an established call (RFC 3261 §14), with a peer and a media engine that the test plays.

use crate::common::{Desk, Media, config, in_call, in_dialog, response, sdp};
use offhook::{
    By, Cause, Direction, Effect, EffectId, EffectResult, Event, FlowChange, FlowFailure, Input, MediaFault,
    SessionId, Status,
};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A call whose media engine from now on waits for the test.
fn in_a_call() -> (Desk, SessionId, Message) {
    let mut desk = Desk::new(config("alice", "ws://pbx.test"), 1);
    let (id, ack) = in_call(&mut desk);
    desk.pass(SECOND * 5);
    desk.media = Media::Manual;
    desk.effects.clear();
    desk.events.clear();
    (desk, id, ack)
}

/// What the user was told of the hold: we, the peer.
fn told(desk: &mut Desk) -> Vec<(bool, bool)> {
    let hold = |event: Event| match event {
        Event::Hold { local, remote, .. } => Some((local, remote)),
        _ => None,
    };
    desk.take_events().into_iter().filter_map(hold).collect()
}

fn describe(desk: &mut Desk, effect: EffectId, direction: Direction) {
    desk.give(Input::Done { effect, result: EffectResult::Description(sdp(direction)) });
}

/// What the media engine was asked for last.
fn asked(desk: &mut Desk) -> (EffectId, Effect) {
    desk.effects.pop().expect("the engine is asked")
}

/// Our hold: the re-INVITE that is out for it.
fn holding(desk: &mut Desk, id: SessionId) -> Message {
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let (effect, what) = asked(desk);
    assert!(matches!(what, Effect::Offer { direction: Direction::SendOnly, .. }), "RFC 3264 §8.4");
    describe(desk, effect, Direction::SendOnly);
    desk.next_request("INVITE")
}

fn held(desk: &mut Desk, id: SessionId) {
    let invite = holding(desk, id);
    desk.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    desk.next_request("ACK");
    let (effect, what) = asked(desk);
    assert!(matches!(what, Effect::Apply { .. }));
    desk.give(Input::Done { effect, result: EffectResult::Applied });
    assert_eq!(told(desk), [(true, false)]);
}

/// A re-INVITE of the peer, with or without an offer.
fn reinvite(desk: &mut Desk, ack: &Message, cseq: u32, offer: bool) {
    let body = String::from_utf8(sdp(Direction::SendRecv).to_vec()).expect("UTF-8").replace("\r\n", "\n");
    let (kind, body) = if offer { ("Content-Type: application/sdp\n", &body[..]) } else { ("", "") };
    desk.receive(&in_dialog(ack, "INVITE", cseq, kind, body));
    desk.next_response(100);
}

fn lose_connection(desk: &mut Desk) {
    let flow = desk.flow.expect("connected");
    desk.give(Input::Flow { flow, change: FlowChange::Down(FlowFailure::Closed) });
}

/// Each wish has one outcome: at once when it is so already, and else when it has come to be.
#[test]
fn a_wish_is_told_of_once() {
    let (mut desk, id, ack) = in_a_call();
    // As it is.
    desk.phone.resume(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), [(false, false)]);
    // As it comes to be; and as it is then.
    held(&mut desk, id);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), [(true, false)]);
    // Whatever the peer changes meanwhile.
    reinvite(&mut desk, &ack, 5, true);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), [(true, false)]);
    let (effect, _) = asked(&mut desk);
    describe(&mut desk, effect, Direction::SendOnly);
    desk.next_response(200);
    desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
    desk.pass(SECOND * 100);
    assert_eq!((told(&mut desk), desk.sent.len()), (Vec::new(), 0), "and nothing is told again");
}

#[test]
fn a_wish_that_waits_for_a_connection_can_be_taken_back() {
    let (mut desk, id, _) = in_a_call();
    lose_connection(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), []);
    desk.phone.resume(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), [(false, false)]);
    desk.pass(SECOND * 100);
    assert_eq!(told(&mut desk), [], "and nothing is told again");
}

/// A change that is over leaves a later wish its whole time.
#[test]
fn a_wish_has_all_of_its_time() {
    let (mut desk, id, _) = in_a_call();
    held(&mut desk, id);
    desk.pass(SECOND * 30);
    lose_connection(&mut desk);
    desk.phone.resume(desk.now, id).expect("established");
    let failed = Event::HoldFailed { session: id, hold: false, code: None };
    desk.pass(SECOND * 31);
    assert!(!desk.events.contains(&failed));
    desk.pass(SECOND);
    assert!(desk.events.contains(&failed));
}

/// An effect that the engine answers after it was given up is not taken for the one that is under way.
#[test]
fn a_late_description_is_not_the_one_that_is_waited_for() {
    // Our offer.
    let (mut desk, id, _) = in_a_call();
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let (late, _) = asked(&mut desk);
    desk.pass(SECOND * 33);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let (effect, _) = asked(&mut desk);
    describe(&mut desk, late, Direction::SendOnly);
    assert_eq!(desk.sent.len(), 0);
    describe(&mut desk, effect, Direction::SendOnly);
    desk.next_request("INVITE");
    // Our answer, and our offer in a 2xx.
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        let (late, _) = asked(&mut desk);
        desk.pass(SECOND * 33);
        desk.next_response(500);
        desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
        reinvite(&mut desk, &ack, 6, offer);
        let (effect, _) = asked(&mut desk);
        describe(&mut desk, late, Direction::SendRecv);
        assert_eq!(desk.sent.len(), 0);
        describe(&mut desk, effect, Direction::SendRecv);
        assert_eq!(desk.next_response(200).cseq().expect("read").number, 6);
        assert_eq!(desk.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3264 §8: what was agreed before holds, and the engine is told so.
#[test]
fn a_hold_that_is_refused_leaves_all_as_it_was() {
    let (mut desk, id, _) = in_a_call();
    let invite = holding(&mut desk, id);
    desk.receive_bytes(response(&invite, 488, "bob", None));
    desk.next_request("ACK");
    assert!(matches!(asked(&mut desk).1, Effect::Rollback { session } if session == id));
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(488) }));
    desk.pass(SECOND * 100);
    assert_eq!((told(&mut desk), desk.sent.len()), (Vec::new(), 0), "and nothing is told again");
    // The next one begins anew.
    held(&mut desk, id);
}

/// RFC 3261 §14.1 with §12.2.1.2: no answer at all means that the peer is gone.
#[test]
fn a_reinvite_without_an_answer_ends_the_call() {
    let (mut desk, id, _) = in_a_call();
    holding(&mut desk, id);
    desk.pass(SECOND * 32);
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    let why = desk.ended(id);
    assert_eq!((why.by, why.cause, why.code), (By::Network, Cause::TimedOut, Some(408)));
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: None }));
}

#[test]
fn a_reinvite_that_the_peer_does_not_know_ends_the_call() {
    for code in [408, 481] {
        let (mut desk, id, _) = in_a_call();
        let invite = holding(&mut desk, id);
        desk.receive_bytes(response(&invite, code, "bob", None));
        desk.next_request("ACK");
        let bye = desk.next_request("BYE");
        desk.receive_bytes(response(&bye, 200, "bob", None));
        assert_eq!(desk.ended(id).code, Some(code), "RFC 3261 §12.2.1.2");
        assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(code) }));
    }
}

#[test]
fn a_reinvite_that_is_lost_with_its_connection_goes_again_over_the_next() {
    let (mut desk, id, _) = in_a_call();
    let first = holding(&mut desk, id);
    lose_connection(&mut desk);
    assert!(matches!(asked(&mut desk).1, Effect::Rollback { .. }));
    desk.connect();
    let (effect, _) = asked(&mut desk);
    describe(&mut desk, effect, Direction::SendOnly);
    let again = desk.next_request("INVITE");
    assert!(again.cseq().expect("read").number > first.cseq().expect("read").number);
    desk.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    desk.next_request("ACK");
    assert_eq!(told(&mut desk), [(true, false)]);
}

/// Without a connection there is still an outcome, and only one.
#[test]
fn a_reinvite_that_is_lost_with_its_connection_has_an_outcome_without_another() {
    let (mut desk, id, _) = in_a_call();
    holding(&mut desk, id);
    lose_connection(&mut desk);
    desk.pass(SECOND * 100);
    let outcomes = |event: &&Event| matches!(event, Event::Hold { .. } | Event::HoldFailed { .. });
    let outcomes: Vec<_> = desk.events.iter().filter(outcomes).collect();
    assert_eq!(outcomes, [&Event::HoldFailed { session: id, hold: true, code: None }]);
    let (mut desk, id, _) = in_a_call();
    holding(&mut desk, id);
    desk.phone.resume(desk.now, id).expect("established");
    desk.pump();
    assert_eq!(told(&mut desk), []);
    lose_connection(&mut desk);
    assert_eq!(told(&mut desk), [(false, false)], "it is as it is wanted");
}

/// RFC 3261 §12.2.2: a target refresh request moves the target.
#[test]
fn the_peer_moves_with_his_reinvite() {
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        desk.media = Media::Works;
        let moved = |text: String| text.replace("sip:bob@peer.invalid", "sip:bob@elsewhere.invalid");
        let body = String::from_utf8(sdp(Direction::SendRecv).to_vec()).expect("UTF-8").replace("\r\n", "\n");
        let (kind, body) = if offer { ("Content-Type: application/sdp\n", &body[..]) } else { ("", "") };
        desk.receive(&moved(in_dialog(&ack, "INVITE", 5, kind, body)));
        desk.next_response(100);
        desk.next_response(200);
        desk.phone.hang_up(desk.now, id).expect("a call");
        desk.pump();
        let bye = desk.next_request("BYE");
        assert_eq!(bye.request_uri(), Some(&b"sip:bob@elsewhere.invalid;transport=ws"[..]));
    }
}

/// RFC 3261 §14.2: an offer that cannot be taken is refused with 488, and the session goes on.
#[test]
fn what_the_engine_says_of_the_peers_offer_is_said_to_the_peer() {
    for (result, code) in [
        (EffectResult::Failed(MediaFault::NoCommonCodec), 488),
        (EffectResult::Failed(MediaFault::BadDescription), 488),
        (EffectResult::Failed(MediaFault::Engine), 500),
        (EffectResult::Applied, 500),
    ] {
        for offer in [true, false] {
            let (mut desk, id, ack) = in_a_call();
            reinvite(&mut desk, &ack, 5, offer);
            let (effect, _) = asked(&mut desk);
            desk.give(Input::Done { effect, result: result.clone() });
            desk.next_response(code);
            assert_eq!(desk.phone.status(id), Some(Status::Established));
            // Nothing is left open: ours can go out.
            desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
            held(&mut desk, id);
        }
    }
}

/// RFC 3261 §9.2, and RFC 3264 §8: the engine forgets what it was asked for.
#[test]
fn the_peer_may_take_back_his_reinvite() {
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        let (late, _) = asked(&mut desk);
        desk.receive(&in_dialog(&ack, "CANCEL", 5, "", "").replace("z9hG4bKCANCEL5", "z9hG4bKINVITE5"));
        desk.next_response(200);
        desk.next_response(487);
        assert!(matches!(asked(&mut desk).1, Effect::Rollback { .. }));
        describe(&mut desk, late, Direction::SendRecv);
        assert_eq!(desk.sent.len(), 0);
        desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
        held(&mut desk, id);
    }
}

/// RFC 3261 §15.1.2 with §9.2's 487: what the peer still waits for when the call ends is answered.
#[test]
fn a_reinvite_of_the_peer_is_answered_when_the_call_ends() {
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        desk.phone.hang_up(desk.now, id).expect("a call");
        desk.pump();
        desk.next_response(487);
        let bye = desk.next_request("BYE");
        desk.receive_bytes(response(&bye, 200, "bob", None));
        assert_eq!(desk.ended(id).cause, Cause::HungUp);
    }
}

/// Both hang up at once: each BYE is answered with 200 (RFC 3261 §15.1.2), and anything else means nothing any more.
#[test]
fn what_comes_after_our_bye() {
    let (mut desk, id, ack) = in_a_call();
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    desk.next_request("BYE");
    desk.receive(&in_dialog(&ack, "INFO", 5, "", ""));
    desk.next_response(481);
    assert_eq!(desk.phone.status(id), Some(Status::Terminating));
    desk.receive(&in_dialog(&ack, "BYE", 6, "", ""));
    desk.next_response(200);
    assert_eq!((desk.ended(id).by, desk.ended(id).cause), (By::Us, Cause::HungUp));
}

/// A proxy sends what it has no answer to again over the next connection: it is the same re-INVITE, and is answered once.
#[test]
fn a_reinvite_that_comes_again_over_the_next_connection_is_answered_there() {
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        lose_connection(&mut desk);
        desk.connect();
        reinvite(&mut desk, &ack, 5, offer);
        assert_eq!((desk.sent.len(), desk.effects.len()), (0, 1), "it is being answered");
        let (effect, _) = asked(&mut desk);
        describe(&mut desk, effect, Direction::SendRecv);
        assert_eq!(desk.next_response(200).cseq().expect("read").number, 5);
        assert_eq!(desk.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3261 §13.3.1.4: and when it was accepted while there was no connection, nobody heard of it: the 2xx is for the next.
#[test]
fn a_reinvite_that_was_accepted_unheard_is_accepted_again() {
    for offer in [true, false] {
        let (mut desk, id, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        lose_connection(&mut desk);
        let (effect, _) = asked(&mut desk);
        describe(&mut desk, effect, Direction::RecvOnly);
        assert_eq!(desk.sent.len(), 0);
        desk.connect();
        // Another number is another one, and comes too early (§14.2).
        reinvite(&mut desk, &ack, 4, offer);
        desk.next_response(500);
        reinvite(&mut desk, &ack, 5, offer);
        let ok = desk.next_response(200);
        assert_eq!((ok.cseq().expect("read").number, ok.body_bytes()), (5, &sdp(Direction::RecvOnly)[..]));
        assert_eq!(desk.effects.len(), 0, "the engine is not asked twice");
        desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
        desk.pass(SECOND * 2);
        assert!(
            desk.phone.status(id).is_some_and(|status| offer == (status == Status::Established)),
            "§13.2.1"
        );
    }
}

/// RFC 3261 §12.2.2: a lower number is refused with 500, and does not touch the one that is being answered.
#[test]
fn a_reinvite_out_of_sequence_does_not_take_the_place_of_another() {
    for offer in [true, false] {
        let (mut desk, _, ack) = in_a_call();
        reinvite(&mut desk, &ack, 5, offer);
        reinvite(&mut desk, &ack, 4, offer);
        assert_eq!(desk.next_response(500).cseq().expect("read").number, 4);
        let (effect, _) = asked(&mut desk);
        describe(&mut desk, effect, Direction::SendRecv);
        assert_eq!(desk.next_response(200).cseq().expect("read").number, 5);
    }
}
