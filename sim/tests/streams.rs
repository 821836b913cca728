//! Streams that are split, stall or break.

use std::time::Duration;

use offhook::{
    AccountEvent, CallCommand, CallEvent, Command, ConnectionFailure, ConnectionState, Event, SessionId,
    Status,
};
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

/// Ends the call and the world.
fn ends_well(mut world: World) {
    world.user("alice", UserAction::HangUp);
    world.run_until("it is over", SOON, |world| world.call("alice").is_none() && world.call("bob").is_none());
    world.finish();
}

/// Events of a phone that match, with the time in milliseconds.
fn told<T>(world: &World, name: &str, pick: impl Fn(&Event) -> Option<T>) -> Vec<(u64, T)> {
    let index = world.scenario().phone(name);
    let entries = world.tape().entries().iter();
    let events = entries.filter_map(|entry| match &entry.what {
        EntryKind::Event { phone, event } if Some(*phone) == index => Some((entry.at, event)),
        _ => None,
    });
    events.filter_map(|(at, event)| Some((at.as_nanos() / 1_000_000, pick(event)?))).collect()
}

/// The reasons for lost connections of a phone.
fn losses(world: &World, name: &str) -> Vec<ConnectionFailure> {
    let down = told(world, name, |event| match event {
        Event::Account {
            event: AccountEvent::Connection { state: ConnectionState::Down(why), .. }, ..
        } => Some(*why),
        _ => None,
    });
    down.into_iter().map(|(_, why)| why).collect()
}

/// The number of sent messages with this prefix.
fn sent(world: &World, start: &str) -> usize {
    let starts =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(start.as_bytes()));
    world.tape().entries().iter().filter(|entry| starts(&entry.what)).count()
}

#[test]
fn framing_and_segmentation_do_not_affect_a_call() {
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
fn a_reset_within_an_invite_ends_the_call() {
    let mut world = world();
    world.stream("alice", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.dial("alice", "bob");
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    let ended = told(&world, "alice", |event| match event {
        Event::Call { event: CallEvent::Ended(why), .. } => Some(why.cause),
        _ => None,
    });
    assert!(matches!(ended[..], [(_, offhook::Cause::NotConnected)]), "{ended:?}");
    assert_eq!(losses(&world, "alice"), [ConnectionFailure::Closed]);
    // The exchange discards the incomplete INVITE.
    assert_eq!((sent(&world, "INVITE"), sent(&world, "SIP/2.0 400")), (1, 0), "{}", world.ladder());
    world.run_until("alice is back", SOON, |world| world.phone("alice").is_registered());
    talking(&mut world);
    ends_well(world);
}

#[test]
fn a_2xx_is_retransmitted_over_the_next_connection() {
    let mut world = world();
    world.dial("alice", "bob");
    world.run_until("bob rings", SOON, |world| world.call("bob").is_some());
    world.run_for(ms(100));
    // Bob's 200 breaks off on its way to the exchange.
    world.stream("bob", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(losses(&world, "bob"), [ConnectionFailure::Closed]);
    ends_well(world);
}

#[test]
fn stalled_messages_arrive_in_order() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::Stalls { way: Way::Down, lasting: Duration::from_secs(4) });
    let before = world.now();
    world.user("alice", UserAction::Hold);
    world.run_for(ms(500));
    world.user("alice", UserAction::HangUp);
    world.run_until("bob knows", SOON, |world| world.call("bob").is_none());
    assert!(world.now().saturating_since(before) >= Duration::from_secs(4));
    // The re-INVITE and the BYE were read together, on the same connection.
    assert_eq!(losses(&world, "bob"), []);
    world.finish();
}

#[test]
fn a_call_works_over_a_trickle() {
    let mut world = world();
    world.stream("bob", StreamTrouble::Trickles { way: Way::Both, lasting: Duration::from_secs(20) });
    world.dial("alice", "bob");
    world.run_for(Duration::from_secs(1));
    assert!(world.call("bob").is_none(), "250 bytes of the INVITE have arrived");
    world.run_until("both talk", Duration::from_secs(30), |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(losses(&world, "bob"), []);
    ends_well(world);
}

#[test]
fn a_phone_detects_a_half_open_connection_when_it_sends() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::HalfOpen { lost: End::Far });
    world.run_for(Duration::from_secs(1));
    assert_eq!(losses(&world, "bob"), [], "without notice");
    world.user("bob", UserAction::Hold);
    world.run_until("bob holds", SOON, |world| world.call("bob").is_some_and(|call| call.local_hold));
    assert_eq!(losses(&world, "bob"), [ConnectionFailure::Closed]);
    // The first re-INVITE got a reset, the second one followed the registration.
    assert!(world.talks("alice") && world.phone("bob").is_registered());
    ends_well(world);
}

