//! Blind transfer, in both roles (RFC 3515, RFC 5589 §6).

use crate::common::{Desk, config, in_call, in_dialog, response, sdp};
use offhook::{By, Cause, Dial, Direction, Event, SessionId, Status, TransferState};
use offhook_wire::{HeaderName, Message};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn desk() -> Desk {
    Desk::new(config("alice", "ws://pbx.test"), 1)
}

/// A call, and a REFER to carol that went out in it: the call, its ACK, the REFER.
fn transferring(desk: &mut Desk) -> (SessionId, Message, Message) {
    let (id, ack) = in_call(desk);
    desk.phone.transfer(desk.now, id, "carol").expect("established");
    desk.pump();
    let refer = desk.next_request("REFER");
    assert_eq!(refer.header(HeaderName::ReferTo), Some(&b"<sip:carol@example.com>"[..]));
    (id, ack, refer)
}

fn transfers(desk: &mut Desk) -> Vec<TransferState> {
    let state = |event: Event| match event {
        Event::Transfer { state, .. } => Some(state),
        _ => None,
    };
    desk.take_events().into_iter().filter_map(state).collect()
}

fn notify(desk: &mut Desk, ack: &Message, cseq: u32, event: &str, status: &str) {
    let state = if status.starts_with('1') { "active" } else { "terminated" };
    let extra =
        format!("Event: {event}\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0\n");
    desk.receive(&in_dialog(ack, "NOTIFY", cseq, &extra, &format!("SIP/2.0 {status}\n")));
}

/// The peer asks us to call `target`.
fn refer(desk: &mut Desk, ack: &Message, cseq: u32, target: &str, extra: &str) {
    let extra = format!("Refer-To: {target}\n{extra}");
    desk.receive(&in_dialog(ack, "REFER", cseq, &extra, ""));
}

/// The next message, a NOTIFY with this status line, which is answered with `code`.
fn reported(desk: &mut Desk, line: &str, code: u16) -> Message {
    let notify = desk.next_request("NOTIFY");
    assert_eq!(notify.body_bytes(), format!("SIP/2.0 {line}\r\n").as_bytes());
    desk.receive_bytes(response(&notify, code, "bob", None));
    notify
}

fn referred(desk: &Desk) -> SessionId {
    let call = |event: &Event| match event {
        Event::Referred { session, .. } => Some(*session),
        _ => None,
    };
    desk.events.iter().rev().find_map(call).expect("a call was made for the peer")
}

#[test]
fn a_transfer_that_succeeds_is_reported_and_ends_the_call() {
    let mut desk = desk();
    let (id, ack, refer) = transferring(&mut desk);
    desk.receive_bytes(response(&refer, 202, "bob", None));
    for (n, status) in ["100 Trying", "180 Ringing", "200 OK"].into_iter().enumerate() {
        notify(&mut desk, &ack, 10 + n as u32, "refer", status);
        desk.next_response(200);
    }
    let bye = desk.next_request("BYE");
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!((desk.ended(id).by, desk.ended(id).cause), (By::Us, Cause::Transferred));
    assert_eq!(
        transfers(&mut desk),
        [TransferState::Trying, TransferState::Progress { code: 180 }, TransferState::Done]
    );
}

#[test]
fn the_call_is_kept_when_the_target_fails_and_another_can_be_tried() {
    let mut desk = desk();
    let (id, ack, refer) = transferring(&mut desk);
    desk.receive_bytes(response(&refer, 202, "bob", None));
    notify(&mut desk, &ack, 10, "refer", "486 Busy Here");
    desk.next_response(200);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: Some(486) }]);
    // Of a subscription that is over, and of a package that we do not take.
    notify(&mut desk, &ack, 11, "refer", "180 Ringing");
    desk.next_response(481);
    notify(&mut desk, &ack, 12, "presence", "200 OK");
    assert_eq!(desk.next_response(489).header(HeaderName::AllowEvents), Some(&b"refer"[..]));
    desk.phone.transfer(desk.now, id, "dave").expect("the first one is over");
    desk.pump();
    let again = desk.next_request("REFER");
    // The name of the old subscription is not that of the new one (RFC 3515 §2.4.6).
    let first = refer.cseq().expect("read").number;
    notify(&mut desk, &ack, 13, &format!("refer;id={first}"), "200 OK");
    desk.next_response(481);
    let second = again.cseq().expect("read").number;
    notify(&mut desk, &ack, 14, &format!("refer;id={second}"), "200 OK");
    desk.next_response(200);
    desk.next_request("BYE");
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Done]);
}

