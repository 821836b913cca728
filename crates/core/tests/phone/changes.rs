//! Changes of an established call (RFC 3261 §14), with a peer and a media engine that the test plays.

use offhook::{
    Cause, Direction, Effect, EffectId, EffectResult, EndedBy, Event, Input, MediaFault, SessionId, Status,
};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A call whose media engine from now on waits for the test.
fn in_a_call() -> (TestPhone, SessionId, ScriptedPeer) {
    let mut alice = TestPhone::new(config("alice", "ws://pbx.test"), 1);
    let (id, peer) = in_call(&mut alice);
    alice.pass(SECOND * 5);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.effects.clear();
    alice.events.clear();
    (alice, id, peer)
}

/// What the user was told of the hold: we, the peer.
fn told(alice: &mut TestPhone) -> Vec<(bool, bool)> {
    let hold = |event: Event| match event {
        Event::Hold { local, remote, .. } => Some((local, remote)),
        _ => None,
    };
    alice.take_events().into_iter().filter_map(hold).collect()
}

fn describe(alice: &mut TestPhone, effect: EffectId, direction: Direction) {
    alice.give(Input::Done { effect, result: EffectResult::Description(sdp(direction)) });
}

/// What the media engine was asked for last.
fn asked(alice: &mut TestPhone) -> (EffectId, Effect) {
    alice.effects.pop().expect("the engine is asked")
}

/// Our hold: the re-INVITE that is out for it.
fn holding(alice: &mut TestPhone, id: SessionId) -> Message {
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let (effect, what) = asked(alice);
    assert!(matches!(what, Effect::Offer { direction: Direction::SendOnly, .. }), "RFC 3264 §8.4");
    describe(alice, effect, Direction::SendOnly);
    alice.next_request("INVITE")
}

fn held(alice: &mut TestPhone, id: SessionId) {
    let invite = holding(alice, id);
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    alice.next_request("ACK");
    let (effect, what) = asked(alice);
    assert!(matches!(what, Effect::Apply { .. }));
    alice.give(Input::Done { effect, result: EffectResult::Applied });
    assert_eq!(told(alice), [(true, false)]);
}

/// A re-INVITE of the peer, with or without an offer.
fn reinvite(alice: &mut TestPhone, peer: &ScriptedPeer, cseq: u32, offer: bool) {
    alice.receive(&peer.request_with_sdp("INVITE", cseq, offer.then_some(Direction::SendRecv)));
    alice.next_response(100);
}

/// Each wish has one outcome: at once when it is so already, and else when it has come to be.
#[test]
fn a_wish_is_told_of_once() {
    let (mut alice, id, peer) = in_a_call();
    // As it is.
    alice.phone.resume(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(false, false)]);
    // As it comes to be; and as it is then.
    held(&mut alice, id);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(true, false)]);
    // Whatever the peer changes meanwhile.
    reinvite(&mut alice, &peer, 5, true);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(true, false)]);
    let (effect, _) = asked(&mut alice);
    describe(&mut alice, effect, Direction::SendOnly);
    alice.next_response(200);
    alice.receive(&peer.request("ACK", 5, "", ""));
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (Vec::new(), 0), "and nothing is told again");
}

#[test]
fn a_wish_that_waits_for_a_connection_can_be_taken_back() {
    let (mut alice, id, _) = in_a_call();
    alice.lose_connection();
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), []);
    alice.phone.resume(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(false, false)]);
    alice.pass(SECOND * 100);
    assert_eq!(told(&mut alice), [], "and nothing is told again");
}

/// A change that is over leaves a later wish its whole time.
#[test]
fn a_wish_has_all_of_its_time() {
    let (mut alice, id, _) = in_a_call();
    held(&mut alice, id);
    alice.pass(SECOND * 30);
    alice.lose_connection();
    alice.phone.resume(alice.now, id).expect("established");
    let failed = Event::HoldFailed { session: id, hold: false, code: None };
    alice.pass(SECOND * 31);
    assert!(!alice.events.contains(&failed));
    alice.pass(SECOND);
    assert!(alice.events.contains(&failed));
}

