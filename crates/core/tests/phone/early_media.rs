//! Media before the answer, forks, and media engines that are slow or fail.

use crate::common::{Desk, Media, Pair, config, in_call, in_dialog, response, sdp};
use bytes::Bytes;
use offhook::{
    By, Cause, Dial, Direction, DtmfPath, Effect, EffectId, EffectResult, Event, Input, MediaEvent,
    MediaFault, SessionId, Status,
};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn desk() -> Desk {
    Desk::new(config("alice", "ws://pbx.test"), 1)
}

/// A call whose INVITE is out.
fn calling(desk: &mut Desk) -> (SessionId, Message) {
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    (id, invite)
}

fn answer() -> Bytes {
    sdp(Direction::SendRecv)
}

fn done(desk: &mut Desk, effect: EffectId, result: EffectResult) {
    desk.give(Input::Done { effect, result });
}

fn applied(desk: &Desk) -> usize {
    desk.effects.iter().filter(|(_, effect)| matches!(effect, Effect::Apply { .. })).count()
}

#[test]
fn early_media_stays_up_through_the_answer() {
    let mut desk = desk();
    let (id, invite) = calling(&mut desk);
    desk.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    assert!(desk.events.contains(&Event::Media { session: id, up: true }));
    desk.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    desk.next_request("ACK");
    desk.pass(SECOND * 60);
    assert_eq!(desk.phone.status(id), Some(Status::Established), "the path was up before the limit began");
}

#[test]
fn an_answer_that_only_the_183_carried_counts() {
    let mut desk = desk();
    let (id, invite) = calling(&mut desk);
    desk.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    desk.receive_bytes(response(&invite, 200, "bob", None));
    desk.next_request("ACK");
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    desk.phone.digits(desk.now, id, "1", SECOND / 10, DtmfPath::Auto).expect("established");
    desk.pump();
    assert!(desk.events.contains(&Event::DigitSent { session: id, digit: '1', path: DtmfPath::Rtp }));
}