#[test]
fn a_refer_that_is_refused_keeps_the_call() {
    let mut desk = desk();
    let (id, _, refer) = transferring(&mut desk);
    desk.receive_bytes(response(&refer, 603, "bob", None));
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: Some(603) }]);
    assert_eq!((desk.sent.len(), desk.phone.status(id)), (0, Some(Status::Established)));
}

#[test]
fn a_refer_that_is_not_answered_fails_and_one_that_is_never_reported_on_too() {
    let mut desk = desk();
    let (id, _, _) = transferring(&mut desk);
    desk.pass(SECOND * 40);
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: Some(408) }]);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    for notified in [false, true] {
        let mut desk = self::desk();
        let (id, ack, refer) = transferring(&mut desk);
        if notified {
            // The NOTIFY overtakes the 202, as it may.
            notify(&mut desk, &ack, 10, "refer", "100 Trying");
            desk.next_response(200);
        }
        desk.receive_bytes(response(&refer, 202, "bob", None));
        desk.pass(SECOND * 200);
        assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: None }]);
        assert_eq!(desk.phone.status(id), Some(Status::Established));
    }
}

#[test]
fn a_peer_that_hangs_up_after_it_took_the_refer_was_transferred() {
    let mut desk = desk();
    let (id, ack, refer) = transferring(&mut desk);
    desk.receive_bytes(response(&refer, 202, "bob", None));
    desk.receive(&in_dialog(&ack, "BYE", 10, "", ""));
    desk.next_response(200);
    assert_eq!((desk.ended(id).by, desk.ended(id).cause), (By::Peer, Cause::Transferred));
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Done]);
}

#[test]
fn a_transferor_that_hangs_up_early_is_told_that_the_transfer_is_over() {
    let mut desk = desk();
    let (id, ack, refer) = transferring(&mut desk);
    desk.receive_bytes(response(&refer, 202, "bob", None));
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    let bye = desk.next_request("BYE");
    notify(&mut desk, &ack, 10, "refer", "200 OK");
    desk.next_response(481);
    desk.receive_bytes(response(&bye, 200, "bob", None));
    assert_eq!(desk.ended(id).cause, Cause::HungUp);
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: None }]);
}

#[test]
fn a_referral_calls_the_target_and_reports_each_stage_once() {
    let mut desk = desk();
    let (by, ack) = in_call(&mut desk);
    refer(&mut desk, &ack, 5, "<sip:carol@example.com>", "Referred-By: <sip:bob@example.com>\n");
    desk.next_response(202);
    let first = desk.next_request("NOTIFY");
    assert_eq!(first.header(HeaderName::Event), Some(&b"refer"[..]));
    assert!(first.subscription_state().expect("read").is_some_and(|state| !state.is_terminated()));
    desk.receive_bytes(response(&first, 200, "bob", None));
    let invite = desk.next_request("INVITE");
    assert_eq!(invite.request_uri(), Some(&b"sip:carol@example.com"[..]));
    assert_eq!(invite.header(HeaderName::ReferredBy), Some(&b"<sip:bob@example.com>"[..]));
    let call = referred(&desk);
    // One that rings for ever does not make us write for ever.
    for _ in 0..100 {
        desk.receive_bytes(response(&invite, 180, "carol", None));
    }
    reported(&mut desk, "180 Ringing", 200);
    assert_eq!(desk.sent.len(), 0);
    desk.receive_bytes(response(&invite, 200, "carol", Some(&sdp(Direction::SendRecv))));
    desk.next_request("ACK");
    let last = reported(&mut desk, "200 OK", 200);
    assert!(last.subscription_state().expect("read").is_some_and(|state| state.is_terminated()));
    desk.receive(&in_dialog(&ack, "BYE", 6, "", ""));
    desk.next_response(200);
    assert_eq!(desk.ended(by).by, By::Peer);
    assert_eq!(desk.phone.status(call), Some(Status::Established));
}

