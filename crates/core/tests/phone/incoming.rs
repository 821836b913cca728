//! The callee's role until the ACK (RFC 3261 §13.3), with a scripted caller.

use offhook::{
    Agreed, CallEffect, CallEvent, Cause, Direction, Effect, EffectResult, EndedBy, Event, Input, MediaFault,
    Misuse, SessionId, Status,
};
use offhook_testkit::peer::{incoming_call, response};
use offhook_testkit::{MediaBehaviour, ScriptedPeer, TestPhone, config, peer, sdp};
use offhook_wire::{HeaderName, Message};

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// A ringing call, or one that was answered and waits for the media engine.
fn unanswered(taken: bool) -> (TestPhone, SessionId, Message) {
    let mut alice = alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    let (id, ringing) = incoming_call(&mut alice);
    if taken {
        alice.phone.answer(alice.now, id).expect("it rings");
        alice.pump();
    }
    (alice, id, ringing)
}

/// Asserts that the INVITE was answered with `code`, and that the call has ended.
fn assert_refused(alice: &mut TestPhone, code: u16, ringing: &Message) {
    let refusal = alice.next_response(code);
    assert_eq!(refusal.cseq().expect("read").number, 1);
    assert_eq!(refusal.header(HeaderName::To), ringing.header(HeaderName::To), "§12.1.1: the tag of the 180");
    assert_eq!((alice.sent.len(), alice.phone.sessions().count()), (0, 0));
}

#[test]
fn an_incoming_call_is_reported_and_gets_180() {
    let mut alice = alice();
    let (id, ringing) = incoming_call(&mut alice);
    let incoming = alice.events.iter().find_map(|event| match event {
        Event::Call { session, event: CallEvent::Incoming(incoming) } if *session == id => {
            Some(incoming.clone())
        }
        _ => None,
    });
    let incoming = incoming.expect("shown");
    assert_eq!(
        (incoming.from.as_str(), incoming.to.as_str()),
        ("sip:bob@example.com", "sip:alice@example.com")
    );
    assert_eq!(incoming.display_name.as_deref(), Some("Bob"));
    assert!(ringing.to().expect("read").tag().is_some(), "§12.1.1");
    assert!(ringing.contact().expect("read").is_some(), "§12.1.1");
    assert_eq!(alice.effects.len(), 0, "no media before the user takes the call");
}

/// RFC 3261 §9.2: the CANCEL is answered with 200, and the INVITE with 487.
#[test]
fn a_caller_can_cancel_until_the_2xx() {
    for taken in [false, true] {
        for (reason, cause, code) in [
            ("", Cause::Cancelled, 487),
            ("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n", Cause::AnsweredElsewhere, 200),
            ("Reason: SIP;cause=603\n", Cause::DeclinedElsewhere, 603),
            ("Reason: SIP;cause=480\n", Cause::Cancelled, 480),
        ] {
            let (mut alice, id, ringing) = unanswered(taken);
            alice.receive(&peer::cancel(reason));
            alice.next_response(200);
            assert_refused(&mut alice, 487, &ringing);
            let why = alice.ended(id);
            assert_eq!((why.by, why.cause, why.code), (EndedBy::Peer, cause, Some(code)), "{reason}");
        }
    }
}

/// RFC 3261 §15.1.2: a BYE in the early dialog is answered, and so is the INVITE (§15: with 487).
#[test]
fn a_bye_before_the_2xx_ends_the_call() {
    for taken in [false, true] {
        let (mut alice, id, ringing) = unanswered(taken);
        alice.receive(&ScriptedPeer::of_response(&ringing).request("BYE", 2, "", ""));
        let ok = alice.next_response(200);
        assert_eq!(ok.cseq().expect("read").number, 2);
        assert_refused(&mut alice, 487, &ringing);
        assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Peer, Cause::Cancelled));
    }
}

