//! The types of media and muting: the media that the user wants, apart from what was agreed on.

use offhook::{
    Agreed, CallEffect, CallEvent, Dial, Direction, Effect, EffectResult, Event, MediaTypes, Misuse,
    SessionId, Status,
};
use offhook_testkit::peer::{in_call, incoming_call, outgoing_call, response};
use offhook_testkit::{MediaBehaviour, TestPhone, config, sdp};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// The events of the types of media.
fn told(alice: &mut TestPhone) -> Vec<CallEvent> {
    let of_types = |event: Event| match event {
        Event::Call {
            event: event @ (CallEvent::MediaTypes { .. } | CallEvent::MediaTypesFailed { .. }),
            ..
        } => Some(event),
        _ => None,
    };
    alice.take_events().into_iter().filter_map(of_types).collect()
}

fn agreed(types: MediaTypes) -> CallEvent {
    CallEvent::MediaTypes { agreed: types }
}

/// The types of the next offer or answer that the media engine is to create, and the effect.
fn next_types(alice: &mut TestPhone) -> (offhook::EffectId, MediaTypes) {
    let with_types = |effect: &Effect| match effect {
        Effect::Call {
            effect: CallEffect::Offer { types, .. } | CallEffect::Answer { types, .. }, ..
        } => Some(*types),
        _ => None,
    };
    let at = alice.effects.iter().position(|(_, effect)| with_types(effect).is_some()).expect("an effect");
    let (id, effect) = alice.effects.remove(at);
    (id, with_types(&effect).expect("it has types"))
}

fn done(alice: &mut TestPhone, effect: offhook::EffectId, result: EffectResult) {
    alice.give(offhook::Input::Done { effect, result });
}

fn set(alice: &mut TestPhone, id: SessionId, types: MediaTypes) {
    alice.phone.set_media_types(alice.now, id, types).expect("a call");
    alice.pump();
}

/// An established call whose media effects the test completes.
fn manual() -> (TestPhone, SessionId) {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.effects.clear();
    alice.events.clear();
    (alice, id)
}

/// Completes our offer: its description, the 2xx, and what was agreed.
fn complete(alice: &mut TestPhone, types: MediaTypes) {
    let (effect, _) = next_types(alice);
    done(alice, effect, EffectResult::Description(sdp(Direction::SendRecv)));
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    let apply =
        |(_, effect): &(_, Effect)| matches!(effect, Effect::Call { effect: CallEffect::Apply { .. }, .. });
    let at = alice.effects.iter().position(apply).expect("the answer is applied");
    let (effect, _) = alice.effects.remove(at);
    done(alice, effect, EffectResult::Applied(Agreed::new(Direction::SendRecv).with_types(types)));
}

#[test]
fn an_invite_offers_the_types_of_the_dial() {
    let mut alice = alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    let dial = Dial::to("bob").with_types(MediaTypes::AUDIO_VIDEO);
    alice.phone.dial(alice.now, dial).expect("a call");
    alice.pump();
    assert_eq!(next_types(&mut alice).1, MediaTypes::AUDIO_VIDEO);
    let nothing = Dial::to("bob").with_types(MediaTypes::NONE);
    assert_eq!(alice.phone.dial(alice.now, nothing), Err(Misuse::NoMediaTypes));
}

/// RFC 3264 §6: before the answer, the types are those of the answer, and no offer follows.
#[test]
fn types_set_before_the_answer_are_those_of_the_answer() {
    let mut alice = alice();
    let (id, _) = incoming_call(&mut alice);
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(next_types(&mut alice).1, MediaTypes::AUDIO_VIDEO);
    assert_eq!(told(&mut alice), []);
}

/// RFC 3264 §8.1: other types are offered, and the agreed ones are reported.
#[test]
fn other_types_are_offered_in_an_established_call() {
    let (mut alice, id) = manual();
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    complete(&mut alice, MediaTypes::AUDIO_VIDEO);
    assert_eq!(told(&mut alice), [agreed(MediaTypes::AUDIO_VIDEO)]);
    // A hold offers what was agreed on.
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(next_types(&mut alice).1, MediaTypes::AUDIO_VIDEO);
}

