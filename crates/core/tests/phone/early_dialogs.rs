//! Early dialogs in an unusual order: descriptions before or instead of those that are expected, failed and late results of the media
//! engine, and the end of an early dialog with an open offer (RFC 3262, RFC 3311).

use crate::reliable_peer::{SUPPORTS, alice, calling, prack, reliable, rung};
use bytes::Bytes;
use offhook::{
    CallEffect, CallEvent, Cause, Direction, Effect, Event, Input, LegId, MediaEvent, MediaFault, Status,
};
use offhook_testkit::peer::response;
use offhook_testkit::{FakeMedia, MediaBehaviour, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{Builder, HeaderName};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn answer() -> Bytes {
    sdp(Direction::SendRecv)
}

/// Completes the effects that wait, oldest first.
fn complete(alice: &mut TestPhone, behaviour: MediaBehaviour) {
    let mut media = FakeMedia::of(behaviour);
    for (effect, wanted) in std::mem::take(&mut alice.effects) {
        if let Some(result) = media.perform(&wanted) {
            alice.give(Input::Done { effect, result });
        }
    }
}

/// The answer in a PRACK cannot be used, while the user is still alerted.
#[test]
fn an_unusable_answer_in_a_prack_refuses_the_invite() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, SUPPORTS, false);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    let early = alice.next_response(183);
    alice.media.behaviour = MediaBehaviour::Refuses(MediaFault::NoCommonCodec);
    alice.receive(&prack(&peer, 2, &early, Some(Direction::SendRecv)));
    alice.next_response(200);
    alice.next_response(488);
    assert_eq!(alice.ended(id).cause, Cause::NotAcceptable);
}

/// RFC 3311 §5.2: an offer that is refused after the user has answered does not delay the 2xx.
#[test]
fn the_2xx_follows_a_refused_offer() {
    for method in ["UPDATE", "PRACK"] {
        let mut alice = alice();
        let (id, ringing) = rung(&mut alice, SUPPORTS, true);
        let peer = ScriptedPeer::of_response(&ringing);
        alice.phone.early_media(alice.now, id).expect("it rings");
        alice.pump();
        let early = alice.next_response(183);
        if method == "UPDATE" {
            alice.receive(&prack(&peer, 2, &early, None));
            alice.next_response(200);
        }
        alice.media.behaviour = MediaBehaviour::Manual;
        let offer = match method {
            "UPDATE" => peer.request_with_sdp(method, 3, Some(Direction::SendOnly)),
            _ => prack(&peer, 3, &early, Some(Direction::SendOnly)),
        };
        alice.receive(&offer);
        alice.phone.answer(alice.now, id).expect("it rings");
        alice.pump();
        assert_eq!(alice.sent.len(), 0);
        complete(&mut alice, MediaBehaviour::Refuses(MediaFault::NoCommonCodec));
        alice.next_response(488);
        assert_eq!(alice.next_response(200).cseq().expect("read").number, 1, "{method}");
        alice.receive(&peer.request("ACK", 1, "", ""));
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

/// An UPDATE in the early dialog of another branch has a final response when one was accepted, so nothing is left of it.
#[test]
fn an_open_update_of_another_branch_is_answered() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    alice.media.behaviour = MediaBehaviour::Manual;
    let bob = ScriptedPeer::of_invite(&invite, "bob");
    alice.receive(&bob.request_with_sdp("UPDATE", 1, Some(Direction::SendOnly)));
    assert_eq!(alice.sent.len(), 0);
    alice.receive_bytes(response(&invite, 200, "mobile", Some(&answer())));
    let answers = std::iter::from_fn(|| (!alice.sent.is_empty()).then(|| alice.next_message()));
    assert!(answers.collect::<Vec<_>>().iter().any(|message| message.status() == Some(487)));
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.pass(SECOND * 200);
    let held = alice.phone.holdings();
    assert_eq!((held.calls, held.server_transactions), (0, 0));
}

/// RFC 3261 §12.2.2: also in an early dialog of the caller.
#[test]
fn a_late_request_of_the_callee_gets_500() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(response(&invite, 180, "bob", None));
    let bob = ScriptedPeer::of_invite(&invite, "bob");
    alice.receive(&bob.request("OPTIONS", 2, "", ""));
    alice.next_response(200);
    for method in ["OPTIONS", "INFO", "UPDATE"] {
        alice.receive(&bob.request(method, 1, "", ""));
        alice.next_response(500);
    }
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
}

/// RFC 3262 §5: the answer in a reliable response need not be repeated, also if another branch has the only media session.
#[test]
fn an_answer_that_was_not_applied_early_counts() {
    for media_legs in [1, 2] {
        let mut settings = config("alice", "ws://pbx.test");
        settings.media_legs = media_legs;
        let mut alice = TestPhone::new(settings, 1);
        let (id, invite) = calling(&mut alice);
        for tag in ["bob", "mobile", "home"] {
            alice.receive_bytes(reliable(&invite, 183, tag, 1, Some(&answer())));
            alice.next_request("PRACK");
        }
        alice.receive_bytes(response(&invite, 200, "home", None));
        alice.next_request("ACK");
        if media_legs == 1 {
            alice.next_request("INVITE");
        }
        assert_eq!((alice.phone.status(id), alice.sent.len()), (Some(Status::Established), 0));
    }
}

/// A late event of a session that was released is not one of the call.
#[test]
fn a_released_session_has_no_events() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.events.clear();
    alice.give(Input::Media { session: id, leg: LegId(5), event: MediaEvent::Up });
    assert_eq!(alice.events, []);
    alice.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    assert!(alice.events.contains(&Event::Call { session: id, event: CallEvent::Media { up: true } }));
}

/// A branch that is accepted has a session that was not released, however many the early dialogs of redirected INVITEs had.
#[test]
fn the_accepted_branch_has_a_session_after_many_redirections() {
    let mut settings = config("alice", "ws://pbx.test");
    settings.media_legs = 4;
    let mut alice = TestPhone::new(settings, 1);
    let (id, mut invite) = calling(&mut alice);
    for n in 0..4 {
        for tag in ["bob", "mobile", "home", "office"] {
            alice.receive_bytes(response(&invite, 183, tag, Some(&answer())));
        }
        let mut b = Builder::reply(&invite, 302, "Moved Temporarily", Some(b"bob"));
        b.header(HeaderName::Contact, format!("<sip:t{n}@example.com>"));
        alice.receive_bytes(b.finish());
        alice.next_request("ACK");
        invite = alice.next_request("INVITE");
    }
    for tag in ["bob", "mobile"] {
        alice.receive_bytes(response(&invite, 183, tag, Some(&answer())));
    }
    alice.media.behaviour = MediaBehaviour::Manual;
    alice.effects.clear();
    alice.receive_bytes(response(&invite, 200, "home", Some(&answer())));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    let of = |wanted: &Effect| match wanted {
        Effect::Call { leg, effect, .. } => (*leg, matches!(effect, CallEffect::Release)),
        other => panic!("{other:?}"),
    };
    let wanted: Vec<(LegId, bool)> = alice.effects.iter().map(|(_, wanted)| of(wanted)).collect();
    let (last, _) = *wanted.last().expect("the answer is applied");
    assert!(!wanted.contains(&(last, true)), "{wanted:?}");
}
