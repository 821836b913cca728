//! UPDATE in both roles (RFC 3311), and restarts of ICE.

use offhook::{
    CallCommand, CallEffect, CallEvent, Direction, Effect, Event, MediaFault, RenegotiateBy, SessionId,
    Status,
};
use offhook_testkit::peer::{in_call, incoming_call, response};
use offhook_testkit::{MediaBehaviour, Pair, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn by_update() -> offhook::Config {
    let mut settings = config("alice", "ws://pbx.test");
    settings.renegotiate_by = RenegotiateBy::Update;
    settings
}

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

fn update(peer: &ScriptedPeer, cseq: u32, offer: Option<Direction>) -> String {
    peer.request_with_sdp("UPDATE", cseq, offer)
}

/// The events of the call, but for those of the media path, which a fake engine repeats.
fn told(alice: &mut TestPhone) -> Vec<CallEvent> {
    let of_call = |event: Event| match event {
        Event::Call { event: CallEvent::Media { .. }, .. } => None,
        Event::Call { event, .. } => Some(event),
        _ => None,
    };
    alice.take_events().into_iter().filter_map(of_call).collect()
}

/// RFC 3311 §5.2: an offer in an UPDATE is answered in its 2xx.
#[test]
fn an_update_with_an_offer_changes_the_media() {
    let mut alice = alice();
    let (_, peer) = in_call(&mut alice);
    alice.events.clear();
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    let ok = alice.next_response(200);
    assert_eq!(ok.body_bytes(), &sdp(Direction::RecvOnly)[..]);
    assert!(ok.header(HeaderName::Contact).is_some());
    assert_eq!(told(&mut alice).first(), Some(&CallEvent::Hold { local: false, remote: true }));
    alice.pass(SECOND * 60);
    assert_eq!(alice.sent.len(), 0, "no ACK is awaited");
}

/// RFC 3311 §5.2: without an offer it refreshes the dialog only.
#[test]
fn an_update_without_an_offer_refreshes_the_target() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.effects.clear();
    let moved = update(&peer, 2, None).replace("bob@peer.invalid", "bob@moved.invalid");
    alice.receive(&moved);
    assert_eq!(alice.next_response(200).body_bytes().len(), 0);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    let bye = alice.next_request("BYE");
    assert_eq!(bye.request_uri(), Some(&b"sip:bob@moved.invalid;transport=ws"[..]));
}

/// The peer may have accepted the UPDATE that was lost: a resume is offered, although the phone never held it.
#[test]
fn a_resume_after_a_lost_hold_is_offered() {
    for refused in [false, true] {
        let mut alice = TestPhone::new(by_update(), 1);
        let (id, _) = holding_by_update(&mut alice);
        alice.lose_connection();
        alice.pass(SECOND * 5);
        if refused {
            alice.connect();
            while !alice.sent.is_empty() {
                let hold = alice.next_request("UPDATE");
                alice.receive_bytes(response(&hold, 403, "bob", None));
                alice.pass(SECOND * 5);
            }
            let failed = CallEvent::HoldFailed { hold: true, code: Some(403) };
            assert!(told(&mut alice).contains(&failed));
        }
        alice.phone.resume(alice.now, id).expect("a call");
        alice.pump();
        assert_eq!(told(&mut alice), [], "whether the peer is on hold is not known");
        if !refused {
            alice.connect();
        }
        alice.pass(SECOND * 5);
        let update = alice.next_request("UPDATE");
        assert_eq!(update.body_bytes(), &sdp(Direction::SendRecv)[..]);
        alice.receive_bytes(response(&update, 200, "bob", Some(&sdp(Direction::SendRecv))));
        assert!(told(&mut alice).contains(&CallEvent::Hold { local: false, remote: false }));
    }
}

/// RFC 3311 §5.2: 491 while our offer is open, 500 with Retry-After while the peer's is.
#[test]
fn an_update_collides_with_an_open_offer() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    alice.receive(&update(&peer, 3, Some(Direction::SendRecv)));
    let refused = alice.next_response(500);
    assert_eq!(refused.cseq().expect("read").number, 3);
    assert!(refused.header(HeaderName::RetryAfter).is_some());
    alice.media.behaviour = MediaBehaviour::Works;
    let mut alice = self::alice();
    let (held, peer) = in_call(&mut alice);
    alice.phone.hold(alice.now, held).expect("established");
    alice.pump();
    alice.next_request("INVITE");
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    alice.next_response(491);
    assert_eq!(id, held);
}

