//! Renegotiation of an established call (RFC 3261 §14), with a scripted peer and media engine.

use offhook::{
    Agreed, CallEffect, CallEvent, Cause, Direction, Effect, EffectId, EffectResult, EndedBy, Event, Input,
    MediaFault, SessionId, Status,
};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A call whose media engine queues its effects for the test.
fn in_a_call() -> (TestPhone, SessionId, ScriptedPeer) {
    let mut alice = TestPhone::new(config("alice", "ws://pbx.test"), 1);
    let (id, peer) = in_call(&mut alice);
    alice.pass(SECOND * 5);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.effects.clear();
    alice.events.clear();
    (alice, id, peer)
}

/// The reported hold: ours, and the peer's.
fn told(alice: &mut TestPhone) -> Vec<(bool, bool)> {
    let hold = |event: Event| match event {
        Event::Call { event: CallEvent::Hold { local, remote, .. }, .. } => Some((local, remote)),
        _ => None,
    };
    alice.take_events().into_iter().filter_map(hold).collect()
}

fn describe(alice: &mut TestPhone, effect: EffectId, direction: Direction) {
    alice.give(Input::Done { effect, result: EffectResult::Description(sdp(direction)) });
}

/// The answer to an offer of the peer.
fn answer(alice: &mut TestPhone, effect: EffectId, direction: Direction) {
    let result = EffectResult::Answered { answer: sdp(direction), agreed: Agreed::new(direction) };
    alice.give(Input::Done { effect, result });
}

/// The answer to the offer of a re-INVITE, or our offer if it had none.
fn answer_or_describe(alice: &mut TestPhone, effect: EffectId, direction: Direction, offered: bool) {
    if offered { answer(alice, effect, direction) } else { describe(alice, effect, direction) }
}

/// The last effect.
fn asked(alice: &mut TestPhone) -> (EffectId, Effect) {
    alice.effects.pop().expect("the engine is asked")
}

/// The pending re-INVITE of our hold.
fn holding(alice: &mut TestPhone, id: SessionId) -> Message {
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let (effect, what) = asked(alice);
    assert!(
        matches!(what, Effect::Call { effect: CallEffect::Offer { direction: Direction::SendOnly, .. }, .. }),
        "RFC 3264 §8.4"
    );
    describe(alice, effect, Direction::SendOnly);
    alice.next_request("INVITE")
}

fn held(alice: &mut TestPhone, id: SessionId) {
    let invite = holding(alice, id);
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    alice.next_request("ACK");
    let (effect, what) = asked(alice);
    assert!(matches!(what, Effect::Call { effect: CallEffect::Apply { .. }, .. }));
    alice.give(Input::Done { effect, result: EffectResult::Applied(Agreed::new(Direction::SendRecv)) });
    assert_eq!(told(alice), [(true, false)]);
}

/// A re-INVITE of the peer, with or without an offer.
fn reinvite(alice: &mut TestPhone, peer: &ScriptedPeer, cseq: u32, offer: bool) {
    alice.receive(&peer.request_with_sdp("INVITE", cseq, offer.then_some(Direction::SendRecv)));
    alice.next_response(100);
}

/// Each intent has one outcome: immediately if it is the agreed hold already, else after the re-INVITE.
#[test]
fn a_hold_intent_has_one_outcome() {
    let (mut alice, id, peer) = in_a_call();
    // The agreed hold.
    alice.phone.resume(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(false, false)]);
    // After the re-INVITE; and the same intent again.
    held(&mut alice, id);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(true, false)]);
    // The peer renegotiates meanwhile.
    reinvite(&mut alice, &peer, 5, true);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), [(true, false)]);
    let (effect, _) = asked(&mut alice);
    answer(&mut alice, effect, Direction::SendOnly);
    alice.next_response(200);
    alice.receive(&peer.request("ACK", 5, "", ""));
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (Vec::new(), 0), "and nothing is told again");
}

