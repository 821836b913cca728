//! Hold, resume, glare, DTMF.

use offhook::Status::Established;
use offhook::{CallEffect, CallEvent, DigitFailure, DtmfPath, Effect, Event, SessionId};
use offhook_testkit::{MediaBehaviour, Pair};
use std::time::Duration;

const WS: &str = "ws://pbx.test";
const SECOND: Duration = Duration::from_secs(1);
const TONE: Duration = Duration::from_millis(160);

fn holds(events: &[Event], id: SessionId) -> Vec<(bool, bool)> {
    let hold = |event: &Event| match event {
        Event::Call { session, event: CallEvent::Hold { local, remote } } if *session == id => {
            Some((*local, *remote))
        }
        _ => None,
    };
    events.iter().filter_map(hold).collect()
}

#[test]
fn hold_and_resume_are_reported_at_both_ends() {
    let (mut pair, alices, bobs) = Pair::in_call(WS);
    pair.alice.phone.hold(pair.now(), alices).expect("established");
    pair.run(SECOND);
    assert_eq!(holds(&pair.alice.take_events(), alices), [(true, false)]);
    assert_eq!(holds(&pair.bob.take_events(), bobs), [(false, true)]);
    pair.bob.phone.hold(pair.now(), bobs).expect("established");
    pair.run(SECOND);
    assert_eq!(holds(&pair.alice.take_events(), alices), [(true, true)]);
    assert_eq!(holds(&pair.bob.take_events(), bobs), [(true, true)]);
    pair.alice.phone.resume(pair.now(), alices).expect("established");
    pair.run(SECOND);
    assert_eq!(holds(&pair.alice.take_events(), alices), [(false, true)]);
    assert_eq!(holds(&pair.bob.take_events(), bobs), [(true, false)]);
    pair.bob.phone.resume(pair.now(), bobs).expect("established");
    pair.run(SECOND);
    assert_eq!(holds(&pair.alice.take_events(), alices), [(false, false)]);
    assert_eq!(holds(&pair.bob.take_events(), bobs), [(false, false)]);
}

#[test]
fn the_last_hold_intent_counts() {
    let (mut pair, alices, bobs) = Pair::in_call(WS);
    for _ in 0..3 {
        pair.alice.phone.hold(pair.now(), alices).expect("established");
        pair.alice.phone.resume(pair.now(), alices).expect("established");
    }
    pair.alice.phone.hold(pair.now(), alices).expect("established");
    pair.run(SECOND * 3);
    assert_eq!(holds(&pair.alice.take_events(), alices).last(), Some(&(true, false)));
    assert_eq!(holds(&pair.bob.take_events(), bobs).last(), Some(&(false, true)));
}

#[test]
fn two_crossing_holds_both_succeed_after_the_glare() {
    let (mut pair, alices, bobs) = Pair::in_call(WS);
    pair.alice.phone.hold(pair.now(), alices).expect("established");
    pair.bob.phone.hold(pair.now(), bobs).expect("established");
    pair.run(SECOND * 10);
    assert_eq!(holds(&pair.alice.take_events(), alices).last(), Some(&(true, true)));
    assert_eq!(holds(&pair.bob.take_events(), bobs).last(), Some(&(true, true)));
    assert_eq!(pair.alice.phone.status(alices), Some(Established));
}

#[test]
fn digits_by_info_are_sent_one_after_another() {
    let (mut pair, alices, _) = Pair::in_call(WS);
    pair.alice.phone.digits(pair.now(), alices, "42#", TONE, DtmfPath::Info).expect("established");
    pair.run(SECOND * 2);
    let came: String =
        pair.bob
            .events
            .iter()
            .filter_map(|e| match e {
                Event::Call {
                    event: CallEvent::Digit { digit, path: DtmfPath::Info, duration, .. }, ..
                } if *duration == TONE => Some(*digit),
                _ => None,
            })
            .collect();
    assert_eq!(came, "42#");
    let sent = pair
        .alice
        .events
        .iter()
        .filter(|e| matches!(e, Event::Call { event: CallEvent::DigitSent { path: DtmfPath::Info, .. }, .. }))
        .count();
    assert_eq!(sent, 3);
}

#[test]
fn digits_are_sent_by_rtp_if_telephone_event_was_negotiated() {
    let (mut pair, alices, _) = Pair::in_call(WS);
    pair.alice.media.behaviour = MediaBehaviour::Manual;
    pair.alice.phone.digits(pair.now(), alices, "15", TONE, DtmfPath::Auto).expect("established");
    pair.run(SECOND);
    let wanted: Vec<char> = pair
        .alice
        .effects
        .iter()
        .filter_map(|(_, e)| match e {
            Effect::Call { effect: CallEffect::Digit { digit, .. }, .. } => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(wanted, ['1'], "the second waits for the first");
    let (id, _) = pair.alice.effects.pop().expect("one");
    pair.alice.give(offhook::Input::Done { effect: id, result: offhook::EffectResult::Sent });
    assert!(matches!(
        pair.alice.effects.last(),
        Some((_, Effect::Call { effect: CallEffect::Digit { digit: '5', .. }, .. }))
    ));
    pair.alice.phone.hang_up(pair.now(), alices).expect("a call");
    pair.run(SECOND);
    let lost = pair.alice.events.iter().any(|e| {
        matches!(
            e,
            Event::Call { event: CallEvent::DigitFailed { digit: '5', why: DigitFailure::Ended, .. }, .. }
        )
    });
    assert!(lost, "a digit that was not sent is reported");
}