/// An effect that the engine answers after it was given up is not taken for the one that is under way.
#[test]
fn a_late_description_is_not_the_one_that_is_waited_for() {
    // Our offer.
    let (mut alice, id, _) = in_a_call();
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let (late, _) = asked(&mut alice);
    alice.pass(SECOND * 33);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let (effect, _) = asked(&mut alice);
    describe(&mut alice, late, Direction::SendOnly);
    assert_eq!(alice.sent.len(), 0);
    describe(&mut alice, effect, Direction::SendOnly);
    alice.next_request("INVITE");
    // Our answer, and our offer in a 2xx.
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        let (late, _) = asked(&mut alice);
        alice.pass(SECOND * 33);
        alice.next_response(500);
        alice.receive(&peer.request("ACK", 5, "", ""));
        reinvite(&mut alice, &peer, 6, offer);
        let (effect, _) = asked(&mut alice);
        describe(&mut alice, late, Direction::SendRecv);
        assert_eq!(alice.sent.len(), 0);
        describe(&mut alice, effect, Direction::SendRecv);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 6);
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3264 §8: what was agreed before holds, and the engine is told so.
#[test]
fn a_hold_that_is_refused_leaves_all_as_it_was() {
    let (mut alice, id, _) = in_a_call();
    let invite = holding(&mut alice, id);
    alice.receive_bytes(response(&invite, 488, "bob", None));
    alice.next_request("ACK");
    assert!(matches!(asked(&mut alice).1, Effect::Rollback { session } if session == id));
    assert!(alice.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(488) }));
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (Vec::new(), 0), "and nothing is told again");
    // The next one begins anew.
    held(&mut alice, id);
}

/// RFC 3261 §14.1 with §12.2.1.2: no answer at all means that the peer is gone.
#[test]
fn a_reinvite_without_an_answer_ends_the_call() {
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.pass(SECOND * 32);
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    let why = alice.ended(id);
    assert_eq!((why.by, why.cause, why.code), (EndedBy::Network, Cause::TimedOut, Some(408)));
    assert!(alice.events.contains(&Event::HoldFailed { session: id, hold: true, code: None }));
}

#[test]
fn a_reinvite_that_the_peer_does_not_know_ends_the_call() {
    for code in [408, 481] {
        let (mut alice, id, _) = in_a_call();
        let invite = holding(&mut alice, id);
        alice.receive_bytes(response(&invite, code, "bob", None));
        alice.next_request("ACK");
        let bye = alice.next_request("BYE");
        alice.receive_bytes(response(&bye, 200, "bob", None));
        assert_eq!(alice.ended(id).code, Some(code), "RFC 3261 §12.2.1.2");
        assert!(alice.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(code) }));
    }
}

#[test]
fn a_reinvite_that_is_lost_with_its_connection_goes_again_over_the_next() {
    let (mut alice, id, _) = in_a_call();
    let first = holding(&mut alice, id);
    alice.lose_connection();
    assert!(matches!(asked(&mut alice).1, Effect::Rollback { .. }));
    alice.connect();
    let (effect, _) = asked(&mut alice);
    describe(&mut alice, effect, Direction::SendOnly);
    let again = alice.next_request("INVITE");
    assert!(again.cseq().expect("read").number > first.cseq().expect("read").number);
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    alice.next_request("ACK");
    assert_eq!(told(&mut alice), [(true, false)]);
}

/// Without a connection there is still an outcome, and only one.
#[test]
fn a_reinvite_that_is_lost_with_its_connection_has_an_outcome_without_another() {
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.lose_connection();
    alice.pass(SECOND * 100);
    let outcomes = |event: &&Event| matches!(event, Event::Hold { .. } | Event::HoldFailed { .. });
    let outcomes: Vec<_> = alice.events.iter().filter(outcomes).collect();
    assert_eq!(outcomes, [&Event::HoldFailed { session: id, hold: true, code: None }]);
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.phone.resume(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), []);
    alice.lose_connection();
    assert_eq!(told(&mut alice), [(false, false)], "it is as it is wanted");
}

/// RFC 3261 §12.2.2: a target refresh request moves the target.
#[test]
fn the_peer_moves_with_his_reinvite() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        alice.media.behaviour = MediaBehaviour::Works;
        let moved = |text: String| text.replace("sip:bob@peer.invalid", "sip:bob@elsewhere.invalid");
        alice.receive(&moved(peer.request_with_sdp("INVITE", 5, offer.then_some(Direction::SendRecv))));
        alice.next_response(100);
        alice.next_response(200);
        alice.phone.hang_up(alice.now, id).expect("a call");
        alice.pump();
        let bye = alice.next_request("BYE");
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
            let (mut alice, id, peer) = in_a_call();
            reinvite(&mut alice, &peer, 5, offer);
            let (effect, _) = asked(&mut alice);
            alice.give(Input::Done { effect, result: result.clone() });
            alice.next_response(code);
            assert_eq!(alice.phone.status(id), Some(Status::Established));
            // Nothing is left open: ours can go out.
            alice.receive(&peer.request("ACK", 5, "", ""));
            held(&mut alice, id);
        }
    }
}

