//! What a phone does when its stream is cut to pieces, stalls, or breaks.

use std::time::Duration;

use offhook::{Command, Event, FlowFailure, FlowState, SessionId, Status};
use offhook_sim::World;
use offhook_sim::run::run;
use offhook_sim::scenario::{End, PhoneSetup, StreamTrouble, Streaming, UserAction, Way};
use offhook_sim::tape::EntryKind;

const SOON: Duration = Duration::from_secs(10);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn world() -> World {
    World::builder().phone("alice").phone("bob").start()
}

fn talking(world: &mut World) -> SessionId {
    let call = world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.run_for(Duration::from_secs(1));
    call
}

/// Lets them hang up, and expects that all comes to rest.
fn ends_well(mut world: World) {
    world.user("alice", UserAction::HangUp);
    world.run_until("it is over", SOON, |world| world.call("alice").is_none() && world.call("bob").is_none());
    world.finish();
}

/// What a phone told, by a pattern, with the time in milliseconds.
fn told<T>(world: &World, name: &str, pick: impl Fn(&Event) -> Option<T>) -> Vec<(u64, T)> {
    let index = world.scenario().phone(name);
    let entries = world.tape().entries().iter();
    let events = entries.filter_map(|entry| match &entry.what {
        EntryKind::Event { phone, event } if Some(*phone) == index => Some((entry.at, event)),
        _ => None,
    });
    events.filter_map(|(at, event)| Some((at.as_nanos() / 1_000_000, pick(event)?))).collect()
}

/// Why connections of a phone went down.
fn losses(world: &World, name: &str) -> Vec<FlowFailure> {
    let down = told(world, name, |event| match event {
        Event::Flow { state: FlowState::Down(why), .. } => Some(*why),
        _ => None,
    });
    down.into_iter().map(|(_, why)| why).collect()
}

/// How often a message that starts so was sent.
fn sent(world: &World, start: &str) -> usize {
    let starts =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(start.as_bytes()));
    world.tape().entries().iter().filter(|entry| starts(&entry.what)).count()
}

#[test]
fn a_call_does_not_notice_how_its_stream_is_cut() {
    let streaming = Streaming { split: 700, gather: 300, fragment: 700, ping: 500, binary: 500 };
    for seed in 1..20 {
        let phone = |name| PhoneSetup { streaming, ..PhoneSetup::new(name) };
        let mut world = World::builder().seed(seed).setup(phone("alice")).setup(phone("bob")).start();
        talking(&mut world);
        world.user("alice", UserAction::Hold);
        world.run_until("both know", SOON, |world| {
            let holds = world.call("alice").is_some_and(|call| call.local_hold);
            holds && world.call("bob").is_some_and(|call| call.remote_hold)
        });
        assert_eq!((losses(&world, "alice"), losses(&world, "bob")), (vec![], vec![]));
        ends_well(world);
    }
}

#[test]
fn a_reset_in_the_middle_of_an_invite_ends_the_call_and_nobody_reads_the_half() {
    let mut world = world();
    world.stream("alice", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.dial("alice", "bob");
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    let ended = told(&world, "alice", |event| match event {
        Event::Ended { why, .. } => Some(why.cause),
        _ => None,
    });
    assert!(matches!(ended[..], [(_, offhook::Cause::NotConnected)]), "{ended:?}");
    assert_eq!(losses(&world, "alice"), [FlowFailure::Closed]);
    // Alice asked once, and her exchange neither answered the half that it got nor told Bob of it.
    assert_eq!((sent(&world, "INVITE"), sent(&world, "SIP/2.0 400")), (1, 0), "{}", world.ladder());
    world.run_until("alice is back", SOON, |world| world.phone("alice").is_registered());
    talking(&mut world);
    ends_well(world);
}

#[test]
fn a_reset_in_the_middle_of_an_answer_is_repaired_over_the_next_connection() {
    let mut world = world();
    world.dial("alice", "bob");
    world.run_until("bob rings", SOON, |world| world.call("bob").is_some());
    world.run_for(ms(100));
    // Bob's 200 breaks off on its way to the exchange.
    world.stream("bob", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(losses(&world, "bob"), [FlowFailure::Closed]);
    ends_well(world);
}

#[test]
fn what_stalls_arrives_in_the_end_and_in_order() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::Stalls { way: Way::Down, lasting: Duration::from_secs(4) });
    let before = world.now();
    world.user("alice", UserAction::Hold);
    world.run_for(ms(500));
    world.user("alice", UserAction::HangUp);
    world.run_until("bob knows", SOON, |world| world.call("bob").is_none());
    assert!(world.now().saturating_since(before) >= Duration::from_secs(4));
    // The re-INVITE and what came after it were read in one go, and the connection is the same.
    assert_eq!(losses(&world, "bob"), []);
    world.finish();
}

