//! Types of media: audio, video or both (RFC 3264 §6, §8.1, §8.2), with a scripted peer.

use offhook::{CallEvent, Dial, Direction, Event, MediaTypes, Misuse, SessionId};
use offhook_testkit::peer::{in_call, incoming_call, invite, response};
use offhook_testkit::{Pair, ScriptedPeer, TestPhone, agreed, config, sdp, sdp_of};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const AUDIO: MediaTypes = MediaTypes::AUDIO;
const BOTH: MediaTypes = MediaTypes::AUDIO_VIDEO;

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// An established call with audio.
fn talking() -> (TestPhone, SessionId, ScriptedPeer) {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.pass(SECOND * 5);
    alice.events.clear();
    (alice, id, peer)
}

fn set(alice: &mut TestPhone, id: SessionId, types: MediaTypes) {
    alice.phone.set_media_types(alice.now, id, types).expect("a call");
    alice.pump();
}

/// The re-INVITE that offers these types.
fn offers(alice: &mut TestPhone, types: MediaTypes) -> Message {
    let invite = alice.next_request("INVITE");
    assert_eq!(of(&invite), types);
    invite
}

/// The types of the description in a message.
fn of(message: &Message) -> MediaTypes {
    agreed(message.body_bytes(), Direction::SendRecv).types
}

fn answered(alice: &mut TestPhone, invite: &Message, direction: Direction, types: MediaTypes) {
    alice.receive_bytes(response(invite, 200, "bob", Some(&sdp_of(direction, types))));
    alice.next_request("ACK");
}

/// A re-INVITE of the peer with an offer of these types.
fn reinvite(peer: &ScriptedPeer, cseq: u32, types: MediaTypes) -> String {
    let body = String::from_utf8(sdp_of(Direction::SendRecv, types).to_vec()).expect("ASCII");
    peer.request("INVITE", cseq, "Content-Type: application/sdp\n", &body.replace("\r\n", "\n"))
}

/// What the user was told of the types of media.
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

fn has(agreed: MediaTypes) -> CallEvent {
    CallEvent::MediaTypes { agreed }
}

fn failed(code: Option<u16>) -> CallEvent {
    CallEvent::MediaTypesFailed { code }
}

/// The types of a call are offered in its INVITE; those that the peer accepts are reported if they are not audio only.
#[test]
fn a_call_is_dialled_with_types() {
    for (accepted, events) in [(BOTH, vec![has(BOTH)]), (AUDIO, vec![])] {
        let mut alice = alice();
        let id = alice.phone.dial(alice.now, Dial::to("bob").with_types(BOTH)).expect("a call");
        alice.pump();
        let invite = offers(&mut alice, BOTH);
        alice.receive_bytes(response(&invite, 180, "bob", None));
        answered(&mut alice, &invite, Direction::SendRecv, accepted);
        assert_eq!(told(&mut alice), events);
        // A hold offers what was agreed on, and not again what was rejected.
        alice.phone.hold(alice.now, id).expect("established");
        alice.pump();
        offers(&mut alice, accepted);
    }
}

#[test]
fn a_call_needs_a_type() {
    let (mut alice, id, _) = talking();
    let dial = Dial::to("bob").with_types(MediaTypes::NONE);
    assert_eq!(alice.phone.dial(alice.now, dial).err(), Some(Misuse::NoMediaTypes));
    assert_eq!(
        alice.phone.set_media_types(alice.now, id, MediaTypes::NONE).err(),
        Some(Misuse::NoMediaTypes)
    );
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert!(matches!(alice.phone.set_media_types(alice.now, id, AUDIO), Err(Misuse::WrongStatus(_))));
}

/// An INVITE that offers these types.
fn invite_of(types: MediaTypes) -> String {
    let offer = String::from_utf8(sdp_of(Direction::SendRecv, types).to_vec()).expect("ASCII");
    let audio = String::from_utf8(sdp(Direction::SendRecv).to_vec()).expect("ASCII");
    invite(Some(Direction::SendRecv))
        .replace(&audio.replace("\r\n", "\n"), &offer.replace("\r\n", "\n"))
        .replace(&format!("Content-Length: {}", audio.len()), &format!("Content-Length: {}", offer.len()))
}

/// The user learns before answering which types the caller offers.
#[test]
fn an_incoming_call_has_the_types_of_its_offer() {
    let types_of = |invite: &str| {
        let mut alice = alice();
        alice.receive(invite);
        let incoming = alice.take_events().into_iter().find_map(|event| match event {
            Event::Call { event: CallEvent::Incoming(incoming), .. } => Some(incoming),
            _ => None,
        });
        incoming.expect("it rings").types
    };
    for types in [AUDIO, BOTH, MediaTypes::VIDEO] {
        assert_eq!(types_of(&invite_of(types)), Some(types));
    }
    assert_eq!(types_of(&invite(None)), None, "without an offer");
}