#[test]
fn a_hold_intent_that_waits_for_a_connection_can_be_withdrawn() {
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

/// A completed renegotiation does not shorten the time limit of a later intent.
#[test]
fn a_later_hold_intent_has_the_full_time_limit() {
    let (mut alice, id, _) = in_a_call();
    held(&mut alice, id);
    alice.pass(SECOND * 30);
    alice.lose_connection();
    alice.phone.resume(alice.now, id).expect("established");
    let failed = Event::Call { session: id, event: CallEvent::HoldFailed { hold: false, code: None } };
    alice.pass(SECOND * 31);
    assert!(!alice.events.contains(&failed));
    alice.pass(SECOND);
    assert!(alice.events.contains(&failed));
}

/// The result of an abandoned effect is not that of the current one.
#[test]
fn a_late_effect_result_is_ignored() {
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
        answer_or_describe(&mut alice, late, Direction::SendRecv, offer);
        assert_eq!(alice.sent.len(), 0);
        answer_or_describe(&mut alice, effect, Direction::SendRecv, offer);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 6);
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3264 §8: the session stays as agreed before, and the media engine gets a rollback.
#[test]
fn a_refused_hold_keeps_the_agreed_session() {
    let (mut alice, id, _) = in_a_call();
    let invite = holding(&mut alice, id);
    alice.receive_bytes(response(&invite, 488, "bob", None));
    alice.next_request("ACK");
    assert!(
        matches!(asked(&mut alice).1, Effect::Call { session, effect: CallEffect::Rollback, .. } if session == id)
    );
    assert!(alice.events.contains(&Event::Call {
        session: id,
        event: CallEvent::HoldFailed { hold: true, code: Some(488) }
    }));
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (Vec::new(), 0), "and nothing is told again");
    // The next one is independent.
    held(&mut alice, id);
}

/// RFC 3261 §14.1 with §12.2.1.2: no response, or 481, ends the dialog.
#[test]
fn a_reinvite_without_an_answer_ends_the_call() {
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.pass(SECOND * 32);
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    let why = alice.ended(id);
    assert_eq!((why.by, why.cause, why.code), (EndedBy::Network, Cause::TimedOut, Some(408)));
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } })
    );
}

/// RFC 3261 §12.2.1.2: the ACK goes to the target that the 2xx names.
#[test]
fn the_ack_of_a_reinvite_goes_to_the_new_target() {
    let (mut alice, id, _) = in_a_call();
    let invite = holding(&mut alice, id);
    alice.receive_bytes(response(&invite, 200, "moved", Some(&sdp(Direction::RecvOnly))));
    let ack = alice.next_request("ACK");
    assert_eq!(ack.request_uri(), Some(&b"sip:moved@peer.invalid;transport=ws"[..]));
}

#[test]
fn a_reinvite_that_gets_481_or_408_ends_the_call() {
    for code in [408, 481] {
        let (mut alice, id, _) = in_a_call();
        let invite = holding(&mut alice, id);
        alice.receive_bytes(response(&invite, code, "bob", None));
        alice.next_request("ACK");
        let bye = alice.next_request("BYE");
        alice.receive_bytes(response(&bye, 200, "bob", None));
        assert_eq!(alice.ended(id).code, Some(code), "RFC 3261 §12.2.1.2");
        assert!(alice.events.contains(&Event::Call {
            session: id,
            event: CallEvent::HoldFailed { hold: true, code: Some(code) }
        }));
    }
}

#[test]
fn a_reinvite_lost_with_its_connection_is_sent_over_the_next_one() {
    let (mut alice, id, _) = in_a_call();
    let first = holding(&mut alice, id);
    alice.lose_connection();
    assert!(matches!(asked(&mut alice).1, Effect::Call { effect: CallEffect::Rollback, .. }));
    alice.connect();
    let (effect, _) = asked(&mut alice);
    describe(&mut alice, effect, Direction::SendOnly);
    let again = alice.next_request("INVITE");
    assert!(again.cseq().expect("read").number > first.cseq().expect("read").number);
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    alice.next_request("ACK");
    let (effect, _) = asked(&mut alice);
    alice.give(Input::Done { effect, result: EffectResult::Applied(Agreed::new(Direction::SendOnly)) });
    assert_eq!(told(&mut alice), [(true, false)]);
}

/// Without a connection there is one outcome too.
#[test]
fn a_reinvite_lost_with_its_connection_fails_without_a_next_one() {
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.lose_connection();
    alice.pass(SECOND * 100);
    let outcomes = |event: &&Event| {
        matches!(
            event,
            Event::Call { event: CallEvent::Hold { .. }, .. }
                | Event::Call { event: CallEvent::HoldFailed { .. }, .. }
        )
    };
    let outcomes: Vec<_> = alice.events.iter().filter(outcomes).collect();
    assert_eq!(
        outcomes,
        [&Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } }]
    );
    let (mut alice, id, _) = in_a_call();
    holding(&mut alice, id);
    alice.phone.resume(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(told(&mut alice), []);
    alice.lose_connection();
    assert_eq!(told(&mut alice), [(false, false)], "it is as it is wanted");
}