#[test]
fn the_fork_that_answers_is_the_one_that_is_heard() {
    let mut desk = desk();
    desk.media = Media::Manual;
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let (offer, _) = desk.effects.pop().expect("an offer is wanted");
    done(&mut desk, offer, EffectResult::Description(answer()));
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    desk.receive_bytes(response(&invite, 183, "mobile", Some(&answer())));
    assert_eq!(applied(&desk), 1, "the first early answer is used");
    desk.receive_bytes(response(&invite, 200, "mobile", Some(&answer())));
    desk.next_request("ACK");
    assert_eq!(applied(&desk), 2);
    // The answer to the first one comes late, and changes nothing.
    let (late, _) = desk.effects.remove(0);
    let (taken, _) = desk.effects.remove(0);
    done(&mut desk, late, EffectResult::Failed(MediaFault::Engine));
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    done(&mut desk, taken, EffectResult::Applied);
    desk.give(Input::Media { session: id, event: MediaEvent::Up });
    desk.pass(SECOND * 60);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

/// RFC 3261 §13.2.1: the answer of one fork is not that of another.
#[test]
fn another_fork_has_to_answer_for_itself() {
    for applied in [true, false] {
        let mut desk = desk();
        let (id, invite) = calling(&mut desk);
        desk.media = Media::Manual;
        desk.receive_bytes(response(&invite, 183, "one", Some(&answer())));
        let (effect, _) = desk.effects.pop().expect("applied early");
        if applied {
            done(&mut desk, effect, EffectResult::Applied);
        }
        desk.receive_bytes(response(&invite, 200, "two", None));
        desk.next_request("ACK");
        let bye = desk.next_request("BYE");
        desk.receive_bytes(response(&bye, 200, "two", None));
        assert_eq!((desk.ended(id).by, desk.ended(id).cause), (By::Peer, Cause::Protocol));
    }
}

/// The 2xx may come while the early answer of its fork is being applied, and need not say it again.
#[test]
fn an_early_answer_may_still_be_under_way_when_the_call_is_taken() {
    let mut desk = desk();
    let (id, invite) = calling(&mut desk);
    desk.media = Media::Manual;
    desk.receive_bytes(response(&invite, 183, "one", Some(&answer())));
    let (effect, _) = desk.effects.pop().expect("applied early");
    // What was answered before does not answer this.
    done(&mut desk, EffectId::from_u64(u64::MAX), EffectResult::Failed(MediaFault::Engine));
    let stale = EffectId::from_u64(effect.as_u64() - 1);
    done(&mut desk, stale, EffectResult::Failed(MediaFault::Engine));
    desk.receive_bytes(response(&invite, 200, "one", None));
    desk.next_request("ACK");
    assert_eq!((desk.sent.len(), desk.effects.len()), (0, 0));
    done(&mut desk, effect, EffectResult::Applied);
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
}

#[test]
fn an_early_answer_that_fails_is_tried_again_with_the_2xx() {
    let mut desk = desk();
    let (id, invite) = calling(&mut desk);
    desk.media = Media::Refuses(MediaFault::NoCommonCodec);
    desk.receive_bytes(response(&invite, 183, "bob", Some(&answer())));
    assert_eq!(desk.phone.status(id), Some(Status::Establishing));
    desk.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    desk.next_request("ACK");
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!((desk.ended(id).by, desk.ended(id).cause), (By::Us, Cause::NotAcceptable));
}

#[test]
fn a_media_engine_that_never_answers_hangs_nothing() {
    // The caller's offer.
    let mut desk = desk();
    desk.media = Media::Manual;
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pass(SECOND * 130);
    assert_eq!(desk.ended(id).cause, Cause::MediaFailed);
    // The callee's answer.
    let mut bob = config("bob", "ws://pbx.test");
    bob.no_answer = SECOND * 20;
    let mut pair = Pair::with(config("alice", "ws://pbx.test"), bob);
    pair.bob.media = Media::Manual;
    let hers = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let his = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), his).expect("it rings");
    pair.run(SECOND * 30);
    assert_eq!(pair.bob.ended(his).cause, Cause::MediaFailed);
    assert_eq!(pair.alice.ended(hers).code, Some(500));
    // Our offer of a hold.
    let mut desk = self::desk();
    let (id, _) = in_call(&mut desk);
    desk.media = Media::Manual;
    desk.phone.hold(desk.now, id).expect("established");
    desk.pass(SECOND * 40);
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: None }));
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn an_answer_that_the_media_engine_never_applies_ends_the_call() {
    let mut pair = Pair::with(config("alice", "ws://pbx.test"), config("bob", "ws://pbx.test"));
    let hers = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    pair.alice.media = Media::Manual;
    let his = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), his).expect("it rings");
    pair.run(SECOND);
    let up = Input::Media { session: hers, event: MediaEvent::Up };
    pair.alice.phone.handle(pair.now(), up).expect("no command");
    pair.alice.phone.hold(pair.now(), hers).expect("established");
    pair.run(SECOND * 29);
    assert_eq!(pair.alice.phone.status(hers), Some(Status::Established));
    pair.run(SECOND * 3);
    assert_eq!(pair.alice.ended(hers).cause, Cause::MediaFailed);
    assert!(pair.alice.events.contains(&Event::HoldFailed { session: hers, hold: true, code: None }));
}

#[test]
fn a_reinvite_that_the_media_engine_never_answers_is_refused() {
    for with_offer in [true, false] {
        let mut desk = desk();
        let (id, ack) = in_call(&mut desk);
        desk.media = Media::Manual;
        let body = String::from_utf8(answer().to_vec()).expect("UTF-8").replace("\r\n", "\n");
        let (kind, body) = if with_offer { ("Content-Type: application/sdp\n", &body[..]) } else { ("", "") };
        desk.receive(&in_dialog(&ack, "INVITE", 5, kind, body));
        desk.next_response(100);
        let (late, _) = desk.effects.pop().expect("asked");
        desk.pass(SECOND * 40);
        desk.next_response(500);
        desk.receive(&in_dialog(&ack, "ACK", 5, "", ""));
        done(&mut desk, late, EffectResult::Description(answer()));
        assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
        // And the next one works.
        desk.media = Media::Works;
        desk.receive(&in_dialog(&ack, "INVITE", 6, kind, body));
        desk.next_response(100);
        desk.next_response(200);
    }
}