/// RFC 3264 §6: the peer rejects the stream. That is the outcome, and no other offer repeats it.
#[test]
fn a_rejected_stream_is_not_offered_again() {
    let (mut alice, id) = manual();
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    complete(&mut alice, MediaTypes::AUDIO);
    assert_eq!(told(&mut alice), [agreed(MediaTypes::AUDIO)]);
    assert!(alice.effects.is_empty());
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    assert_eq!(next_types(&mut alice).1, MediaTypes::AUDIO);
}

#[test]
fn a_refused_change_is_reported_and_forgotten() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.events.clear();
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 488, "bob", None));
    alice.next_request("ACK");
    assert_eq!(told(&mut alice), [CallEvent::MediaTypesFailed { code: Some(488) }]);
    alice.pass(SECOND * 60);
    assert_eq!(alice.sent.len(), 0);
}

/// RFC 3261 §14.1: after a glare the change is offered again.
#[test]
fn a_glare_keeps_the_change() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.events.clear();
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 491, "bob", None));
    alice.next_request("ACK");
    assert_eq!(told(&mut alice), []);
    alice.effects.clear();
    alice.pass(SECOND * 5);
    alice.next_request("INVITE");
}

#[test]
fn the_agreed_types_need_no_offer() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.events.clear();
    set(&mut alice, id, MediaTypes::AUDIO);
    assert_eq!(told(&mut alice), [agreed(MediaTypes::AUDIO)]);
    assert_eq!(alice.sent.len(), 0);
}

#[test]
fn the_end_of_the_call_ends_a_change() {
    let (mut alice, id) = manual();
    set(&mut alice, id, MediaTypes::AUDIO_VIDEO);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert_eq!(told(&mut alice), [CallEvent::MediaTypesFailed { code: None }]);
    let ending = Err(Misuse::WrongStatus(Status::Terminating));
    assert_eq!(alice.phone.set_media_types(alice.now, id, MediaTypes::AUDIO), ending);
    assert_eq!(alice.phone.mute(alice.now, id, MediaTypes::AUDIO), ending);
    assert_eq!(alice.phone.set_media_types(alice.now, id, MediaTypes::NONE), Err(Misuse::NoMediaTypes));
}

/// What the media engine is to mute, in order.
fn mutes(alice: &TestPhone) -> Vec<MediaTypes> {
    let mute = |(_, effect): &(_, Effect)| match effect {
        Effect::Call { effect: CallEffect::Mute { types }, .. } => Some(*types),
        _ => None,
    };
    alice.effects.iter().filter_map(mute).collect()
}

#[test]
fn muting_reaches_the_media_session_and_not_the_peer() {
    let mut alice = alice();
    let (id, _) = in_call(&mut alice);
    alice.effects.clear();
    for types in [MediaTypes::AUDIO, MediaTypes::NONE] {
        alice.phone.mute(alice.now, id, types).expect("a call");
        alice.pump();
    }
    assert_eq!(mutes(&alice), [MediaTypes::AUDIO, MediaTypes::NONE]);
    assert_eq!(alice.sent.len(), 0);
}

#[test]
fn a_later_media_session_is_muted_when_it_is_created() {
    let mut alice = alice();
    let (id, _) = incoming_call(&mut alice);
    alice.phone.mute(alice.now, id, MediaTypes::AUDIO).expect("a call");
    alice.pump();
    assert_eq!(mutes(&alice), [], "there is none yet");
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(mutes(&alice), [MediaTypes::AUDIO]);
    let mut caller = self::alice();
    let (id, _) = outgoing_call(&mut caller);
    caller.phone.mute(caller.now, id, MediaTypes::AUDIO).expect("a call");
    caller.pump();
    assert_eq!(mutes(&caller), [MediaTypes::AUDIO]);
}