#[test]
fn an_unusable_offer_in_an_update_gets_488_and_keeps_the_call() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Refuses(MediaFault::NoCommonCodec);
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    assert!(alice.next_response(488).header(HeaderName::Warning).is_some());
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3311 §5.1, RFC 3261 §12.2: an UPDATE of the callee in an early dialog, after a reliable answer.
#[test]
fn an_update_in_an_early_dialog_is_answered() {
    let mut alice = alice();
    let id = alice.phone.dial(alice.now, offhook::Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    // Before the answer, our offer is open.
    alice.receive_bytes(response(&invite, 180, "bob", None));
    let peer = ScriptedPeer::of_invite(&invite, "bob");
    alice.receive(&update(&peer, 1, Some(Direction::SendRecv)));
    alice.next_response(491);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&sdp(Direction::SendRecv))));
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    assert_eq!(alice.next_response(200).body_bytes(), &sdp(Direction::RecvOnly)[..]);
    alice.receive_bytes(response(&invite, 200, "bob", None));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    let held = CallEvent::Hold { local: false, remote: true };
    assert!(alice.events_of(id).any(|event| *event == held));
}

/// RFC 3311 §5.2: the offer of the INVITE is not answered yet.
#[test]
fn an_update_of_a_caller_before_the_answer_gets_500() {
    let mut alice = alice();
    let (_, ringing) = incoming_call(&mut alice);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.receive(&update(&peer, 2, Some(Direction::SendOnly)));
    assert!(alice.next_response(500).header(HeaderName::RetryAfter).is_some());
}

fn holding_by_update(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, offhook::Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    let ok = response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv)));
    let ok = String::from_utf8_lossy(&ok).replacen("Contact:", "Allow: INVITE,ACK,BYE,UPDATE\r\nContact:", 1);
    alice.receive_bytes(ok.into());
    alice.next_request("ACK");
    alice.events.clear();
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    (id, alice.next_request("UPDATE"))
}

