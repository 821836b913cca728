//! Calls between two phones, and how they end.

use offhook::Status::{Established, Establishing, Idle, Initial, Terminating};
use offhook::{CallEvent, Cause, Dial, EndedBy, Event, MediaFault, Misuse, Status};
use offhook_testkit::{MediaBehaviour, Pair, TestPhone, config};
use std::time::Duration;

const WS: &str = "ws://pbx.test";
const UDP: &str = "udp://pbx.test";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_call_goes_from_initial_to_idle_at_both_ends() {
    for server in [WS, UDP] {
        let (mut pair, alices, bobs) = Pair::in_call(server);
        assert_eq!(pair.alice.phone.status(alices), Some(Status::Established));
        assert_eq!(pair.bob.phone.status(bobs), Some(Status::Established));
        pair.alice.phone.hang_up(pair.now(), alices).expect("a call");
        pair.run(SECOND);
        assert_eq!(pair.alice.statuses(alices), [Initial, Establishing, Established, Terminating, Idle]);
        assert_eq!(pair.bob.statuses(bobs), [Initial, Establishing, Established, Idle]);
        let (alices, bobs) = (pair.alice.ended(alices), pair.bob.ended(bobs));
        assert_eq!((alices.by, alices.cause), (EndedBy::Us, Cause::HungUp));
        assert_eq!((bobs.by, bobs.cause), (EndedBy::Peer, Cause::HungUp));
        pair.run(SECOND * 60);
        assert_eq!(pair.alice.phone.sessions().count() + pair.bob.phone.sessions().count(), 0);
    }
}

#[test]
fn the_callee_hangs_up() {
    let (mut pair, alices, bobs) = Pair::in_call(WS);
    pair.bob.phone.hang_up(pair.now(), bobs).expect("a call");
    pair.run(SECOND);
    assert_eq!(pair.alice.ended(alices).by, EndedBy::Peer);
    assert_eq!(pair.bob.ended(bobs).by, EndedBy::Us);
}

#[test]
fn both_hang_up_simultaneously() {
    let (mut pair, alices, bobs) = Pair::in_call(UDP);
    pair.alice.phone.hang_up(pair.now(), alices).expect("a call");
    pair.bob.phone.hang_up(pair.now(), bobs).expect("a call");
    pair.run(SECOND * 40);
    assert_eq!(pair.alice.ended(alices).by, EndedBy::Us);
    assert_eq!(pair.bob.ended(bobs).by, EndedBy::Us);
}

#[test]
fn a_caller_cancels_while_ringing() {
    let mut pair = Pair::new(UDP);
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let bobs = pair.bob.incoming();
    pair.alice.phone.hang_up(pair.now(), alices).expect("a call");
    pair.run(SECOND);
    assert_eq!(pair.alice.statuses(alices), [Initial, Establishing, Terminating, Idle]);
    assert_eq!(pair.alice.ended(alices).cause, Cause::Cancelled);
    assert_eq!(pair.bob.statuses(bobs), [Initial, Establishing, Idle]);
    assert_eq!((pair.bob.ended(bobs).by, pair.bob.ended(bobs).cause), (EndedBy::Peer, Cause::Cancelled));
}

#[test]
fn a_cancel_that_crosses_the_2xx_ends_the_call() {
    let mut pair = Pair::new(WS);
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let bobs = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), bobs).expect("it rings");
    pair.alice.phone.hang_up(pair.now(), alices).expect("a call");
    pair.run(SECOND);
    assert_eq!(pair.alice.ended(alices).cause, Cause::Cancelled);
    assert_eq!(pair.bob.ended(bobs).by, EndedBy::Peer);
    assert_eq!(pair.bob.phone.sessions().count(), 0);
}

#[test]
fn a_callee_that_hangs_up_before_the_ack_sends_bye_after_it() {
    let mut pair = Pair::new(WS);
    pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND);
    let bobs = pair.bob.incoming();
    pair.bob.phone.answer(pair.now(), bobs).expect("it rings");
    pair.bob.pump();
    pair.bob.phone.hang_up(pair.now(), bobs).expect("a call");
    pair.bob.pump();
    assert_eq!(pair.bob.statuses(bobs), [Initial, Establishing, Terminating]);
    let sent: Vec<_> = pair.bob.sent.iter().map(|m| m[..3].to_vec()).collect();
    assert!(!sent.contains(&b"BYE".to_vec()), "RFC 3261 §15: no BYE before the ACK");
    pair.run(SECOND);
    assert_eq!(pair.bob.statuses(bobs), [Initial, Establishing, Terminating, Idle]);
}

#[test]
fn a_refusal_gives_its_cause() {
    for (code, cause) in
        [(486, Cause::Busy), (603, Cause::Rejected), (404, Cause::NotFound), (480, Cause::Unavailable)]
    {
        let mut pair = Pair::new(UDP);
        let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
        pair.run(SECOND);
        let bobs = pair.bob.incoming();
        pair.bob.phone.reject(pair.now(), bobs, code).expect("it rings");
        pair.run(SECOND);
        let why = pair.alice.ended(alices);
        assert_eq!((why.by, why.cause, why.code), (EndedBy::Peer, cause, Some(code)));
        assert_eq!(pair.alice.statuses(alices), [Initial, Establishing, Idle]);
    }
}

#[test]
fn a_caller_cancels_after_the_ringing_limit() {
    let mut alice = config("alice", WS);
    alice.no_answer = SECOND * 20;
    let mut pair = Pair::with(alice, config("bob", WS));
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND * 30);
    assert_eq!(pair.alice.ended(alices).cause, Cause::NoAnswer);
    assert_eq!(pair.bob.ended(pair.bob.incoming()).cause, Cause::Cancelled);
}