#[test]
fn a_referral_that_fails_is_reported_and_the_call_goes_on() {
    let mut desk = desk();
    let (by, ack) = in_call(&mut desk);
    refer(&mut desk, &ack, 5, "sip:carol@example.com", "");
    desk.next_response(202);
    reported(&mut desk, "100 Trying", 200);
    let invite = desk.next_request("INVITE");
    assert_eq!(
        invite.header(HeaderName::ReferredBy),
        Some(&b"<sip:bob@example.com>"[..]),
        "who asked, when he does not say it himself"
    );
    refer(&mut desk, &ack, 6, "sip:dave@example.com", "");
    desk.next_response(491);
    desk.receive_bytes(response(&invite, 486, "carol", None));
    desk.next_request("ACK");
    // A peer that does not want to know any more loses his subscription, not the call.
    reported(&mut desk, "486 Busy Here", 481);
    assert_eq!((desk.sent.len(), desk.phone.status(by)), (0, Some(Status::Established)));
    // The second subscription of a dialog has a name (RFC 3515 §2.4.6).
    refer(&mut desk, &ack, 7, "sip:dave@example.com", "");
    desk.next_response(202);
    let named = reported(&mut desk, "100 Trying", 200);
    assert_eq!(named.header(HeaderName::Event), Some(&b"refer;id=7"[..]));
}

#[test]
fn the_call_for_a_transferor_outlives_him() {
    let mut desk = desk();
    let (by, ack) = in_call(&mut desk);
    refer(&mut desk, &ack, 5, "sip:carol@example.com", "");
    desk.next_response(202);
    reported(&mut desk, "100 Trying", 200);
    let invite = desk.next_request("INVITE");
    desk.receive(&in_dialog(&ack, "BYE", 6, "", ""));
    desk.next_response(200);
    desk.ended(by);
    desk.receive_bytes(response(&invite, 200, "carol", Some(&sdp(Direction::SendRecv))));
    desk.next_request("ACK");
    assert_eq!((desk.sent.len(), desk.phone.status(referred(&desk))), (0, Some(Status::Established)));
}

#[test]
fn what_a_refer_must_not_do() {
    let mut desk = desk();
    let (_, ack) = in_call(&mut desk);
    for (n, (target, code)) in [
        ("<mailto:carol@example.com>", 416),
        ("<sip:carol@example.com?Replaces=x>", 501),
        ("<sip:>", 400),
        ("", 400),
    ]
    .into_iter()
    .enumerate()
    {
        refer(&mut desk, &ack, 5 + n as u32, target, "");
        desk.next_response(code);
    }
    assert_eq!((desk.sent.len(), desk.phone.sessions().count()), (0, 1));
    let mut config = config("alice", "ws://pbx.test");
    config.accept_transfers = false;
    let mut desk = Desk::new(config, 1);
    let (_, ack) = in_call(&mut desk);
    refer(&mut desk, &ack, 5, "sip:carol@example.com", "");
    desk.next_response(603);
}

