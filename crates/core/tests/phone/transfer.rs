//! Blind transfer, in both roles (RFC 3515, RFC 5589 §6).

use offhook::{
    CallEvent, Cause, Dial, Direction, EndedBy, Event, ReferPolicy, SessionId, Status, TransferState,
};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// A call with a pending REFER to carol: the call, its ACK, the REFER.
fn transferring(alice: &mut TestPhone) -> (SessionId, ScriptedPeer, Message) {
    let (id, peer) = in_call(alice);
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    let refer = alice.next_request("REFER");
    assert_eq!(refer.header(HeaderName::ReferTo), Some(&b"<sip:carol@example.com>"[..]));
    (id, peer, refer)
}

fn transfers(alice: &mut TestPhone) -> Vec<TransferState> {
    let state = |event: Event| match event {
        Event::Call { event: CallEvent::Transfer(state), .. } => Some(state),
        _ => None,
    };
    alice.take_events().into_iter().filter_map(state).collect()
}

fn notify(alice: &mut TestPhone, peer: &ScriptedPeer, cseq: u32, event: &str, status: &str) {
    let state = if status.starts_with('1') { "active" } else { "terminated" };
    let extra =
        format!("Event: {event}\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0\n");
    alice.receive(&peer.request("NOTIFY", cseq, &extra, &format!("SIP/2.0 {status}\n")));
}

/// Receives a REFER of the peer to `target`.
fn refer(alice: &mut TestPhone, peer: &ScriptedPeer, cseq: u32, target: &str, extra: &str) {
    let extra = format!("Refer-To: {target}\n{extra}");
    alice.receive(&peer.request("REFER", cseq, &extra, ""));
}

/// The next message, a NOTIFY with this status line, which is answered with `code`.
fn reported(alice: &mut TestPhone, line: &str, code: u16) -> Message {
    let notify = alice.next_request("NOTIFY");
    assert_eq!(notify.body_bytes(), format!("SIP/2.0 {line}\r\n").as_bytes());
    alice.receive_bytes(response(&notify, code, "bob", None));
    notify
}

fn referred(alice: &TestPhone) -> SessionId {
    let call = |event: &Event| match event {
        Event::Call { session, event: CallEvent::Referred { .. } } => Some(*session),
        _ => None,
    };
    alice.events.iter().rev().find_map(call).expect("a call was made for the peer")
}

#[test]
fn a_transfer_that_succeeds_is_reported_and_ends_the_call() {
    let mut alice = alice();
    let (id, peer, refer) = transferring(&mut alice);
    alice.receive_bytes(response(&refer, 202, "bob", None));
    for (n, status) in ["100 Trying", "180 Ringing", "200 OK"].into_iter().enumerate() {
        notify(&mut alice, &peer, 10 + n as u32, "refer", status);
        alice.next_response(200);
    }
    let bye = alice.next_request("BYE");
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Us, Cause::Transferred));
    assert_eq!(
        transfers(&mut alice),
        [TransferState::Trying, TransferState::Progress { code: 180 }, TransferState::Done]
    );
}

#[test]
fn a_failed_transfer_keeps_the_call_and_can_be_retried() {
    let mut alice = alice();
    let (id, peer, refer) = transferring(&mut alice);
    alice.receive_bytes(response(&refer, 202, "bob", None));
    notify(&mut alice, &peer, 10, "refer", "486 Busy Here");
    alice.next_response(200);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: Some(486) }]);
    // Of a terminated subscription, and of an unsupported package.
    notify(&mut alice, &peer, 11, "refer", "180 Ringing");
    alice.next_response(481);
    notify(&mut alice, &peer, 12, "presence", "200 OK");
    assert_eq!(alice.next_response(489).header(HeaderName::AllowEvents), Some(&b"refer"[..]));
    alice.phone.transfer(alice.now, id, "dave").expect("the first one is over");
    alice.pump();
    let again = alice.next_request("REFER");
    // The `id` of the old subscription is not that of the new one (RFC 3515 §2.4.6).
    let first = refer.cseq().expect("read").number;
    notify(&mut alice, &peer, 13, &format!("refer;id={first}"), "200 OK");
    alice.next_response(481);
    let second = again.cseq().expect("read").number;
    notify(&mut alice, &peer, 14, &format!("refer;id={second}"), "200 OK");
    alice.next_response(200);
    alice.next_request("BYE");
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Done]);
}

#[test]
fn a_refused_refer_keeps_the_call() {
    let mut alice = alice();
    let (id, _, refer) = transferring(&mut alice);
    alice.receive_bytes(response(&refer, 603, "bob", None));
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: Some(603) }]);
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
}

