//! Early media, forks, and media engines that are slow or fail.

use bytes::Bytes;
use offhook::{
    Agreed, CallEffect, CallEvent, Cause, Dial, Direction, DtmfPath, Effect, EffectId, EffectResult, EndedBy,
    Event, Input, LegId, MediaEvent, MediaFault, SessionId, Status,
};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{MediaBehaviour, Pair, TestPhone, config, sdp};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// A call with a pending INVITE.
fn calling(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    (id, invite)
}

fn answer() -> Bytes {
    sdp(Direction::SendRecv)
}

fn done(alice: &mut TestPhone, effect: EffectId, result: EffectResult) {
    alice.give(Input::Done { effect, result });
}

fn applied(alice: &TestPhone) -> usize {
    alice
        .effects
        .iter()
        .filter(|(_, effect)| matches!(effect, Effect::Call { effect: CallEffect::Apply { .. }, .. }))
        .count()
}

#[test]
fn early_media_stays_up_after_the_2xx() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    assert!(alice.events.contains(&Event::Call { session: id, event: CallEvent::Media { up: true } }));
    alice.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    alice.next_request("ACK");
    alice.pass(SECOND * 60);
    assert_eq!(alice.phone.status(id), Some(Status::Established), "the path was up before the limit began");
}

#[test]
fn a_2xx_without_a_description_uses_that_of_the_183() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    alice.receive_bytes(response(&invite, 200, "bob", None));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    alice.phone.digits(alice.now, id, "1", SECOND / 10, DtmfPath::Auto).expect("established");
    alice.pump();
    assert!(alice.events.contains(&Event::Call {
        session: id,
        event: CallEvent::DigitSent { digit: '1', path: DtmfPath::Rtp }
    }));
}

/// A host that can hold one media session keeps that of the first branch; another branch that is accepted gets a new one.
#[test]
fn the_accepted_branch_is_renegotiated_if_the_session_is_that_of_another() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    alice.receive_bytes(response(&invite, 183, "mobile", Some(&answer())));
    assert_eq!(applied(&alice), 1, "the first early answer is used");
    alice.receive_bytes(response(&invite, 200, "mobile", Some(&answer())));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    let legs: Vec<(LegId, String)> = alice.effects.iter().map(|(_, effect)| named(effect)).collect();
    assert_eq!(
        legs,
        [(LegId(0), "Apply"), (LegId(0), "Release"), (LegId(1), "Offer")]
            .map(|(leg, name)| (leg, name.to_owned()))
    );
    // The late result of the released one changes nothing.
    let (late, _) = alice.effects.remove(0);
    done(&mut alice, late, EffectResult::Failed(MediaFault::Engine));
    let (offer, _) = alice.effects.pop().expect("an offer is wanted");
    done(&mut alice, offer, EffectResult::Description(answer()));
    let reinvite = alice.next_request("INVITE");
    alice.receive_bytes(response(&reinvite, 200, "mobile", Some(&answer())));
    alice.next_request("ACK");
    let (applying, _) = alice.effects.pop().expect("the answer is applied");
    done(&mut alice, applying, EffectResult::Applied(Agreed::new(Direction::SendRecv)));
    alice.give(Input::Media { session: id, leg: LegId(1), event: MediaEvent::Up });
    alice.pass(SECOND * 60);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// Each branch has early media of its own if the host can hold several sessions, and the 2xx chooses.
