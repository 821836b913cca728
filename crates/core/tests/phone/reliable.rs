//! Reliable provisional responses in both roles (RFC 3262), with the descriptions in them.

use crate::reliable_peer::{REQUIRES, SUPPORTS, alice, calling, invite, prack, reliable, rung};
use offhook::{CallEvent, Cause, Dial, Direction, Event, MediaFault, Misuse, SessionId, Status};
use offhook_testkit::peer::response;
use offhook_testkit::{MediaBehaviour, Pair, ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn rack(prack: &Message) -> (u32, u32) {
    let (rseq, cseq) = prack.rack().expect("read").expect("a RAck");
    (rseq, cseq.number)
}

fn progress(alice: &TestPhone, id: SessionId) -> Vec<u16> {
    let code = |event: &CallEvent| match event {
        CallEvent::Progress { code, .. } => Some(*code),
        _ => None,
    };
    alice.events_of(id).filter_map(code).collect()
}

/// RFC 3262 §4.
#[test]
fn a_reliable_response_gets_one_prack() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(reliable(&invite, 180, "bob", 7, None));
    let prack = alice.next_request("PRACK");
    assert_eq!(rack(&prack), (7, 1));
    assert_eq!(prack.request_uri(), Some(&b"sip:bob@peer.invalid;transport=ws"[..]));
    assert_eq!(prack.to().expect("read").tag(), Some(&b"bob"[..]));
    // A retransmission, and one that is not the next, are not processed.
    alice.receive_bytes(reliable(&invite, 180, "bob", 7, None));
    alice.receive_bytes(reliable(&invite, 183, "bob", 9, None));
    assert_eq!((alice.sent.len(), progress(&alice, id)), (0, vec![180]));
    alice.receive_bytes(response(&prack, 200, "bob", None));
    alice.receive_bytes(reliable(&invite, 183, "bob", 8, None));
    assert_eq!(rack(&alice.next_request("PRACK")), (8, 1));
    // Another branch has numbers of its own.
    alice.receive_bytes(reliable(&invite, 180, "mobile", 100, None));
    assert_eq!(rack(&alice.next_request("PRACK")), (100, 1));
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3262 §5: the answer in a reliable response is the one of the call.
#[test]
fn an_answer_in_a_reliable_response_is_not_repeated_in_the_2xx() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(reliable(&invite, 183, "bob", 1, Some(&sdp(Direction::SendRecv))));
    let prack = alice.next_request("PRACK");
    alice.receive_bytes(response(&prack, 200, "bob", None));
    assert!(alice.events.contains(&Event::Call { session: id, event: CallEvent::Media { up: true } }));
    alice.receive_bytes(response(&invite, 200, "bob", None));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// A PRACK that is challenged is sent again with credentials, and one that is refused does not end the call.
#[test]
fn a_refused_prack_does_not_end_the_call() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(reliable(&invite, 180, "bob", 1, None));
    let prack = alice.next_request("PRACK");
    alice.receive_bytes(response(&prack, 481, "bob", None));
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn early_dialogs_are_bounded() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    for branch in 0..100 {
        alice.receive_bytes(reliable(&invite, 180, &format!("b{branch}"), 1, None));
    }
    assert_eq!(alice.sent.len(), 8);
    alice.receive_bytes(response(&invite, 200, "b99", Some(&sdp(Direction::SendRecv))));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3262 §3: required, it is reliable; supported, it is only if the phone prefers that.
#[test]
fn a_180_is_reliable_if_the_caller_requires_it() {
    for (extra, prefers, is_reliable) in
        [(REQUIRES, false, true), (SUPPORTS, false, false), (SUPPORTS, true, true), ("X: y", true, false)]
    {
        let mut settings = config("alice", "ws://pbx.test");
        settings.reliable_provisional = prefers;
        let mut alice = TestPhone::new(settings, 1);
        let (_, ringing) = rung(&mut alice, extra, true);
        assert_eq!(ringing.has_token(HeaderName::Require, "100rel"), is_reliable, "{extra}");
        assert_eq!(ringing.rseq().expect("read").is_some(), is_reliable);
    }
}

/// RFC 3262 §3: T1, doubled each time, until the PRACK.
#[test]
fn a_reliable_response_is_retransmitted_until_its_prack() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, REQUIRES, true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.pass(SECOND / 2);
    assert_eq!(alice.next_response(180).bytes(), ringing.bytes());
    alice.pass(SECOND);
    assert_eq!(alice.next_response(180).bytes(), ringing.bytes());
    alice.pass(SECOND);
    assert_eq!(alice.sent.len(), 0);
    // A PRACK of another response.
    alice.receive(&prack(&peer, 2, &ringing, None).replace("RAck: ", "RAck: 1"));
    alice.next_response(481);
    alice.receive(&prack(&peer, 3, &ringing, None));
    alice.next_response(200);
    alice.pass(SECOND * 60);
    assert_eq!(alice.sent.len(), 0);
    alice.receive(&prack(&peer, 4, &ringing, None));
    alice.next_response(481);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(alice.next_response(200).body_bytes(), &sdp(Direction::SendRecv)[..]);
}