#[test]
fn a_refer_without_a_response_or_without_notify_fails() {
    let mut alice = alice();
    let (id, _, _) = transferring(&mut alice);
    alice.pass(SECOND * 40);
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: Some(408) }]);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    for notified in [false, true] {
        let mut alice = self::alice();
        let (id, peer, refer) = transferring(&mut alice);
        if notified {
            // The NOTIFY overtakes the 202.
            notify(&mut alice, &peer, 10, "refer", "100 Trying");
            alice.next_response(200);
        }
        alice.receive_bytes(response(&refer, 202, "bob", None));
        alice.pass(SECOND * 200);
        assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: None }]);
        assert_eq!(alice.phone.status(id), Some(Status::Established));
    }
}

#[test]
fn a_bye_after_the_202_counts_as_transferred() {
    let mut alice = alice();
    let (id, peer, refer) = transferring(&mut alice);
    alice.receive_bytes(response(&refer, 202, "bob", None));
    alice.receive(&peer.request("BYE", 10, "", ""));
    alice.next_response(200);
    assert_eq!((alice.ended(id).by, alice.ended(id).cause), (EndedBy::Peer, Cause::Transferred));
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Done]);
}

#[test]
fn a_transferor_that_hangs_up_early_gets_the_outcome() {
    let mut alice = alice();
    let (id, peer, refer) = transferring(&mut alice);
    alice.receive_bytes(response(&refer, 202, "bob", None));
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    let bye = alice.next_request("BYE");
    notify(&mut alice, &peer, 10, "refer", "200 OK");
    alice.next_response(481);
    alice.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::HungUp);
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: None }]);
}