#[test]
fn other_requests_in_the_early_dialog_do_not_affect_the_call() {
    for taken in [false, true] {
        let (mut alice, id, ringing) = unanswered(taken);
        for (method, code) in [("OPTIONS", 200), ("UPDATE", 405), ("INFO", 481), ("REFER", 481)] {
            alice.receive(&ScriptedPeer::of_response(&ringing).request(method, 2, "", ""));
            let answer = alice.next_message();
            assert!(answer.status().is_some_and(|status| status == code || status >= 400), "{answer:?}");
        }
        assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    }
}

/// RFC 3261 §12.2.2: a request with a lower CSeq number than an earlier one gets 500, also in an early dialog, and changes nothing.
#[test]
fn a_late_request_in_the_early_dialog_gets_500() {
    for taken in [false, true] {
        let (mut alice, id, ringing) = unanswered(taken);
        let peer = ScriptedPeer::of_response(&ringing);
        alice.receive(&peer.request("OPTIONS", 5, "", ""));
        alice.next_response(200);
        for method in ["OPTIONS", "INFO", "PRACK", "UPDATE", "BYE"] {
            alice.receive(&peer.request(method, 4, "", ""));
            alice.next_response(500);
        }
        assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    }
}

/// The user's refusal: with the given code, or 603 for a hang-up.
#[test]
fn the_user_can_reject_until_the_2xx() {
    for taken in [false, true] {
        let (mut alice, id, ringing) = unanswered(taken);
        alice.effects.clear();
        alice.phone.hang_up(alice.now, id).expect("a call");
        alice.pump();
        assert_refused(&mut alice, 603, &ringing);
        assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, Cause::Rejected));
        let released = alice
            .effects
            .iter()
            .filter(|(_, effect)| matches!(effect, Effect::Call { effect: CallEffect::Release, .. }))
            .count();
        assert_eq!(released, usize::from(taken), "what was asked for is given back, and nothing else");
    }
    for (code, cause) in
        [(486, Cause::Busy), (600, Cause::Busy), (480, Cause::Rejected), (403, Cause::Rejected)]
    {
        let (mut alice, id, ringing) = unanswered(false);
        alice.phone.reject(alice.now, id, code).expect("it rings");
        alice.pump();
        assert_refused(&mut alice, code, &ringing);
        let why = alice.ended(id);
        assert_eq!((why.by, why.cause, why.code), (EndedBy::Us, cause, Some(code)));
    }
    let (mut alice, id, _) = unanswered(true);
    assert_eq!(alice.phone.reject(alice.now, id, 486), Err(Misuse::WrongStatus(Status::Establishing)));
    assert_eq!(alice.phone.answer(alice.now, id), Err(Misuse::WrongStatus(Status::Establishing)));
    alice.pump();
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
}

#[test]
fn a_ringing_call_ends_with_its_connection() {
    for taken in [false, true] {
        let (mut alice, id, _) = unanswered(taken);
        alice.lose_connection();
        assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Network, Cause::NotConnected));
        assert_eq!(alice.sent.len(), 0, "there is no way to answer any more");
    }
}

#[test]
fn an_unusable_offer_gets_488() {
    for (result, code, cause) in [
        (EffectResult::Failed(MediaFault::NoCommonCodec), 488, Cause::NotAcceptable),
        (EffectResult::Failed(MediaFault::BadDescription), 488, Cause::NotAcceptable),
        (EffectResult::Failed(MediaFault::Engine), 500, Cause::MediaFailed),
        (EffectResult::Applied(Agreed::new(Direction::SendRecv)), 500, Cause::MediaFailed),
    ] {
        let (mut alice, id, ringing) = unanswered(true);
        let (effect, _) = alice.effects.pop().expect("the engine is asked");
        alice.give(Input::Done { effect, result });
        assert_refused(&mut alice, code, &ringing);
        assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, cause));
        assert!(matches!(alice.effects.pop(), Some((_, Effect::Call { effect: CallEffect::Release, .. }))));
    }
}