#[test]
fn a_hold_by_update_needs_no_ack() {
    let mut alice = TestPhone::new(by_update(), 1);
    let (_, update) = holding_by_update(&mut alice);
    assert!(update.has_content_type("application/sdp") && update.header(HeaderName::Contact).is_some());
    alice.receive_bytes(response(&update, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    assert_eq!(alice.sent.len(), 0);
    assert_eq!(told(&mut alice), [CallEvent::Hold { local: true, remote: false }]);
}

/// RFC 3311 §5.3: as after a re-INVITE.
#[test]
fn an_update_is_retried_after_491() {
    let mut alice = TestPhone::new(by_update(), 1);
    let (_, update) = holding_by_update(&mut alice);
    alice.receive_bytes(response(&update, 491, "bob", None));
    alice.pass(SECOND * 2);
    assert_eq!(alice.sent.len(), 0);
    alice.pass(SECOND * 2);
    let again = alice.next_request("UPDATE");
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    assert_eq!(told(&mut alice), [CallEvent::Hold { local: true, remote: false }]);
}

/// RFC 3311 §5.2: 500 with Retry-After says that another offer is open at the peer.
#[test]
fn an_update_is_retried_after_500_with_retry_after() {
    let mut alice = TestPhone::new(by_update(), 1);
    let (_, update) = holding_by_update(&mut alice);
    let refusal = String::from_utf8_lossy(&response(&update, 500, "bob", None)).into_owned();
    alice.receive_bytes(refusal.replacen("Contact:", "Retry-After: 7\r\nContact:", 1).into());
    alice.pass(SECOND * 6);
    assert_eq!((alice.sent.len(), told(&mut alice)), (0, vec![]));
    alice.pass(SECOND);
    let again = alice.next_request("UPDATE");
    alice.receive_bytes(response(&again, 500, "bob", None));
    assert_eq!(
        told(&mut alice),
        [CallEvent::HoldFailed { hold: true, code: Some(500) }],
        "without it, it is final"
    );
}

/// A proxy that lost its transactions retransmits an UPDATE in another one: it is answered once, with the same answer.
#[test]
fn an_update_in_another_transaction_is_answered_once() {
    let mut alice = alice();
    let (_, peer) = in_call(&mut alice);
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.effects.clear();
    let first = update(&peer, 2, Some(Direction::SendOnly));
    let again = first.replace("z9hG4bKUPDATE2", "z9hG4bKagain");
    alice.receive(&first);
    alice.receive(&again);
    alice.next_response(500);
    assert_eq!(alice.effects.len(), 1);
    let (effect, _) = alice.effects.pop().expect("an answer is wanted");
    let agreed = offhook::Agreed::new(Direction::RecvOnly).with_held(true);
    let result = offhook::EffectResult::Answered { answer: sdp(Direction::RecvOnly), agreed };
    alice.give(offhook::Input::Done { effect, result });
    let ok = alice.next_response(200);
    assert_eq!(ok.via().expect("read").branch(), Some(&b"z9hG4bKagain"[..]));
    alice.receive(&first.replace("z9hG4bKUPDATE2", "z9hG4bKthird"));
    assert_eq!(alice.next_response(200).body_bytes(), ok.body_bytes());
    assert_eq!(alice.effects.len(), 0);
}

#[test]
fn a_peer_without_update_gets_a_reinvite() {
    let mut alice = TestPhone::new(by_update(), 1);
    let (_, update) = holding_by_update(&mut alice);
    alice.receive_bytes(response(&update, 405, "bob", None));
    let reinvite = alice.next_request("INVITE");
    assert_eq!(reinvite.body_bytes(), update.body_bytes());
    // Not in its Allow: no attempt.
    let mut alice = TestPhone::new(by_update(), 1);
    let (id, _) = in_call(&mut alice);
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    alice.next_request("INVITE");
}

#[test]
fn two_phones_hold_by_update() {
    let mut pair = Pair::with(by_update(), by_update());
    let (alices, _) = pair.call();
    for hold in [true, false] {
        let command = if hold { CallCommand::Hold } else { CallCommand::Resume };
        pair.alice.phone.call(pair.now(), alices, command).expect("established");
        pair.run(SECOND);
        assert_eq!(told(&mut pair.bob).last(), Some(&CallEvent::Hold { local: false, remote: hold }));
    }
}

/// RFC 8445 §9.
#[test]
fn a_restart_of_ice_has_one_outcome() {
    for (code, accepted) in [(200, true), (488, false)] {
        let mut alice = alice();
        let (id, _) = in_call(&mut alice);
        alice.events.clear();
        alice.media.behaviour = MediaBehaviour::Manual;
        alice.phone.restart_media(alice.now, id).expect("established");
        alice.pump();
        let (effect, what) = alice.effects.pop().expect("an offer is wanted");
        let offer = |effect: &CallEffect| matches!(effect, CallEffect::Offer { restart: true, .. });
        assert!(matches!(what, Effect::Call { effect, .. } if offer(&effect)));
        alice.media.behaviour = MediaBehaviour::Works;
        let result = offhook::EffectResult::Description(sdp(Direction::SendRecv));
        alice.give(offhook::Input::Done { effect, result });
        let reinvite = alice.next_request("INVITE");
        let body = sdp(Direction::SendRecv);
        alice.receive_bytes(response(&reinvite, code, "bob", (code == 200).then_some(&body[..])));
        alice.next_request("ACK");
        let code = (code != 200).then_some(code);
        assert_eq!(told(&mut alice), [CallEvent::MediaRestarted { accepted, code }]);
        alice.pass(SECOND * 60);
        assert_eq!(alice.sent.len(), 0);
    }
}

/// A restart that is pending at the end of the call has failed.
#[test]
fn a_restart_ends_with_the_call() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    alice.phone.restart_media(alice.now, id).expect("established");
    alice.pump();
    alice.next_request("INVITE");
    alice.receive(&peer.request("BYE", 2, "", ""));
    let failed = CallEvent::MediaRestarted { accepted: false, code: None };
    assert!(alice.events_of(id).any(|event| *event == failed));
}
