//! Unusual registrars, with all oracles.

use std::time::Duration;

use offhook::{Cause, RegistrationFailure, RegistrationState};
use offhook_sim::scenario::{End, ExchangeTrouble, PhoneSetup, StreamTrouble, UserAction};
use offhook_sim::tape::{EntryKind, Node};
use offhook_sim::{World, oracle};

const SOON: Duration = Duration::from_secs(10);

fn world(setting: &str) -> World {
    let scenario = format!("offhook-scenario 1\n{setting}\n").parse().expect("a scenario");
    World::new(scenario, oracle::all(), true)
}

fn registered(world: &mut World) {
    world.run_until("alice is registered", SOON, |world| world.phone("alice").is_registered());
}

/// The number of sent messages with this prefix.
fn sent(world: &World, start: &str) -> usize {
    let is_one =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(start.as_bytes()));
    world.tape().entries().iter().filter(|entry| is_one(&entry.what)).count()
}

/// RFC 3261 §10.2.8: the phone uses the Min-Expires of the 423 from then on.
#[test]
fn min_expires_of_a_423_is_used() {
    let mut world = world("exchange pbx min-expires=300s\nphone alice ws expires=60s");
    registered(&mut world);
    assert_eq!(sent(&world, "SIP/2.0 423"), 1, "{}", world.ladder());
    world.run_for(Duration::from_secs(200));
    assert!(world.phone("alice").is_registered() && world.contacts("pbx", "alice") == 1);
    world.run_for(Duration::from_secs(80));
    assert_eq!(sent(&world, "SIP/2.0 423"), 1, "also for the refresh");
    world.finish();
}

#[test]
fn min_expires_may_increase_before_a_refresh() {
    let mut world = World::builder()
        .setup(PhoneSetup { expires: Duration::from_secs(60), ..PhoneSetup::new("alice") })
        .start();
    let (least, lasting) = (Duration::from_secs(300), Duration::from_secs(100));
    world.trouble_exchange("pbx", ExchangeTrouble::MinExpires { least, lasting });
    world.run_for(Duration::from_secs(56));
    assert_eq!(sent(&world, "SIP/2.0 423"), 1, "{}", world.ladder());
    assert!(world.phone("alice").is_registered());
    world.finish();
}

#[test]
fn a_200_without_a_binding_is_retried() {
    let mut world = World::builder().phone("alice").cold();
    world.trouble_exchange("pbx", ExchangeTrouble::GrantsNothing { lasting: Duration::from_secs(4) });
    let waits = |world: &World| {
        let why = |why: &RegistrationFailure| (why.cause, why.code) == (Cause::OtherFailure, Some(200));
        matches!(world.phone("alice").registration, Some(RegistrationState::Waiting { why: failure, .. }) if why(&failure))
    };
    world.run_until("alice waits", SOON, waits);
    assert_eq!(world.contacts("pbx", "alice"), 0);
    registered(&mut world);
    world.finish();
}

/// RFC 3261 §17.1.2.2: over UDP a request with a provisional response is retransmitted every 4 s.
#[test]
fn a_100_to_a_non_invite_slows_retransmission() {
    let setting = "exchange pbx says-trying\nphone alice udp\nphone bob ws\n";
    let mut world = world(setting);
    world.run_for(SOON);
    assert_eq!(sent(&world, "SIP/2.0 100"), 4, "{}", world.ladder());
    world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.cut("bob", Duration::from_secs(20));
    world.user("alice", UserAction::HangUp);
    world.run_for(Duration::from_secs(10));
    // The current timer expires, then every 4 s, instead of after 1.5 and 3.5 s.
    let by_alice = |what: &EntryKind| matches!(what, EntryKind::Sent { from: Node::Phone(0), data, .. } if data.starts_with(b"BYE"));
    let byes = world.tape().entries().iter().filter(|entry| by_alice(&entry.what)).count();
    assert_eq!(byes, 4, "{}", world.ladder());
    world.finish();
}

/// A host that moves to another network loses its sockets without notice to the exchange.
#[test]
fn a_phone_without_its_socket_opens_another() {
    let mut world = World::builder().udp_phone("alice").phone("bob").start();
    world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.stream("alice", StreamTrouble::HalfOpen { lost: End::Near });
    assert!(!world.phone("alice").is_registered());
    registered(&mut world);
    world.user("alice", UserAction::HangUp);
    world.run_until("bob knows", SOON, |world| world.call("bob").is_none());
    world.finish();
}