/// RFC 3262 §3: a PRACK that arrives after the 2xx.
#[test]
fn a_prack_after_the_2xx_gets_200() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, REQUIRES, true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(alice.next_response(200).body_bytes(), &sdp(Direction::SendRecv)[..]);
    alice.receive(&prack(&peer, 2, &ringing, None));
    alice.next_response(200);
    alice.receive(&prack(&peer, 3, &ringing, None));
    alice.next_response(481);
}

/// RFC 3261 §12.2.1.1: the BYE of another branch follows the PRACK that was sent in its early dialog.
#[test]
fn the_bye_of_another_branch_has_the_next_cseq() {
    let mut alice = alice();
    let (_, invite) = calling(&mut alice);
    alice.receive_bytes(reliable(&invite, 180, "bob", 1, None));
    alice.receive_bytes(reliable(&invite, 180, "mobile", 1, None));
    alice.sent.clear();
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    alice.receive_bytes(response(&invite, 200, "mobile", Some(&sdp(Direction::SendRecv))));
    assert_eq!(alice.next_request("ACK").cseq().expect("read").number, 1);
    assert_eq!(alice.next_request("BYE").cseq().expect("read").number, 3);
}

/// RFC 3261 §9.1: also if the 2xx crosses our CANCEL.
#[test]
fn the_bye_after_a_cancel_has_the_next_cseq() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    alice.receive_bytes(reliable(&invite, 180, "bob", 1, None));
    alice.next_request("PRACK");
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.next_request("CANCEL");
    alice.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!(alice.next_request("BYE").cseq().expect("read").number, 3);
}

/// RFC 3261 §8.2.3.
#[test]
fn a_prack_with_another_body_gets_415() {
    let mut alice = alice();
    let (_, ringing) = rung(&mut alice, REQUIRES, true);
    let peer = ScriptedPeer::of_response(&ringing);
    let other = prack(&peer, 2, &ringing, Some(Direction::SendRecv)).replace("application/sdp", "text/plain");
    alice.receive(&other);
    alice.next_response(415);
    // It has acknowledged the response nevertheless.
    alice.pass(SECOND * 60);
    assert_eq!(alice.sent.len(), 0);
}

/// RFC 3262 §3: after 64·T1 the INVITE is refused with a 5xx.
#[test]
fn an_invite_without_a_prack_is_refused() {
    let mut alice = alice();
    let (id, _) = rung(&mut alice, REQUIRES, true);
    alice.pass(SECOND * 33);
    let last = std::iter::from_fn(|| alice.sent.pop_front()).last().expect("sent");
    let last = Message::parse(last, &offhook::Limits::default()).expect("a message");
    assert_eq!((last.status(), alice.ended(id).cause), (Some(504), Cause::TimedOut));
}

/// RFC 3262 §3, §5: the 2xx waits for the PRACK of the answer, and has no description.
#[test]
fn a_2xx_waits_for_the_prack_of_early_media() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, SUPPORTS, true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    let early = alice.next_response(183);
    assert!(early.has_token(HeaderName::Require, "100rel"));
    assert_eq!(early.body_bytes(), &sdp(Direction::SendRecv)[..]);
    assert_eq!(alice.phone.early_media(alice.now, id), Err(Misuse::NoEarlyMedia), "once");
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(alice.sent.len(), 0);
    alice.receive(&prack(&peer, 2, &early, None));
    alice.next_response(200);
    let ok = alice.next_response(200);
    assert_eq!((ok.cseq().expect("read").number, ok.body_bytes().len()), (1, 0));
    alice.receive(&peer.request("ACK", 1, "", ""));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3261 §13.2.1: an unreliable 183 has a preview of the answer, which the 2xx repeats.
#[test]
fn early_media_of_a_caller_without_100rel_is_repeated_in_the_2xx() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, "X: y", true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    let early = alice.next_response(183);
    assert!(!early.has_token(HeaderName::Require, "100rel"));
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(alice.next_response(200).body_bytes(), early.body_bytes());
    alice.receive(&peer.request("ACK", 1, "", ""));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

/// RFC 3262 §5: without an offer in the INVITE, ours is in the reliable response, and the answer in the PRACK.
#[test]
fn a_prack_may_have_the_answer() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, SUPPORTS, false);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    let early = alice.next_response(183);
    alice.receive(&prack(&peer, 2, &early, Some(Direction::SendOnly)));
    alice.next_response(200);
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    let ok = alice.next_response(200);
    assert_eq!(ok.body_bytes().len(), 0);
    alice.receive(&peer.request("ACK", 1, "", ""));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    assert!(
        alice
            .events
            .contains(&Event::Call { session: id, event: CallEvent::Hold { local: false, remote: true } })
    );
}