#[test]
fn an_exchange_detects_a_half_open_connection_when_it_sends() {
    let mut world = world();
    talking(&mut world);
    world.stream("bob", StreamTrouble::HalfOpen { lost: End::Near });
    world.user("alice", UserAction::Hold);
    world.run_until("bob is held", SOON, |world| world.call("bob").is_some_and(|call| call.remote_hold));
    ends_well(world);
}

#[test]
fn a_closed_connection_is_reopened() {
    for code in [Some(1000), Some(1001), Some(1009), Some(1011), None] {
        let mut world = world();
        let call = talking(&mut world);
        world.stream("bob", StreamTrouble::Closed { code });
        world.run_for(ms(100));
        world.user("bob", UserAction::Hold);
        world.run_until("alice is held", SOON, |world| {
            world.call("alice").is_some_and(|call| call.remote_hold)
        });
        assert_eq!(losses(&world, "bob"), [ConnectionFailure::Closed], "{code:?}");
        assert_eq!(world.phone("alice").calls[&call].status, Status::Established);
        ends_well(world);
    }
}

#[test]
fn refused_upgrades_are_retried_with_back_off() {
    let mut world = world();
    world.stream("bob", StreamTrouble::Refused { lasting: Duration::from_secs(20) });
    world.reset_connection("bob");
    world.run_for(ms(100));
    world.run_until("bob is back", Duration::from_secs(60), |world| world.phone("bob").is_registered());
    let refused = told(&world, "bob", |event| match event {
        Event::Account {
            event: AccountEvent::Connection { state: ConnectionState::Down(ConnectionFailure::Refused), .. },
            ..
        } => Some(()),
        _ => None,
    });
    let gaps: Vec<u64> = refused.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!((3..=5).contains(&refused.len()), "{refused:?}");
    assert!(gaps.windows(2).all(|pair| pair[0] < pair[1]), "{gaps:?}");
    talking(&mut world);
    ends_well(world);
}

#[test]
fn a_superseded_hold_on_a_broken_connection_has_one_outcome() {
    let mut world = world();
    let session = talking(&mut world);
    world.stream("alice", StreamTrouble::Breaks { way: Way::Up, after: 300 });
    world.user("alice", UserAction::Hold);
    world.run_for(ms(5));
    assert_eq!(world.command("alice", Command::Call { session, command: CallCommand::Resume }), Ok(()));
    world.run_for(Duration::from_secs(60));
    let holds = told(&world, "alice", |event| match event {
        Event::Call { event: CallEvent::Hold { local, .. }, .. } => Some(*local),
        Event::Call { event: CallEvent::HoldFailed { .. }, .. } => Some(true),
        _ => None,
    });
    assert!(matches!(holds[..], [(_, false)]), "{holds:?}\n{}", world.ladder());
    assert_eq!(losses(&world, "alice"), [ConnectionFailure::Closed]);
    ends_well(world);
}

#[test]
fn deferred_data_is_handled_before_the_loss_of_its_connection() {
    let story = "offhook-scenario 1\nseed 18193\nspan storm=5s settle=240s quiesce=120s\nexchange pbx\nphone alice ws\n\
                 phone bob ws gather=223\n0s alice will answer after 0s\n2.2s bob dials alice\n\
                 2.9s alice sleeps without counting for 1s\n3.9s alice loses its connection at this end\n4s alice hangs up";
    let verdict = run(&story.parse().expect("a scenario"));
    assert_eq!(verdict.violation, None);
}
