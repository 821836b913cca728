//! Two phones with random commands, a network that loses, delays and reorders, media engines that are slow or fail, and lost
//! connections. Every call emits its events in a valid order and ends.

use offhook::{
    CallEvent, Config, DeadlineKind, Dial, DtmfPath, Event, Input, LegId, MediaEvent, MediaFault, SessionId,
    Status,
};
use offhook_testkit::{FakeMedia, MediaBehaviour, Pair, TestPhone, config};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Copy, Clone, Debug)]
enum Act {
    Dial,
    Answer,
    Reject,
    HangUp,
    Hold,
    Resume,
    Digits(DtmfPath),
    Transfer,
    /// The media engine queues effects, or completes them immediately again.
    Slow(bool),
    /// It completes the queued effects, with success or failure.
    Media(bool),
    PathDown,
    PathUp,
    ConnectionDown,
}

/// A step: a phone, an action on one of its calls, and the behaviour of the network until the next step.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Step {
    alice: bool,
    act: Act,
    call: usize,
    latency: u64,
    pub(crate) wait: u64,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let path = prop_oneof![Just(DtmfPath::Auto), Just(DtmfPath::Rtp), Just(DtmfPath::Info)];
    let act = prop_oneof![
        3 => Just(Act::Dial),
        6 => Just(Act::Answer),
        1 => Just(Act::Reject),
        1 => Just(Act::HangUp),
        4 => Just(Act::Hold),
        3 => Just(Act::Resume),
        4 => path.prop_map(Act::Digits),
        2 => Just(Act::Transfer),
        1 => any::<bool>().prop_map(Act::Slow),
        2 => any::<bool>().prop_map(Act::Media),
        1 => Just(Act::PathDown),
        1 => Just(Act::PathUp),
        1 => Just(Act::ConnectionDown),
    ];
    let latency = prop_oneof![Just(1u64), Just(20), Just(150), Just(700)];
    let wait =
        prop_oneof![Just(0u64), Just(15), Just(300), Just(300), Just(2_000), Just(9_000), Just(40_000)];
    (any::<bool>(), act, 0usize..2, latency, wait).prop_map(|(alice, act, call, latency, wait)| Step {
        alice,
        act,
        call,
        latency,
        wait,
    })
}

pub(crate) fn patient(user: &str, server: &str) -> Config {
    let mut config = config(user, server);
    // Keep-alives would hide other timers.
    config.registration.keep_alive = SECOND * 100_000;
    config.no_answer = SECOND * 60;
    config
}

/// Completes the queued effects, with success or failure.
fn settle(alice: &mut TestPhone, well: bool) {
    let behaviour = if well { MediaBehaviour::Works } else { MediaBehaviour::Refuses(MediaFault::Engine) };
    let mut media = FakeMedia::of(behaviour);
    for (effect, wanted) in std::mem::take(&mut alice.effects) {
        if let Some(result) = media.perform(&wanted) {
            alice.give(Input::Done { effect, result });
        }
    }
}

pub(crate) fn act(alice: &mut TestPhone, step: Step, pressed: &mut BTreeMap<SessionId, usize>) {
    let now = alice.now;
    let id = alice.phone.sessions().nth(step.call);
    // A command that is not possible now is misuse, and changes nothing.
    let done = match (step.act, id) {
        (Act::Dial, _) => alice.phone.dial(now, Dial::to("somebody")).map(drop),
        (Act::Slow(slow), _) => {
            alice.media.behaviour = if slow { MediaBehaviour::Manual } else { MediaBehaviour::Works };
            Ok(())
        }
        (Act::Media(well), _) => {
            settle(alice, well);
            Ok(())
        }
        (Act::ConnectionDown, _) => {
            alice.lose_connection();
            Ok(())
        }
        (_, None) => Ok(()),
        (Act::Answer, Some(id)) => alice.phone.answer(now, id),
        (Act::Reject, Some(id)) => alice.phone.reject(now, id, 486),
        (Act::HangUp, Some(id)) => alice.phone.hang_up(now, id),
        (Act::Hold, Some(id)) => alice.phone.hold(now, id),
        (Act::Resume, Some(id)) => alice.phone.resume(now, id),
        (Act::Digits(path), Some(id)) => {
            let done = alice.phone.digits(now, id, "159", SECOND / 10, path);
            *pressed.entry(id).or_default() += if done.is_ok() { 3 } else { 0 };
            done
        }
        (Act::Transfer, Some(id)) => alice.phone.transfer(now, id, "carol"),
        (Act::PathDown, Some(session)) => {
            alice.give(Input::Media { session, leg: LegId(0), event: MediaEvent::Down });
            Ok(())
        }
        (Act::PathUp, Some(session)) => {
            alice.give(Input::Media { session, leg: LegId(0), event: MediaEvent::Up });
            Ok(())
        }
    };
    drop(done);
    alice.pump();
}