#[test]
fn each_branch_has_early_media() {
    let mut settings = config("alice", "ws://pbx.test");
    settings.media_legs = 2;
    let mut alice = TestPhone::new(settings, 1);
    let (id, invite) = calling(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    for tag in ["bob", "mobile", "home"] {
        alice.receive_bytes(response(&invite, 183, tag, Some(&answer())));
    }
    let legs = |alice: &TestPhone| -> Vec<(LegId, String)> {
        alice.effects.iter().map(|(_, effect)| named(effect)).collect()
    };
    let expected = [(LegId(0), "Apply"), (LegId(1), "Fork"), (LegId(1), "Apply")];
    assert_eq!(legs(&alice), expected.map(|(leg, name)| (leg, name.to_owned())), "two sessions at most");
    alice.effects.clear();
    alice.receive_bytes(response(&invite, 200, "home", Some(&answer())));
    alice.next_request("ACK");
    let expected = [(LegId(2), "Fork"), (LegId(0), "Release"), (LegId(1), "Release"), (LegId(2), "Apply")];
    assert_eq!(legs(&alice), expected.map(|(leg, name)| (leg, name.to_owned())));
    let (applying, _) = alice.effects.pop().expect("the answer is applied");
    done(&mut alice, applying, EffectResult::Applied(Agreed::new(Direction::SendRecv)));
    alice.give(Input::Media { session: id, leg: LegId(2), event: MediaEvent::Up });
    alice.pass(SECOND * 60);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// The leg and the name of an effect of a call.
fn named(effect: &Effect) -> (LegId, String) {
    let Effect::Call { leg, effect, .. } = effect else { panic!("an effect of a call") };
    let text = format!("{effect:?}");
    (*leg, text.split(' ').next().unwrap_or_default().to_owned())
}

/// RFC 3261 §13.2.1: the answer of one fork is not that of another.
#[test]
fn an_early_answer_of_another_fork_does_not_count() {
    for applied in [true, false] {
        let mut alice = alice();
        let (id, invite) = calling(&mut alice);
        alice.media.behaviour = MediaBehaviour::Manual;
        alice.receive_bytes(response(&invite, 183, "one", Some(&answer())));
        let (effect, _) = alice.effects.pop().expect("applied early");
        if applied {
            done(&mut alice, effect, EffectResult::Applied(Agreed::new(Direction::SendRecv)));
        }
        alice.receive_bytes(response(&invite, 200, "two", None));
        alice.next_request("ACK");
        let bye = alice.next_request("BYE");
        alice.receive_bytes(response(&bye, 200, "two", None));
        assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Peer, Cause::Protocol));
    }
}

/// The 2xx may arrive while the early answer of its fork is being applied, and need not have a description.
#[test]
fn a_2xx_may_arrive_while_the_early_answer_is_applied() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.receive_bytes(response(&invite, 183, "one", Some(&answer())));
    let (effect, _) = alice.effects.pop().expect("applied early");
    // The early answer of another fork does not count.
    done(&mut alice, EffectId::from_u64(u64::MAX), EffectResult::Failed(MediaFault::Engine));
    let stale = EffectId::from_u64(effect.as_u64() - 1);
    done(&mut alice, stale, EffectResult::Failed(MediaFault::Engine));
    alice.receive_bytes(response(&invite, 200, "one", None));
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.effects.len()), (0, 0));
    done(&mut alice, effect, EffectResult::Applied(Agreed::new(Direction::SendRecv)));
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
}

#[test]
fn a_failed_early_answer_is_applied_again_with_the_2xx() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.media.behaviour = MediaBehaviour::Refuses(MediaFault::NoCommonCodec);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    alice.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    alice.next_request("ACK");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, Cause::NotAcceptable));
}

#[test]
fn a_media_engine_without_a_result_does_not_block_the_call() {
    // The caller's offer.
    let mut alice = alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pass(SECOND * 130);
    assert_eq!(alice.ended(id).cause, Cause::MediaFailed);
    // The callee's answer.
    let mut bob = config("bob", "ws://pbx.test");
    bob.no_answer = SECOND * 20;
    let mut pair = Pair::with(config("alice", "ws://pbx.test"), bob);
    pair.bob.media.behaviour = MediaBehaviour::Manual;
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let bobs = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), bobs).expect("it rings");
    pair.run(SECOND * 30);
    assert_eq!(pair.bob.ended(bobs).cause, Cause::MediaFailed);
    assert_eq!(pair.alice.ended(alices).code, Some(500));
    // Our offer of a hold.
    let mut alice = self::alice();
    let (id, _) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.phone.hold(alice.now, id).expect("established");
    alice.pass(SECOND * 40);
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } })
    );
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn an_answer_that_is_never_applied_ends_the_call() {
    let mut pair = Pair::with(config("alice", "ws://pbx.test"), config("bob", "ws://pbx.test"));
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    pair.alice.media.behaviour = MediaBehaviour::Manual;
    let bobs = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), bobs).expect("it rings");
    pair.run(SECOND);
    let up = Input::Media { session: alices, leg: LegId(0), event: MediaEvent::Up };
    pair.alice.phone.handle(pair.now(), up).expect("no command");
    pair.alice.phone.hold(pair.now(), alices).expect("established");
    pair.run(SECOND * 29);
    assert_eq!(pair.alice.phone.status(alices), Some(Status::Established));
    pair.run(SECOND * 3);
    assert_eq!(pair.alice.ended(alices).cause, Cause::MediaFailed);
    assert!(
        pair.alice.events.contains(&Event::Call {
            session: alices,
            event: CallEvent::HoldFailed { hold: true, code: None }
        })
    );
}