/// RFC 3261 §12.2.2: a target refresh request updates the remote target.
#[test]
fn a_reinvite_of_the_peer_updates_the_remote_target() {
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

/// RFC 3261 §14.2: an unusable offer gets 488, and the session continues.
#[test]
fn an_unusable_offer_in_a_reinvite_gets_488() {
    for (result, code) in [
        (EffectResult::Failed(MediaFault::NoCommonCodec), 488),
        (EffectResult::Failed(MediaFault::BadDescription), 488),
        (EffectResult::Failed(MediaFault::Engine), 500),
        (EffectResult::Applied(Agreed::new(Direction::SendRecv)), 500),
    ] {
        for offer in [true, false] {
            let (mut alice, id, peer) = in_a_call();
            reinvite(&mut alice, &peer, 5, offer);
            let (effect, _) = asked(&mut alice);
            alice.give(Input::Done { effect, result: result.clone() });
            alice.next_response(code);
            assert_eq!(alice.phone.status(id), Some(Status::Established));
            // Nothing is pending: ours can be sent.
            alice.receive(&peer.request("ACK", 5, "", ""));
            held(&mut alice, id);
        }
    }
}

/// RFC 3261 §9.2, and RFC 3264 §8: the media engine gets a rollback.
#[test]
fn a_reinvite_of_the_peer_can_be_cancelled_while_the_answer_is_created() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        let (late, _) = asked(&mut alice);
        alice.receive(&peer.request("CANCEL", 5, "", "").replace("z9hG4bKCANCEL5", "z9hG4bKINVITE5"));
        alice.next_response(200);
        alice.next_response(487);
        assert!(matches!(asked(&mut alice).1, Effect::Call { effect: CallEffect::Rollback, .. }));
        answer_or_describe(&mut alice, late, Direction::SendRecv, offer);
        assert_eq!(alice.sent.len(), 0);
        alice.receive(&peer.request("ACK", 5, "", ""));
        held(&mut alice, id);
    }
}

/// RFC 3261 §15.1.2: pending requests of the peer get 487 at the end of the call.
#[test]
fn a_pending_reinvite_of_the_peer_is_answered_at_the_end_of_the_call() {
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

/// Both hang up simultaneously: each BYE gets 200 (RFC 3261 §15.1.2), and other requests 481.
#[test]
fn requests_after_our_bye_are_answered() {
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

/// A proxy retransmits a request without a response over the next connection: it is the same re-INVITE, and is answered once.
#[test]
fn a_reinvite_retransmitted_over_the_next_connection_is_answered_there() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        alice.lose_connection();
        alice.connect();
        reinvite(&mut alice, &peer, 5, offer);
        assert_eq!((alice.sent.len(), alice.effects.len()), (0, 1), "it is being answered");
        let (effect, _) = asked(&mut alice);
        answer_or_describe(&mut alice, effect, Direction::SendRecv, offer);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 5);
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

/// RFC 3261 §13.3.1.4: if it was accepted without a connection, the 2xx is sent over the next one.
#[test]
fn a_reinvite_whose_2xx_was_lost_gets_it_again() {
    for offer in [true, false] {
        let (mut alice, id, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        alice.lose_connection();
        let (effect, _) = asked(&mut alice);
        answer_or_describe(&mut alice, effect, Direction::RecvOnly, offer);
        assert_eq!(alice.sent.len(), 0);
        alice.connect();
        // One with another CSeq is another one, and gets 500 (§14.2).
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

/// RFC 3261 §12.2.2: a lower CSeq gets 500, and does not affect the one that is being answered.
#[test]
fn a_reinvite_with_a_lower_cseq_does_not_replace_a_pending_one() {
    for offer in [true, false] {
        let (mut alice, _, peer) = in_a_call();
        reinvite(&mut alice, &peer, 5, offer);
        reinvite(&mut alice, &peer, 4, offer);
        assert_eq!(alice.next_response(500).cseq().expect("read").number, 4);
        let (effect, _) = asked(&mut alice);
        answer_or_describe(&mut alice, effect, Direction::SendRecv, offer);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 5);
    }
}