/// Without a description of the media engine, the call rings on.
#[test]
fn early_media_that_fails_does_not_end_the_call() {
    let mut alice = alice();
    let (id, _) = rung(&mut alice, SUPPORTS, true);
    alice.media.behaviour = MediaBehaviour::Refuses(MediaFault::Engine);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Establishing)));
    alice.media.behaviour = MediaBehaviour::Works;
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    alice.next_response(200);
}

/// RFC 3262 §3: a second reliable response waits for the PRACK of the first one, and the 2xx for that of the description.
#[test]
fn reliable_responses_are_sent_one_after_another() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, REQUIRES, true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    assert_eq!(alice.sent.len(), 0);
    alice.receive(&prack(&peer, 2, &ringing, None));
    alice.next_response(200);
    let early = alice.next_response(183);
    assert_eq!(early.rseq().expect("read"), ringing.rseq().expect("read").map(|rseq| rseq + 1));
    alice.receive(&prack(&peer, 3, &early, None));
    alice.next_response(200);
    assert_eq!(alice.next_response(200).body_bytes().len(), 0);
}

/// A callee cannot make a phone store any number of requests.
#[test]
fn pending_pracks_are_bounded() {
    let mut alice = alice();
    let (id, invite) = calling(&mut alice);
    for rseq in 1..100 {
        alice.receive_bytes(reliable(&invite, 180, "bob", rseq, None));
    }
    assert_eq!(alice.sent.len(), 8);
    let prack = alice.next_request("PRACK");
    alice.receive_bytes(response(&prack, 200, "bob", None));
    alice.receive_bytes(reliable(&invite, 180, "bob", 9, None));
    assert_eq!(alice.sent.len(), 8);
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
}

/// RFC 3262 §5: without an offer in the INVITE, the first reliable response has ours.
#[test]
fn a_reliable_180_would_need_an_offer() {
    let mut settings = config("alice", "ws://pbx.test");
    settings.reliable_provisional = true;
    let mut alice = TestPhone::new(settings.clone(), 1);
    let (_, ringing) = rung(&mut alice, SUPPORTS, false);
    assert!(!ringing.has_token(HeaderName::Require, "100rel"));
    let mut alice = TestPhone::new(settings, 1);
    alice.receive(&invite(REQUIRES, false));
    alice.next_response(100);
    assert_eq!(alice.sent.len(), 0);
    let id = alice.incoming();
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    assert!(alice.next_response(183).rseq().expect("read").is_some());
}

/// RFC 3262 §5: an unreliable response cannot have an offer.
#[test]
fn early_media_without_an_offer_needs_100rel() {
    let mut alice = alice();
    let (id, _) = rung(&mut alice, "X: y", false);
    assert_eq!(alice.phone.early_media(alice.now, id), Err(Misuse::NoEarlyMedia));
}

/// RFC 3262 §5: after the first exchange a PRACK may have another offer, whose answer is in its 2xx.
#[test]
fn a_prack_may_have_another_offer() {
    let mut alice = alice();
    let (id, ringing) = rung(&mut alice, SUPPORTS, true);
    let peer = ScriptedPeer::of_response(&ringing);
    alice.phone.early_media(alice.now, id).expect("it rings");
    alice.pump();
    let early = alice.next_response(183);
    alice.receive(&prack(&peer, 2, &early, Some(Direction::SendOnly)));
    assert_eq!(alice.next_response(200).body_bytes(), &sdp(Direction::RecvOnly)[..]);
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
}

/// Two phones with reliable responses and early media.
#[test]
fn two_phones_have_early_media() {
    let mut settings = [config("alice", "ws://pbx.test"), config("bob", "ws://pbx.test")];
    settings.iter_mut().for_each(|settings| settings.reliable_provisional = true);
    let [alice, bob] = settings;
    let mut pair = Pair::with(alice, bob);
    let id = pair.alice.phone.dial(pair.alice.now, Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let bobs = pair.bob.incoming();
    pair.bob.phone.early_media(pair.bob.now, bobs).expect("it rings");
    pair.run(SECOND);
    let up = |phone: &TestPhone, id| phone.events_of(id).any(|event| *event == CallEvent::Media { up: true });
    assert!(up(&pair.alice, id) && up(&pair.bob, bobs));
    pair.bob.phone.answer(pair.bob.now, bobs).expect("it rings");
    pair.run(SECOND);
    assert_eq!(pair.alice.phone.status(id), Some(Status::Established));
    assert_eq!(pair.bob.phone.status(bobs), Some(Status::Established));
}