/// Before the call is answered, the types are those of the answer; without another offer.
#[test]
fn types_are_set_before_the_answer() {
    for (wanted, events) in [(BOTH, vec![has(BOTH)]), (AUDIO, vec![])] {
        let mut alice = alice();
        alice.receive(&invite_of(BOTH));
        alice.next_response(100);
        let ringing = alice.next_response(180);
        let id = alice.incoming();
        set(&mut alice, id, BOTH);
        set(&mut alice, id, wanted);
        alice.phone.answer(alice.now, id).expect("it rings");
        alice.pump();
        assert_eq!(of(&alice.next_response(200)), wanted);
        alice.receive(&ScriptedPeer::of_response(&ringing).request("ACK", 1, "", ""));
        assert_eq!((told(&mut alice), alice.sent.len()), (events, 0));
    }
}

/// The intent of a callee is not offered if the caller's INVITE has no video: the call is answered with what it offers.
#[test]
fn types_set_before_the_answer_are_limited_by_the_offer() {
    let mut alice = alice();
    let (id, ringing) = incoming_call(&mut alice);
    set(&mut alice, id, BOTH);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(of(&alice.next_response(200)), AUDIO);
    alice.receive(&ScriptedPeer::of_response(&ringing).request("ACK", 1, "", ""));
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![], 0));
}

/// RFC 3264 §8.1, §8.2: a stream is added, and removed.
#[test]
fn a_change_is_offered_and_has_one_outcome() {
    let (mut alice, id, _) = talking();
    for types in [BOTH, AUDIO, MediaTypes::VIDEO, BOTH] {
        set(&mut alice, id, types);
        assert_eq!(told(&mut alice), []);
        let invite = offers(&mut alice, types);
        answered(&mut alice, &invite, Direction::SendRecv, types);
        assert_eq!(told(&mut alice), [has(types)]);
    }
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![], 0), "and nothing is told again");
}

#[test]
fn the_agreed_types_need_no_offer() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, AUDIO);
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![has(AUDIO)], 0));
}

/// The call continues as before, and the agreed types are the intent.
#[test]
fn a_refused_change_has_failed() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, BOTH);
    let invite = offers(&mut alice, BOTH);
    alice.receive_bytes(response(&invite, 488, "bob", None));
    alice.next_request("ACK");
    assert_eq!(told(&mut alice), [failed(Some(488))]);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let hold = offers(&mut alice, AUDIO);
    answered(&mut alice, &hold, Direction::RecvOnly, AUDIO);
    assert_eq!(told(&mut alice), []);
}

/// RFC 3264 §6: the peer rejects a stream by the port 0.
/// What the user wants while the INVITE is pending is compared with what it offered: video that is not wanted any more is offered away,
/// and video that the peer rejected is not offered again. Also if a 183 has the answer.
#[test]
fn the_offer_of_the_invite_is_compared_with_the_wanted_types() {
    for (early, wanted, answer) in
        [(false, AUDIO, BOTH), (false, BOTH, AUDIO), (true, AUDIO, BOTH), (true, BOTH, AUDIO)]
    {
        let mut alice = alice();
        let dial = Dial::to("bob").with_types(BOTH);
        let id = alice.phone.dial(alice.now, dial).expect("a call");
        alice.pump();
        let invite = offers(&mut alice, BOTH);
        set(&mut alice, id, wanted);
        if early {
            let answer = sdp_of(Direction::SendRecv, answer);
            alice.receive_bytes(response(&invite, 183, "bob", Some(&answer)));
        }
        answered(&mut alice, &invite, Direction::SendRecv, answer);
        assert_eq!(told(&mut alice), [has(answer)]);
        if wanted == AUDIO {
            let away = offers(&mut alice, AUDIO);
            answered(&mut alice, &away, Direction::SendRecv, AUDIO);
            assert_eq!(told(&mut alice), [has(AUDIO)]);
        }
        assert_eq!(alice.sent.len(), 0);
    }
}

/// A change to the agreed types is no change, also if a hold fails meanwhile.
#[test]
fn the_agreed_types_cannot_fail() {
    let (mut alice, id, _) = talking();
    alice.lose_connection();
    alice.phone.hold(alice.now, id).expect("a call");
    set(&mut alice, id, AUDIO);
    alice.pass(SECOND * 100);
    assert_eq!(told(&mut alice), [has(AUDIO)]);
}

/// An answer that rejects all streams ends the call: its media has ended.
#[test]
fn an_answer_without_media_ends_the_call() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, MediaTypes::VIDEO);
    let invite = offers(&mut alice, MediaTypes::VIDEO);
    answered(&mut alice, &invite, Direction::SendRecv, MediaTypes::NONE);
    alice.next_request("BYE");
}