/// Checks the order of the events of each call.
pub(crate) fn check(alice: &TestPhone, pressed: &BTreeMap<SessionId, usize>) {
    let mut calls: BTreeMap<SessionId, Vec<&Event>> = BTreeMap::new();
    for event in &alice.events {
        if let Some((session, _)) = event.of_call() {
            calls.entry(session).or_default().push(event);
        }
    }
    for (id, events) in calls {
        let ends =
            events.iter().filter(|e| matches!(e, Event::Call { event: CallEvent::Ended(_), .. })).count();
        assert_eq!(ends, 1, "{id:?}: {events:#?}");
        assert!(
            matches!(events.last(), Some(Event::Call { event: CallEvent::Ended(_), .. })),
            "{id:?}: {events:#?}"
        );
        let mut at = Status::Initial;
        let mut digits = 0;
        for event in &events {
            match event {
                Event::Call { event: CallEvent::Status { from, to, .. }, .. } => {
                    assert!(*from == at && from.may_become(*to), "{id:?}: {events:#?}");
                    at = *to;
                }
                Event::Call { event: CallEvent::DigitSent { .. }, .. }
                | Event::Call { event: CallEvent::DigitFailed { .. }, .. } => digits += 1,
                _ => {}
            }
        }
        assert_eq!(at, Status::Idle, "{id:?}: {events:#?}");
        assert_eq!(digits, pressed.get(&id).copied().unwrap_or(0), "{id:?}: {events:#?}");
    }
}

fn live(server: &str, in_call: bool, steps: Vec<Step>, loss: u32, seed: u64) {
    let mut pair = Pair::with(patient("alice", server), patient("bob", server));
    if in_call {
        pair.call();
    }
    let mut state = seed | 1;
    pair.wire.loses = Box::new(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 100 < u64::from(loss)
    });
    let mut pressed = [BTreeMap::new(), BTreeMap::new()];
    for step in steps {
        pair.wire.latency = Duration::from_millis(step.latency);
        let (alice, pressed) = match step.alice {
            true => (&mut pair.alice, &mut pressed[0]),
            false => (&mut pair.bob, &mut pressed[1]),
        };
        act(alice, step, pressed);
        pair.alice.connect();
        pair.bob.connect();
        pair.run(Duration::from_millis(step.wait));
    }
    let now = pair.now();
    for alice in [&mut pair.alice, &mut pair.bob] {
        for id in alice.phone.sessions().collect::<Vec<_>>() {
            alice.phone.hang_up(now, id).expect("a call");
        }
        alice.pump();
    }
    for _ in 0..40 {
        pair.alice.connect();
        pair.bob.connect();
        pair.run(SECOND * 5);
    }
    for (alice, pressed) in [(&pair.alice, &pressed[0]), (&pair.bob, &pressed[1])] {
        assert_eq!(alice.phone.sessions().count(), 0, "{:#?}", alice.events);
        let waits = alice.phone.deadline().map(|deadline| deadline.kind);
        assert_eq!(waits, Some(DeadlineKind::Connection), "nothing but the keep-alive is left");
        check(alice, pressed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn calls_over_datagrams_end_whatever_happens(
        in_call: bool, steps in prop::collection::vec(step(), 1..40), loss in 0u32..40, seed: u64,
    ) {
        live("udp://pbx.test", in_call, steps, loss, seed);
    }

    #[test]
    fn calls_over_connections_end_whatever_happens(
        in_call: bool, steps in prop::collection::vec(step(), 1..40), loss in prop_oneof![Just(0u32), Just(10)], seed: u64,
    ) {
        live("ws://pbx.test", in_call, steps, loss, seed);
    }
}