#[test]
fn a_callee_sends_480_after_the_ringing_limit() {
    let mut bob = config("bob", WS);
    bob.no_answer = SECOND * 20;
    let mut pair = Pair::with(config("alice", WS), bob);
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
    pair.run(SECOND * 30);
    let bobs = pair.bob.ended(pair.bob.incoming());
    assert_eq!((bobs.by, bobs.cause), (EndedBy::Us, Cause::NoAnswer));
    let why = pair.alice.ended(alices);
    assert_eq!((why.by, why.cause, why.code), (EndedBy::Peer, Cause::Unavailable, Some(480)));
}

#[test]
fn an_invite_without_a_response_times_out() {
    for (server, lost) in [(UDP, "INVITE"), (WS, "INVITE")] {
        let mut pair = Pair::new(server);
        pair.wire.loses = Box::new(move |data| data.starts_with(lost.as_bytes()));
        let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("a call");
        pair.run(SECOND * 40);
        let why = pair.alice.ended(alices);
        assert_eq!((why.by, why.cause), (EndedBy::Network, Cause::TimedOut));
    }
}

#[test]
fn a_retransmitted_2xx_gets_its_ack_again() {
    let mut pair = Pair::new(UDP);
    let mut lost = 0;
    pair.wire.loses = Box::new(move |data| {
        lost += u32::from(data.starts_with(b"ACK"));
        data.starts_with(b"ACK") && lost <= 3
    });
    let (alices, bobs) = pair.call();
    pair.run(SECOND * 20);
    assert_eq!(pair.alice.phone.status(alices), Some(Established));
    assert_eq!(pair.bob.phone.status(bobs), Some(Established));
}

#[test]
fn a_call_without_an_ack_ends_with_bye() {
    let mut pair = Pair::new(WS);
    pair.wire.loses = Box::new(|data| data.starts_with(b"ACK"));
    let (alices, bobs) = pair.call();
    pair.run(SECOND * 40);
    assert_eq!(pair.bob.ended(bobs).cause, Cause::TimedOut);
    assert_eq!(pair.alice.ended(alices).by, EndedBy::Peer);
}

#[test]
fn no_common_codec_gets_488() {
    let mut pair = Pair::new(WS);
    pair.bob.media.behaviour = MediaBehaviour::Refuses(MediaFault::NoCommonCodec);
    let (alices, bobs) = pair.call();
    let why = pair.alice.ended(alices);
    assert_eq!((why.cause, why.code), (Cause::NotAcceptable, Some(488)));
    assert_eq!(pair.bob.ended(bobs).cause, Cause::NotAcceptable);
}

#[test]
fn a_missing_media_path_ends_the_call() {
    let mut pair = Pair::new(WS);
    pair.alice.media.behaviour = MediaBehaviour::NoPath;
    let (alices, bobs) = pair.call();
    pair.run(SECOND * 60);
    let why = pair.alice.ended(alices);
    assert_eq!((why.by, why.cause), (EndedBy::Network, Cause::MediaFailed));
    assert_eq!(pair.bob.ended(bobs).by, EndedBy::Peer);
}

#[test]
fn a_call_without_a_connection_ends_immediately() {
    let mut alice = TestPhone::unconnected(config("alice", WS), 1);
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    assert_eq!(alice.statuses(id), [Initial, Idle]);
    assert_eq!(alice.ended(id).cause, Cause::NotConnected);
}

#[test]
fn a_call_beyond_the_limit_gets_486() {
    let (mut pair, ..) = Pair::in_call(WS);
    pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("two are allowed");
    assert_eq!(pair.alice.phone.dial(pair.now(), Dial::to("bob")), Err(Misuse::TooManyCalls(2)));
    pair.run(SECOND);
    pair.bob.take_events();
    let mut second = config("bob", WS);
    second.call_limit = 1;
    let mut pair = Pair::with(config("alice", WS), second);
    pair.call();
    let alices = pair.alice.phone.dial(pair.now(), Dial::to("bob")).expect("two are allowed");
    pair.run(SECOND);
    assert_eq!(pair.alice.ended(alices).cause, Cause::Busy);
}

#[test]
fn misuse_changes_nothing() {
    let (mut pair, alices, _) = Pair::in_call(WS);
    let now = pair.now();
    let phone = &mut pair.alice.phone;
    assert_eq!(phone.answer(now, alices), Err(Misuse::WrongStatus(Established)));
    assert_eq!(phone.reject(now, alices, 200), Err(Misuse::BadCode(200)));
    let digits = |phone: &mut offhook::Phone, text: &str, ms| {
        phone.digits(now, alices, text, Duration::from_millis(ms), offhook::DtmfPath::Auto)
    };
    assert_eq!(digits(phone, "12x", 100), Err(Misuse::BadDigits));
    assert_eq!(digits(phone, "12", 10), Err(Misuse::BadDigits));
    assert_eq!(digits(phone, &"1".repeat(65), 100), Err(Misuse::BadDigits));
    assert_eq!(phone.transfer(now, alices, "sip:"), Err(Misuse::BadAddress));
    phone.hang_up(now, alices).expect("a call");
    assert_eq!(phone.hold(now, alices), Err(Misuse::WrongStatus(Terminating)));
    phone.hang_up(now, alices).expect("harmless");
    pair.run(SECOND);
    assert_eq!(pair.alice.phone.hang_up(now, alices), Err(Misuse::UnknownSession(alices)));
    assert_eq!(
        pair.alice
            .events
            .iter()
            .filter(|e| matches!(e, Event::Call { event: CallEvent::Ended(_), .. }))
            .count(),
        1
    );
}