#[test]
fn a_trickle_carries_a_call() {
    let mut world = world();
    world.stream("bob", StreamTrouble::Trickles { way: Way::Both, lasting: Duration::from_secs(20) });
    world.dial("alice", "bob");
    world.run_for(Duration::from_secs(1));
    assert!(world.call("bob").is_none(), "250 bytes of the INVITE are there");
    world.run_until("both talk", Duration::from_secs(30), |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(losses(&world, "bob"), []);
    ends_well(world);
}

#[test]
fn a_phone_learns_that_its_connection_is_half_open_when_it_sends() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::HalfOpen { lost: End::Far });
    world.run_for(Duration::from_secs(1));
    assert_eq!(losses(&world, "bob"), [], "nobody told him");
    world.user("bob", UserAction::Hold);
    world.run_until("bob holds", SOON, |world| world.call("bob").is_some_and(|call| call.local_hold));
    assert_eq!(losses(&world, "bob"), [FlowFailure::Closed]);
    // The first re-INVITE was answered with a reset, the second one came after the registration.
    assert!(world.talks("alice") && world.phone("bob").is_registered());
    ends_well(world);
}

#[test]
fn an_exchange_learns_that_a_connection_is_half_open_when_it_sends() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::HalfOpen { lost: End::Near });
    world.user("alice", UserAction::Hold);
    world.run_until("bob is held", SOON, |world| world.call("bob").is_some_and(|call| call.remote_hold));
    ends_well(world);
}

#[test]
fn a_connection_that_is_closed_with_a_code_or_without_a_word_is_opened_again() {
    for code in [Some(1000), Some(1001), Some(1009), Some(1011), None] {
        let mut world = world();
        let call = talking(&mut world);
        world.stream("bob", StreamTrouble::Closed { code });
        world.run_for(ms(100));
        world.user("bob", UserAction::Hold);
        world.run_until("alice is held", SOON, |world| {
            world.call("alice").is_some_and(|call| call.remote_hold)
        });
        assert_eq!(losses(&world, "bob"), [FlowFailure::Closed], "{code:?}");
        assert_eq!(world.phone("alice").calls[&call].status, Status::Established);
        ends_well(world);
    }
}

#[test]
fn a_server_that_refuses_the_upgrade_is_asked_less_and_less_often() {
    let mut world = world();
    world.stream("bob", StreamTrouble::Refused { lasting: Duration::from_secs(20) });
    world.reset_connection("bob");
    world.run_for(ms(100));
    world.run_until("bob is back", Duration::from_secs(60), |world| world.phone("bob").is_registered());
    let refused = told(&world, "bob", |event| match event {
        Event::Flow { state: FlowState::Down(FlowFailure::Refused), .. } => Some(()),
        _ => None,
    });
    let gaps: Vec<u64> = refused.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!((3..=5).contains(&refused.len()), "{refused:?}");
    assert!(gaps.windows(2).all(|pair| pair[0] < pair[1]), "{gaps:?}");
    talking(&mut world);
    ends_well(world);
}

#[test]
fn a_hold_that_is_taken_back_while_its_connection_breaks_has_one_outcome() {
    let mut world = world();
    let session = talking(&mut world);
    world.stream("alice", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.user("alice", UserAction::Hold);
    world.run_for(ms(5));
    assert_eq!(world.command("alice", Command::Resume { session }), Ok(()));
    world.run_for(Duration::from_secs(60));
    let holds = told(&world, "alice", |event| match event {
        Event::Hold { local, .. } => Some(*local),
        Event::HoldFailed { .. } => Some(true),
        _ => None,
    });
    assert!(matches!(holds[..], [(_, false)]), "{holds:?}\n{}", world.ladder());
    assert_eq!(losses(&world, "alice"), [FlowFailure::Closed]);
    ends_well(world);
}

#[test]
fn a_phone_that_sleeps_hears_first_and_loses_its_connection_then() {
    let story = "offhook-scenario 1\nseed 18193\nspan storm=5s settle=240s quiesce=120s\nexchange pbx\nphone alice ws\n\
                 phone bob ws gather=223\n0s alice will answer after 0s\n2.2s bob dials alice\n\
                 2.9s alice sleeps without counting for 1s\n3.9s alice loses its connection at this end\n4s alice hangs up";
    let verdict = run(&story.parse().expect("a scenario"));
    assert_eq!(verdict.violation, None);
}