#[test]
fn a_refer_calls_the_target_and_notifies_each_code_once() {
    let mut alice = alice();
    let (by, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "<sip:carol@example.com>", "Referred-By: <sip:bob@example.com>\n");
    alice.next_response(202);
    let first = alice.next_request("NOTIFY");
    assert_eq!(first.header(HeaderName::Event), Some(&b"refer"[..]));
    assert!(first.subscription_state().expect("read").is_some_and(|state| !state.is_terminated()));
    alice.receive_bytes(response(&first, 200, "bob", None));
    let invite = alice.next_request("INVITE");
    assert_eq!(invite.request_uri(), Some(&b"sip:carol@example.com"[..]));
    assert_eq!(invite.header(HeaderName::ReferredBy), Some(&b"<sip:bob@example.com>"[..]));
    let call = referred(&alice);
    // A target that rings without end does not cause NOTIFYs without end.
    for _ in 0..100 {
        alice.receive_bytes(response(&invite, 180, "carol", None));
    }
    reported(&mut alice, "180 Ringing", 200);
    assert_eq!(alice.sent.len(), 0);
    alice.receive_bytes(response(&invite, 200, "carol", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    let last = reported(&mut alice, "200 OK", 200);
    assert!(last.subscription_state().expect("read").is_some_and(|state| state.is_terminated()));
    alice.receive(&peer.request("BYE", 6, "", ""));
    alice.next_response(200);
    assert_eq!(alice.ended(by).by, EndedBy::Peer);
    assert_eq!(alice.phone.status(call), Some(Status::Established));
}

#[test]
fn a_failed_refer_is_notified_and_the_call_continues() {
    let mut alice = alice();
    let (by, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "sip:carol@example.com", "");
    alice.next_response(202);
    reported(&mut alice, "100 Trying", 200);
    let invite = alice.next_request("INVITE");
    assert_eq!(
        invite.header(HeaderName::ReferredBy),
        Some(&b"<sip:bob@example.com>"[..]),
        "who asked, when he does not say it himself"
    );
    refer(&mut alice, &peer, 6, "sip:dave@example.com", "");
    alice.next_response(491);
    alice.receive_bytes(response(&invite, 486, "carol", None));
    alice.next_request("ACK");
    // A peer that refuses a NOTIFY ends its subscription, not the call.
    reported(&mut alice, "486 Busy Here", 481);
    assert_eq!((alice.sent.len(), alice.phone.status(by)), (0, Some(Status::Established)));
    // The second subscription of a dialog has an `id` (RFC 3515 §2.4.6).
    refer(&mut alice, &peer, 7, "sip:dave@example.com", "");
    alice.next_response(202);
    let named = reported(&mut alice, "100 Trying", 200);
    assert_eq!(named.header(HeaderName::Event), Some(&b"refer;id=7"[..]));
}

#[test]
fn the_new_call_outlives_the_transferor() {
    let mut alice = alice();
    let (by, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "sip:carol@example.com", "");
    alice.next_response(202);
    reported(&mut alice, "100 Trying", 200);
    let invite = alice.next_request("INVITE");
    alice.receive(&peer.request("BYE", 6, "", ""));
    alice.next_response(200);
    alice.ended(by);
    alice.receive_bytes(response(&invite, 200, "carol", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.phone.status(referred(&alice))), (0, Some(Status::Established)));
}

#[test]
fn an_invalid_refer_is_refused() {
    let mut alice = alice();
    let (_, peer) = in_call(&mut alice);
    for (n, (target, code)) in [
        ("<mailto:carol@example.com>", 603),
        ("<sip:carol@example.com?Replaces=x>", 501),
        ("<sip:>", 400),
        ("", 400),
    ]
    .into_iter()
    .enumerate()
    {
        refer(&mut alice, &peer, 5 + n as u32, target, "");
        alice.next_response(code);
    }
    assert_eq!((alice.sent.len(), alice.phone.sessions().count()), (0, 1));
    let mut config = config("alice", "ws://pbx.test");
    config.refer_policy = ReferPolicy::Reject;
    let mut alice = TestPhone::new(config, 1);
    let (_, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "sip:carol@example.com", "");
    alice.next_response(603);
}

#[test]
fn a_folded_referred_by_is_unfolded() {
    let mut alice = alice();
    let (_, peer) = in_call(&mut alice);
    refer(&mut alice, &peer, 5, "sip:carol@example.com", "Referred-By: <sip:bob@example.com>\n ;cid=x\n");
    alice.next_response(202);
    reported(&mut alice, "100 Trying", 200);
    let value = alice.next_request("INVITE").header(HeaderName::ReferredBy).expect("there").to_vec();
    assert_eq!(String::from_utf8(value).expect("ASCII").split_whitespace().last(), Some(";cid=x"));
}

#[test]
fn refers_are_bounded_by_the_call_limit() {
    let mut alice = alice();
    let (_, peer) = in_call(&mut alice);
    for n in 0..10 {
        refer(&mut alice, &peer, 5 + n, &format!("sip:c{n}@example.com"), "");
        // Each target answers immediately, so the next REFER finds none pending.
        while let Some(data) = alice.sent.pop_front() {
            let sent = Message::parse(data, &offhook::Limits::default()).expect("ours");
            let answer = match sent.method().map(|m| m.as_bytes().to_vec()).as_deref() {
                Some(b"INVITE") => response(&sent, 200, "carol", Some(&sdp(Direction::SendRecv))),
                Some(b"NOTIFY") => response(&sent, 200, "bob", None),
                _ => continue,
            };
            alice.receive_bytes(answer);
        }
    }
    assert_eq!(alice.phone.sessions().count(), 3, "two calls, and one that takes the place of another");
    assert!(alice.phone.dial(alice.now, Dial::to("dave")).is_err());
}

#[test]
fn a_refer_after_our_bye_makes_no_call() {
    let mut alice = alice();
    alice.receive(
        "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS p.invalid;branch=z9hG4bKa\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: c1\nCSeq: 1 INVITE\n\
         Contact: <sip:bob@peer.invalid>\nContent-Length: 0\n\n",
    );
    let id = alice.incoming();
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    let ok = alice.sent.pop_back().and_then(|data| Message::parse(data, &offhook::Limits::default()).ok());
    let to = String::from_utf8(ok.expect("200").header(HeaderName::To).expect("To").to_vec()).expect("ASCII");
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    alice.sent.clear();
    assert_eq!(alice.phone.status(id), Some(Status::Terminating), "the BYE waits for the ACK");
    alice.receive(&format!(
        "REFER sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS p.invalid;branch=z9hG4bKb\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=bob\nTo: {to}\nCall-ID: c1\nCSeq: 2 REFER\n\
         Contact: <sip:bob@peer.invalid>\nRefer-To: sip:carol@example.com\nContent-Length: 0\n\n"
    ));
    alice.next_response(603);
    assert_eq!(alice.phone.sessions().count(), 1);
}

#[test]
fn a_second_transfer_is_misuse() {
    let mut alice = alice();
    let (id, _, refer) = transferring(&mut alice);
    assert_eq!(alice.phone.transfer(alice.now, id, "dave"), Err(offhook::Misuse::Transferring));
    alice.receive_bytes(response(&refer, 202, "bob", None));
    assert_eq!(alice.phone.transfer(alice.now, id, "dave"), Err(offhook::Misuse::Transferring));
}

#[test]
fn a_refer_lost_with_its_connection_fails() {
    let mut alice = alice();
    let (id, ..) = transferring(&mut alice);
    alice.lose_connection();
    assert_eq!(transfers(&mut alice), [TransferState::Trying, TransferState::Failed { code: Some(503) }]);
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}