#[test]
fn a_reinvite_without_a_media_result_is_refused() {
    for with_offer in [true, false] {
        let mut alice = alice();
        let (id, peer) = in_call(&mut alice);
        alice.media.behaviour = MediaBehaviour::Manual;
        let offer = with_offer.then_some(Direction::SendRecv);
        alice.receive(&peer.request_with_sdp("INVITE", 5, offer));
        alice.next_response(100);
        let (late, _) = alice.effects.pop().expect("asked");
        alice.pass(SECOND * 40);
        alice.next_response(500);
        alice.receive(&peer.request("ACK", 5, "", ""));
        done(&mut alice, late, EffectResult::Description(answer()));
        assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
        // The next one succeeds.
        alice.media.behaviour = MediaBehaviour::Works;
        alice.receive(&peer.request_with_sdp("INVITE", 6, offer));
        alice.next_response(100);
        alice.next_response(200);
    }
}

#[test]
fn a_reinvite_of_the_peer_can_be_cancelled() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.receive(&peer.request("INVITE", 5, "", ""));
    alice.next_response(100);
    alice.receive(&peer.request("CANCEL", 5, "", "").replace("z9hG4bKCANCEL5", "z9hG4bKINVITE5"));
    alice.next_response(200);
    alice.next_response(487);
    assert_eq!(alice.phone.status(id), Some(Status::Established), "RFC 3261 §9.2");
}

#[test]
fn an_unusable_answer_to_a_hold_ends_the_call() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.media.behaviour = MediaBehaviour::Refuses(MediaFault::BadDescription);
    alice.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    alice.next_request("ACK");
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::NotAcceptable);
}

#[test]
fn a_reinvite_with_only_1xx_is_cancelled() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 180, "bob", None));
    alice.pass(SECOND * 33);
    let cancel = alice.next_request("CANCEL");
    alice.receive_bytes(response(&cancel, 200, "bob", None));
    alice.receive_bytes(response(&invite, 487, "bob", None));
    alice.next_request("ACK");
    assert!(alice.events.contains(&Event::Call {
        session: id,
        event: CallEvent::HoldFailed { hold: true, code: Some(487) }
    }));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn a_pending_reinvite_at_the_end_of_the_call_leaves_no_transaction() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 180, "bob", None));
    alice.receive(&peer.request("BYE", 5, "", ""));
    alice.next_response(200);
    alice.next_request("CANCEL");
    assert_eq!(alice.ended(id).by, EndedBy::Peer);
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::HoldFailed { hold: true, code: None } })
    );
    alice.sent.clear();
    alice.pass(SECOND * 100);
    // It would get an ACK if the INVITE transaction still existed.
    let stray = alice.phone.counters().stray;
    alice.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    assert_eq!(alice.phone.counters().stray, stray + 1);
}

#[test]
fn repeated_491_fails_the_hold() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    for n in 0..7 {
        let invite = alice.next_request("INVITE");
        alice.receive_bytes(response(&invite, 491, "bob", None));
        alice.next_request("ACK");
        assert_eq!(alice.sent.len(), 0, "it waits after {n}");
        alice.pass(SECOND * 4);
    }
    assert_eq!(alice.sent.len(), 0);
    assert!(alice.events.contains(&Event::Call {
        session: id,
        event: CallEvent::HoldFailed { hold: true, code: Some(491) }
    }));
}

#[test]
fn a_hold_withdrawn_during_glare_has_an_outcome() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 491, "bob", None));
    alice.next_request("ACK");
    alice.phone.resume(alice.now, id).expect("established");
    alice.pass(SECOND * 5);
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: false, remote: false } })
    );
    assert_eq!(alice.sent.len(), 0);
}

#[test]
fn a_second_invite_before_the_2xx_gets_500() {
    let mut pair = Pair::new("ws://pbx.test");
    pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.alice.pump();
    let invite = pair.alice.sent.front().expect("an INVITE").clone();
    let alice = &mut pair.bob;
    alice.receive_bytes(invite.clone());
    alice.next_response(100);
    let ringing = alice.next_response(180);
    let to =
        String::from_utf8(ringing.header(offhook_wire::HeaderName::To).expect("To").to_vec()).expect("text");
    let text = String::from_utf8(invite.to_vec()).expect("text");
    let again = text
        .replace("To: <sip:bob@example.com>", &format!("To: {to}"))
        .replace("CSeq: 1 ", "CSeq: 2 ")
        .replace("branch=z9hG4bK", "branch=z9hG4bKx");
    alice.receive_bytes(again.into());
    alice.next_response(100);
    let wait = alice.next_response(500);
    assert!(wait.retry_after().expect("read").is_some(), "RFC 3261 §14.2");
    assert_eq!(alice.phone.status(alice.incoming()), Some(Status::Establishing));
}