#[test]
fn a_reinvite_of_the_peer_can_be_cancelled() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    desk.media = Media::Manual;
    desk.receive(&in_dialog(&ack, "INVITE", 5, "", ""));
    desk.next_response(100);
    desk.receive(&in_dialog(&ack, "CANCEL", 5, "", "").replace("z9hG4bKCANCEL5", "z9hG4bKINVITE5"));
    desk.next_response(200);
    desk.next_response(487);
    assert_eq!(desk.phone.status(id), Some(Status::Established), "RFC 3261 §9.2");
}

#[test]
fn an_answer_to_a_hold_that_cannot_be_used_ends_the_call() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.media = Media::Refuses(MediaFault::BadDescription);
    desk.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    desk.next_request("ACK");
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(desk.ended(id).cause, Cause::NotAcceptable);
}

#[test]
fn a_reinvite_that_only_rings_is_given_up() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 180, "bob", None));
    desk.pass(SECOND * 33);
    let cancel = desk.next_request("CANCEL");
    desk.receive_bytes(response(&cancel, 200, "bob", None));
    desk.receive_bytes(response(&invite, 487, "bob", None));
    desk.next_request("ACK");
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(487) }));
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}

#[test]
fn a_reinvite_under_way_when_the_call_ends_leaves_nothing_behind() {
    let mut desk = desk();
    let (id, ack) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 180, "bob", None));
    desk.receive(&in_dialog(&ack, "BYE", 5, "", ""));
    desk.next_response(200);
    desk.next_request("CANCEL");
    assert_eq!(desk.ended(id).by, By::Peer);
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: None }));
    desk.sent.clear();
    desk.pass(SECOND * 100);
    // Were the INVITE still there, this would be acknowledged.
    let stray = desk.phone.counters().stray;
    desk.receive_bytes(response(&invite, 200, "bob", Some(&answer())));
    assert_eq!(desk.phone.counters().stray, stray + 1);
}

#[test]
fn a_peer_that_never_has_time_has_refused() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    for n in 0..7 {
        let invite = desk.next_request("INVITE");
        desk.receive_bytes(response(&invite, 491, "bob", None));
        desk.next_request("ACK");
        assert_eq!(desk.sent.len(), 0, "it waits after {n}");
        desk.pass(SECOND * 4);
    }
    assert_eq!(desk.sent.len(), 0);
    assert!(desk.events.contains(&Event::HoldFailed { session: id, hold: true, code: Some(491) }));
}

#[test]
fn a_hold_that_is_taken_back_while_it_waits_has_an_outcome() {
    let mut desk = desk();
    let (id, _) = in_call(&mut desk);
    desk.phone.hold(desk.now, id).expect("established");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 491, "bob", None));
    desk.next_request("ACK");
    desk.phone.resume(desk.now, id).expect("established");
    desk.pass(SECOND * 5);
    assert!(desk.events.contains(&Event::Hold { session: id, local: false, remote: false }));
    assert_eq!(desk.sent.len(), 0);
}

#[test]
fn a_second_invite_before_the_first_is_answered_has_to_wait() {
    let mut pair = Pair::new("ws://pbx.test");
    pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.alice.pump();
    let invite = pair.alice.sent.front().expect("an INVITE").clone();
    let desk = &mut pair.bob;
    desk.receive_bytes(invite.clone());
    desk.next_response(100);
    let ringing = desk.next_response(180);
    let to =
        String::from_utf8(ringing.header(offhook_wire::HeaderName::To).expect("To").to_vec()).expect("text");
    let text = String::from_utf8(invite.to_vec()).expect("text");
    let again = text
        .replace("To: <sip:bob@example.com>", &format!("To: {to}"))
        .replace("CSeq: 1 ", "CSeq: 2 ")
        .replace("branch=z9hG4bK", "branch=z9hG4bKx");
    desk.receive_bytes(again.into());
    desk.next_response(100);
    let wait = desk.next_response(500);
    assert!(wait.retry_after().expect("read").is_some(), "RFC 3261 §14.2");
    assert_eq!(desk.phone.status(desk.incoming()), Some(Status::Establishing));
}