/// RFC 3261 §9.2, and RFC 3264 §8: the engine forgets what it was asked for.
#[test]
fn the_peer_may_take_back_his_reinvite() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        let (late, _) = asked(&mut alice);
        alice.receive(&peer.request("CANCEL", 5, "", "").replace("z9hG4bKCANCEL5", "z9hG4bKINVITE5"));
        alice.next_response(200);
        alice.next_response(487);
        assert!(matches!(asked(&mut alice).1, Effect::Rollback { .. }));
        describe(&mut alice, late, Direction::SendRecv);
        assert_eq!(alice.sent.len(), 0);
        alice.receive(&peer.request("ACK", 5, "", ""));
        held(&mut alice, id);
    }
}

/// RFC 3261 §15.1.2 with §9.2's 487: what the peer still waits for when the call ends is answered.
#[test]
fn a_reinvite_of_the_peer_is_answered_when_the_call_ends() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        alice.phone.hang_up(alice.now, id).expect("a call");
        alice.pump();
        alice.next_response(487);
        let bye = alice.next_request("BYE");
        alice.receive_bytes(response(&bye, 200, "bob", None));
        assert_eq!(alice.ended(id).cause, Cause::HungUp);
    }
}

/// Both hang up at once: each BYE is answered with 200 (RFC 3261 §15.1.2), and anything else means nothing any more.
#[test]
fn what_comes_after_our_bye() {
    let (mut alice, id, peer) = in_a_call();
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.next_request("BYE");
    alice.receive(&peer.request("INFO", 5, "", ""));
    alice.next_response(481);
    assert_eq!(alice.phone.status(id), Some(Status::Terminating));
    alice.receive(&peer.request("BYE", 6, "", ""));
    alice.next_response(200);
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, Cause::HungUp));
}

/// A proxy sends what it has no answer to again over the next connection: it is the same re-INVITE, and is answered once.
#[test]
fn a_reinvite_that_comes_again_over_the_next_connection_is_answered_there() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        alice.lose_connection();
        alice.connect();
        reinvite(&mut alice, &peer, 5, offer);
        assert_eq!((alice.sent.len(), alice.effects.len()), (0, 1), "it is being answered");
        let (effect, _) = asked(&mut alice);
        describe(&mut alice, effect, Direction::SendRecv);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 5);
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3261 §13.3.1.4: and when it was accepted while there was no connection, nobody heard of it: the 2xx is for the next.
#[test]
fn a_reinvite_that_was_accepted_unheard_is_accepted_again() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        alice.lose_connection();
        let (effect, _) = asked(&mut alice);
        describe(&mut alice, effect, Direction::RecvOnly);
        assert_eq!(alice.sent.len(), 0);
        alice.connect();
        // Another number is another one, and comes too early (§14.2).
        reinvite(&mut alice, &peer, 4, offer);
        alice.next_response(500);
        reinvite(&mut alice, &peer, 5, offer);
        let ok = alice.next_response(200);
        assert_eq!((ok.cseq().expect("read").number, ok.body_bytes()), (5, &sdp(Direction::RecvOnly)[..]));
        assert_eq!(alice.effects.len(), 0, "the engine is not asked twice");
        alice.receive(&peer.request("ACK", 5, "", ""));
        alice.pass(SECOND * 2);
        assert!(
            alice.phone.status(id).is_some_and(|status| offer == (status == Status::Established)),
            "§13.2.1"
        );
    }
}

/// RFC 3261 §12.2.2: a lower number is refused with 500, and does not touch the one that is being answered.
#[test]
fn a_reinvite_out_of_sequence_does_not_take_the_place_of_another() {
    for offer in [true, false] {
        let (mut alice, _, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        reinvite(&mut alice, &peer, 4, offer);
        assert_eq!(alice.next_response(500).cseq().expect("read").number, 4);
        let (effect, _) = asked(&mut alice);
        describe(&mut alice, effect, Direction::SendRecv);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 5);
    }
}