/// RFC 3261 §13.2.1: the 2xx to an INVITE without an offer has one, and the ACK has the answer.
#[test]
fn an_invite_without_an_offer_gets_one_in_the_2xx() {
    let mut alice = alice();
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.receive(&peer::invite(None));
    alice.next_response(100);
    let ringing = alice.next_response(180);
    let id = alice.incoming();
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    let (effect, what) = alice.effects.pop().expect("the engine is asked");
    assert!(
        matches!(what, Effect::Call { session, effect: CallEffect::Offer { direction: Direction::SendRecv, .. }, .. } if session == id)
    );
    let offer = sdp(Direction::SendRecv);
    alice.give(Input::Done { effect, result: EffectResult::Description(offer.clone()) });
    assert_eq!(alice.next_response(200).body_bytes(), &offer[..]);
    let answer = String::from_utf8(sdp(Direction::SendOnly).to_vec()).expect("UTF-8");
    let with_answer = format!("Content-Type: application/sdp\nContent-Length: {}\n\n", answer.len());
    let ack = ScriptedPeer::of_response(&ringing)
        .request("ACK", 1, "", "")
        .replace("Content-Length: 0\n\n", &with_answer);
    alice.receive(&(ack + &answer.replace("\r\n", "\n")));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    let (effect, what) = alice.effects.pop().expect("the engine applies the answer");
    assert!(
        matches!(what, Effect::Call { session, effect: CallEffect::Apply { answer: applied }, .. } if session == id && applied == answer)
    );
    let agreed = Agreed::new(Direction::RecvOnly).with_held(true);
    alice.give(Input::Done { effect, result: EffectResult::Applied(agreed) });
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: false, remote: true } })
    );
}

/// RFC 3261 §13.2.1: the ACK must have the answer.
#[test]
fn an_ack_without_the_answer_ends_the_call() {
    let mut alice = alice();
    alice.receive(&peer::invite(None));
    let id = alice.incoming();
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    let ok = alice.sent.pop_back().expect("the 200");
    let ok = Message::parse(ok, &offhook::Limits::default()).expect("ours");
    alice.sent.clear();
    alice.receive(&ScriptedPeer::of_response(&ok).request("ACK", 1, "", ""));
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Peer, Cause::Protocol));
}

/// RFC 3261 §8.1.1.8: an INVITE has a Contact.
#[test]
fn an_invite_without_a_contact_creates_no_call() {
    let mut alice = alice();
    alice.receive(&peer::invite(None).replace("Contact: <sip:bob@peer.invalid;transport=ws>\n", ""));
    alice.next_response(100);
    alice.next_response(400);
    assert_eq!(alice.phone.sessions().count(), 0);
    assert!(
        alice.events.iter().all(|event| !matches!(event, Event::Call { event: CallEvent::Incoming(_), .. }))
    );
}

/// RFC 3261 §15: the callee's BYE waits for the ACK; the caller's may overtake the ACK.
#[test]
fn a_bye_that_overtakes_the_ack_ends_a_call_that_was_hung_up() {
    let mut alice = alice();
    let (id, ringing) = incoming_call(&mut alice);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    alice.next_response(200);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Terminating)));
    alice.receive(&ScriptedPeer::of_response(&ringing).request("BYE", 2, "", ""));
    alice.next_response(200);
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, Cause::HungUp), "who was first");
}

/// RFC 3261 §12.2.2: an ACK with another Call-ID or tag is not of this call.
#[test]
fn an_ack_of_another_dialog_is_ignored() {
    let mut alice = alice();
    let (id, ringing) = incoming_call(&mut alice);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    alice.next_response(200);
    for (from, to) in [("Call-ID: in", "Call-ID: out"), (";tag=bob", ";tag=eve")] {
        alice.receive(&ScriptedPeer::of_response(&ringing).request("ACK", 1, "", "").replace(from, to));
        assert_eq!(alice.phone.status(id), Some(Status::Establishing), "{to}");
    }
    alice.receive(&ScriptedPeer::of_response(&ringing).request("ACK", 1, "", ""));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}