/// A change that was not answered yet takes no agreed type away.
#[test]
fn an_offer_of_the_peer_during_a_change_keeps_the_agreed_types() {
    let (mut alice, id, peer) = talking();
    set(&mut alice, id, MediaTypes::VIDEO);
    let invite = offers(&mut alice, MediaTypes::VIDEO);
    alice.receive_bytes(response(&invite, 491, "bob", None));
    alice.next_request("ACK");
    alice.receive(&reinvite(&peer, 5, AUDIO));
    alice.next_response(100);
    assert_eq!(of(&alice.next_response(200)), AUDIO);
}

/// A refusal is one of what was offered: a hold, a restart and other types that the user wanted meanwhile are offered next.
#[test]
fn what_was_not_offered_is_not_refused() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, MediaTypes::VIDEO);
    let video = offers(&mut alice, MediaTypes::VIDEO);
    alice.phone.hold(alice.now, id).expect("a call");
    alice.phone.restart_media(alice.now, id).expect("a call");
    set(&mut alice, id, BOTH);
    alice.receive_bytes(response(&video, 488, "bob", None));
    alice.next_request("ACK");
    assert_eq!(alice.take_events(), []);
    let both = offers(&mut alice, BOTH);
    answered(&mut alice, &both, Direction::RecvOnly, BOTH);
    let outcomes = alice.take_events();
    let outcomes: Vec<_> =
        outcomes.iter().filter_map(|event| event.of_call()).map(|(_, event)| event).collect();
    assert_eq!(
        outcomes,
        [
            &CallEvent::MediaRestarted { accepted: true, code: None },
            &CallEvent::Hold { local: true, remote: false },
            &has(BOTH),
        ]
    );
}

/// The change was withdrawn while its offer was open: the agreed types are the outcome.
#[test]
fn a_withdrawn_change_is_not_refused() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, MediaTypes::VIDEO);
    let video = offers(&mut alice, MediaTypes::VIDEO);
    set(&mut alice, id, AUDIO);
    alice.receive_bytes(response(&video, 488, "bob", None));
    alice.next_request("ACK");
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![has(AUDIO)], 0));
}

#[test]
fn a_rejected_type_is_missing_in_the_outcome() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, BOTH);
    let invite = offers(&mut alice, BOTH);
    answered(&mut alice, &invite, Direction::SendRecv, AUDIO);
    assert_eq!(told(&mut alice), [has(AUDIO)]);
    alice.pass(SECOND * 100);
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![], 0), "it is not offered again");
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    offers(&mut alice, AUDIO);
}

/// The answer to an offer of the peer has what the user wants of it. The user is told of other types.
#[test]
fn the_peer_adds_and_removes_types() {
    let (mut alice, id, peer) = talking();
    let mut cseq = 4;
    let mut offered = |alice: &mut TestPhone, types: MediaTypes| {
        cseq += 1;
        alice.receive(&reinvite(&peer, cseq, types));
        alice.next_response(100);
        let answer = of(&alice.next_response(200));
        alice.receive(&peer.request("ACK", cseq, "", ""));
        (answer, told(alice))
    };
    assert_eq!(offered(&mut alice, BOTH), (AUDIO, vec![]), "the user did not ask for video");
    set(&mut alice, id, BOTH);
    let invite = offers(&mut alice, BOTH);
    answered(&mut alice, &invite, Direction::SendRecv, BOTH);
    assert_eq!(told(&mut alice), [has(BOTH)]);
    assert_eq!(offered(&mut alice, BOTH), (BOTH, vec![]));
    assert_eq!(offered(&mut alice, AUDIO), (AUDIO, vec![has(AUDIO)]));
    assert_eq!(offered(&mut alice, BOTH), (BOTH, vec![has(BOTH)]), "the user still wants video");
    assert_eq!(alice.sent.len(), 0);
}

/// A re-INVITE of the peer without an offer gets one of the pending change.
#[test]
fn a_late_offer_has_the_types() {
    let (mut alice, id, peer) = talking();
    set(&mut alice, id, BOTH);
    let invite = offers(&mut alice, BOTH);
    alice.receive_bytes(response(&invite, 491, "bob", None));
    alice.next_request("ACK");
    alice.receive(&peer.request_with_sdp("INVITE", 5, None));
    alice.next_response(100);
    assert_eq!(of(&alice.next_response(200)), BOTH);
    let body = String::from_utf8(sdp_of(Direction::SendRecv, BOTH).to_vec()).expect("ASCII");
    let body = body.replace("\r\n", "\n");
    alice.receive(&peer.request("ACK", 5, "Content-Type: application/sdp\n", &body));
    assert_eq!(told(&mut alice), [has(BOTH)]);
    alice.pass(SECOND * 100);
    assert_eq!(alice.sent.len(), 0);
}