#[test]
fn a_folded_referred_by_goes_on_one_line() {
    let mut desk = desk();
    let (_, ack) = in_call(&mut desk);
    refer(&mut desk, &ack, 5, "sip:carol@example.com", "Referred-By: <sip:bob@example.com>\n ;cid=x\n");
    desk.next_response(202);
    reported(&mut desk, "100 Trying", 200);
    let value = desk.next_request("INVITE").header(HeaderName::ReferredBy).expect("there").to_vec();
    assert_eq!(String::from_utf8(value).expect("ASCII").split_whitespace().last(), Some(";cid=x"));
}

#[test]
fn a_peer_cannot_fill_the_phone_with_calls() {
    let mut desk = desk();
    let (_, ack) = in_call(&mut desk);
    for n in 0..10 {
        refer(&mut desk, &ack, 5 + n, &format!("sip:c{n}@example.com"), "");
        // Each target takes the call at once, so the next REFER finds nothing under way.
        while let Some(data) = desk.sent.pop_front() {
            let sent = Message::parse(data, &offhook::Limits::default()).expect("ours");
            let answer = match sent.method().map(|m| m.as_bytes().to_vec()).as_deref() {
                Some(b"INVITE") => response(&sent, 200, "carol", Some(&sdp(Direction::SendRecv))),
                Some(b"NOTIFY") => response(&sent, 200, "bob", None),
                _ => continue,
            };
            desk.receive_bytes(answer);
        }
    }
    assert_eq!(desk.phone.sessions().count(), 3, "two calls, and one that takes the place of another");
    assert!(desk.phone.dial(desk.now, Dial::to("dave")).is_err());
}

#[test]
fn who_hangs_up_calls_nobody_any_more() {
    let mut desk = desk();
    desk.receive(
        "INVITE sip:alice@example.com SIP/2.0\nVia: SIP/2.0/WS p.invalid;branch=z9hG4bKa\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: c1\nCSeq: 1 INVITE\n\
         Contact: <sip:bob@peer.invalid>\nContent-Length: 0\n\n",
    );
    let id = desk.incoming();
    desk.phone.answer(desk.now, id).expect("it rings");
    desk.pump();
    let ok = desk.sent.pop_back().and_then(|data| Message::parse(data, &offhook::Limits::default()).ok());
    let to = String::from_utf8(ok.expect("200").header(HeaderName::To).expect("To").to_vec()).expect("ASCII");
    desk.phone.hang_up(desk.now, id).expect("a call");
    desk.pump();
    desk.sent.clear();
    assert_eq!(desk.phone.status(id), Some(Status::Terminating), "the BYE waits for the ACK");
    desk.receive(&format!(
        "REFER sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS p.invalid;branch=z9hG4bKb\nMax-Forwards: 70\n\
         From: <sip:bob@example.com>;tag=bob\nTo: {to}\nCall-ID: c1\nCSeq: 2 REFER\n\
         Contact: <sip:bob@peer.invalid>\nRefer-To: sip:carol@example.com\nContent-Length: 0\n\n"
    ));
    desk.next_response(603);
    assert_eq!(desk.phone.sessions().count(), 1);
}

#[test]
fn a_transfer_is_begun_once() {
    let mut desk = desk();
    let (id, _, refer) = transferring(&mut desk);
    assert_eq!(desk.phone.transfer(desk.now, id, "dave"), Err(offhook::Misuse::Transferring));
    desk.receive_bytes(response(&refer, 202, "bob", None));
    assert_eq!(desk.phone.transfer(desk.now, id, "dave"), Err(offhook::Misuse::Transferring));
}

#[test]
fn a_refer_that_is_lost_with_its_connection_has_failed() {
    let mut desk = desk();
    let (id, ..) = transferring(&mut desk);
    let flow = desk.flow.expect("connected");
    let change = offhook::FlowChange::Down(offhook::FlowFailure::Closed);
    desk.give(offhook::Input::Flow { flow, change });
    assert_eq!(transfers(&mut desk), [TransferState::Trying, TransferState::Failed { code: Some(503) }]);
    assert_eq!(desk.phone.status(id), Some(Status::Established));
}