/// RFC 3261 §14.1, and a connection that is lost with the offer: the change is kept.
#[test]
fn a_change_survives_glare_and_a_lost_connection() {
    for lost in [false, true] {
        let (mut alice, id, _) = talking();
        set(&mut alice, id, BOTH);
        let invite = offers(&mut alice, BOTH);
        if lost {
            alice.lose_connection();
            alice.connect();
        } else {
            alice.receive_bytes(response(&invite, 491, "bob", None));
            alice.next_request("ACK");
            alice.pass(SECOND * 5);
        }
        assert_eq!(told(&mut alice), []);
        let again = offers(&mut alice, BOTH);
        answered(&mut alice, &again, Direction::SendRecv, BOTH);
        assert_eq!(told(&mut alice), [has(BOTH)]);
    }
}

/// Without a connection there is one outcome too.
#[test]
fn a_change_without_a_connection_fails() {
    let (mut alice, id, _) = talking();
    alice.lose_connection();
    set(&mut alice, id, BOTH);
    alice.pass(SECOND * 100);
    assert_eq!(told(&mut alice), [failed(None)]);
}

/// A change that is withdrawn while it waits has an outcome, without an offer.
#[test]
fn a_change_can_be_withdrawn() {
    let (mut alice, id, _) = talking();
    alice.lose_connection();
    set(&mut alice, id, BOTH);
    set(&mut alice, id, AUDIO);
    assert_eq!(told(&mut alice), [has(AUDIO)]);
    alice.connect();
    alice.pass(SECOND * 5);
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![], 0));
}

/// A later change supersedes one whose offer is open; both are offered, and the last one has the outcome.
#[test]
fn a_change_during_an_offer_is_offered_next() {
    let (mut alice, id, _) = talking();
    set(&mut alice, id, BOTH);
    let invite = offers(&mut alice, BOTH);
    set(&mut alice, id, MediaTypes::VIDEO);
    answered(&mut alice, &invite, Direction::SendRecv, BOTH);
    let next = offers(&mut alice, MediaTypes::VIDEO);
    answered(&mut alice, &next, Direction::SendRecv, MediaTypes::VIDEO);
    assert_eq!(told(&mut alice), [has(BOTH), has(MediaTypes::VIDEO)]);
}

/// What is wanted while the connection is down is offered at once.
#[test]
fn a_hold_and_a_change_need_one_offer() {
    let (mut alice, id, _) = talking();
    alice.lose_connection();
    set(&mut alice, id, BOTH);
    alice.phone.hold(alice.now, id).expect("established");
    alice.connect();
    let invite = offers(&mut alice, BOTH);
    assert_eq!(
        agreed(invite.body_bytes(), Direction::SendRecv).direction,
        Direction::RecvOnly,
        "RFC 3264 §8.4: the offer is sendonly"
    );
    answered(&mut alice, &invite, Direction::RecvOnly, BOTH);
    let held = CallEvent::Hold { local: true, remote: false };
    assert!(alice.events_of(id).any(|event| *event == held));
    assert_eq!((told(&mut alice), alice.sent.len()), (vec![has(BOTH)], 0));
}

#[test]
fn a_pending_change_fails_with_the_call() {
    for by_peer in [false, true] {
        let (mut alice, id, peer) = talking();
        set(&mut alice, id, BOTH);
        offers(&mut alice, BOTH);
        if by_peer {
            alice.receive(&peer.request("BYE", 2, "", ""));
        } else {
            alice.phone.hang_up(alice.now, id).expect("a call");
            alice.pump();
        }
        assert_eq!(told(&mut alice), [failed(None)]);
    }
}

/// A caller that changes the types before the answer offers them once the call is established.
#[test]
fn a_caller_changes_the_types_before_the_answer() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = offers(&mut alice, AUDIO);
    set(&mut alice, id, BOTH);
    answered(&mut alice, &invite, Direction::SendRecv, AUDIO);
    let reinvite = offers(&mut alice, BOTH);
    answered(&mut alice, &reinvite, Direction::SendRecv, BOTH);
    assert_eq!(told(&mut alice), [has(BOTH)]);
}

/// Both ends want video: each is told once, whoever offers.
#[test]
fn two_phones_add_video() {
    let (mut pair, alices, bobs) = Pair::in_call("ws://pbx.test");
    pair.alice.events.clear();
    pair.bob.events.clear();
    for (phone, id) in [(&mut pair.alice, alices), (&mut pair.bob, bobs)] {
        set_without_sending(phone, id);
    }
    pair.run(SECOND * 10);
    assert_eq!((told(&mut pair.alice), told(&mut pair.bob)), (vec![has(BOTH)], vec![has(BOTH)]));
}

fn set_without_sending(phone: &mut TestPhone, id: SessionId) {
    phone.phone.set_media_types(phone.now, id, BOTH).expect("established");
}
