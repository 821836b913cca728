//! What can go wrong, one thing at a time: each is seen to be at work, and what a phone makes of it.

use std::time::Duration;

use offhook::{Cause, Event, RegistrationState, Status};
use offhook_exchange::Memory;
use offhook_sim::World;
use offhook_sim::scenario::{
    ClockStep, Corruption, ExchangeTrouble, Fault, MediaTrouble, PhoneSetup, SuspensionKind, Transport,
    UserAction, Way, Weather,
};
use offhook_sim::tape::EntryKind;

const SOON: Duration = Duration::from_secs(10);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn talking(world: &mut World) {
    world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.run_for(seconds(1));
}

/// How many messages that start so were sent so far.
fn sent(world: &World, start: &str) -> usize {
    let is_one =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(start.as_bytes()));
    world.tape().entries().iter().filter(|entry| is_one(&entry.what)).count()
}

fn endings(world: &World, name: &str) -> Vec<Cause> {
    let index = world.scenario().phone(name);
    let cause = |what: &EntryKind| match what {
        EntryKind::Event { phone, event: Event::Ended { why, .. } } if Some(*phone) == index => {
            Some(why.cause)
        }
        _ => None,
    };
    world.tape().entries().iter().filter_map(|entry| cause(&entry.what)).collect()
}

#[test]
fn a_phone_that_slept_for_hours_is_reached_again() {
    for how in [SuspensionKind::Asleep, SuspensionKind::AsleepClockStopped] {
        let mut world = World::builder().phone("alice").phone("bob").start();
        world.suspend_phone("bob", how, seconds(3 * 3600));
        let before = world.local_time("bob", world.now());
        world.run_for(seconds(3 * 3600 - 1));
        assert_eq!(world.local_time("bob", world.now()), before, "it does not look at its clock");
        world.run_for(seconds(120));
        let counted = world.local_time("bob", world.now()).saturating_since(before) > seconds(3 * 3600);
        assert_eq!(counted, how == SuspensionKind::Asleep);
        talking(&mut world);
        world.finish();
    }
}

#[test]
fn a_frozen_phone_takes_what_waited_for_it() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    world.suspend_phone("bob", SuspensionKind::Frozen, seconds(8));
    world.dial("alice", "bob");
    world.user("bob", UserAction::Dial("alice".to_owned()));
    world.run_for(seconds(7));
    assert!(world.call("bob").is_none(), "neither it nor its user does anything");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(world.phone("bob").calls.len(), 1, "what came again while it was frozen is one call");
    world.finish();
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut world = World::builder().udp_phone("alice").start();
    let phone = world.scenario().phone("alice").expect("she is there");
    world.fault(&Fault::SetClock { phone, step: ClockStep::Back(seconds(30)) });
    world.run_for(seconds(45));
    assert_eq!(sent(&world, "\r\n"), 0, "for her not half a minute is over:\n{}", world.ladder());
    world.run_for(seconds(15));
    assert_eq!(sent(&world, "\r\n"), 1, "{}", world.ladder());
    world.finish();
}

#[test]
fn a_clock_that_jumps_ends_what_it_waits_for() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.behaviour("bob", offhook_sim::scenario::Behaviour::Ignore);
    world.dial("alice", "bob");
    world.run_for(seconds(5));
    let phone = world.scenario().phone("alice").expect("she is there");
    world.fault(&Fault::SetClock { phone, step: ClockStep::Forward(seconds(3600)) });
    world.run_for(seconds(1));
    assert_eq!(endings(&world, "alice"), [Cause::NoAnswer], "{}", world.ladder());
    world.finish();
}

#[test]
fn all_go_to_the_second_exchange_when_the_first_is_dead_for_ever() {
    let mut world = World::builder().exchange("pbx2").phone("alice").udp_phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Dies);
    // What was sent as a datagram is only missed when it is not answered.
    world.run_until("both moved", seconds(700), |world| {
        world.contacts("pbx2", "alice") == 1 && world.contacts("pbx2", "bob") == 1
    });
    talking(&mut world);
    world.finish();
}

#[test]
fn with_no_exchange_left_nothing_is_promised_and_all_comes_to_rest() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    talking(&mut world);
    world.trouble_exchange("pbx", ExchangeTrouble::Dies);
    world.run_for(SOON);
    world.finish();
}

#[test]
fn a_phone_that_is_parted_from_one_exchange_finds_the_other() {
    for way in [Way::Both, Way::Up, Way::Down] {
        let mut world = World::builder().exchange("pbx2").phone("alice").phone("bob").start();
        let phone = world.scenario().phone("alice").expect("she is there");
        world.fault(&Fault::Partition { phone, exchange: 0, way, lasting: None });
        world.run_for(seconds(120));
        assert_eq!((world.contacts("pbx2", "alice"), world.contacts("pbx", "bob")), (1, 1), "{way}");
        world.finish();
    }
}

#[test]
fn who_is_refused_comes_back_when_told() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    talking(&mut world);
    let retry_after = seconds(20);
    world.trouble_exchange("pbx", ExchangeTrouble::Refuses { retry_after, lasting: seconds(30) });
    world.reset_connection("bob");
    world.run_for(seconds(2));
    let state = world.phone("bob").registration;
    let Some(RegistrationState::Waiting { until, why, .. }) = state else { panic!("{state:?}") };
    assert_eq!(why.code, Some(503));
    assert!(until.saturating_since(world.local_time("bob", world.now())) > seconds(17), "{until:?}");
    world.user("alice", UserAction::Hold);
    world.run_for(seconds(1));
    assert!(world.talks("alice"), "what belongs to a call is not refused");
    world.run_until("bob is back", seconds(80), |world| world.phone("bob").is_registered());
    world.finish();
}

/// RFC 7616 §3.3: a few times, and later again, for the password is right.
#[test]
fn an_exchange_whose_nonces_are_always_stale_is_asked_now_and_then() {
    let mut world = World::builder().phone("alice").cold();
    world.trouble_exchange("pbx", ExchangeTrouble::StaleNonces { lasting: seconds(20) });
    world.run_for(seconds(1));
    assert_eq!(sent(&world, "REGISTER"), 5, "one without credentials, and four with:\n{}", world.ladder());
    world.run_for(seconds(58));
    assert_eq!(sent(&world, "REGISTER"), 12, "the budget of a minute:\n{}", world.ladder());
    world.run_until("she is registered", SOON, |world| world.contacts("pbx", "alice") == 1);
    world.finish();
}

#[test]
fn an_exchange_that_answers_after_half_a_minute_is_given_up_and_found_again() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Lags { by: seconds(35), lasting: seconds(60) });
    world.dial("alice", "bob");
    world.run_for(seconds(34));
    assert_eq!(endings(&world, "alice"), [Cause::TimedOut], "{}", world.ladder());
    world.run_for(seconds(90));
    talking(&mut world);
    world.finish();
}

#[test]
fn a_frozen_exchange_does_everything_later() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Freezes { lasting: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(5));
    assert_eq!(sent(&world, "INVITE"), 1, "{}", world.ladder());
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.finish();
}

#[test]
fn an_exchange_may_forget_one_thing_and_know_the_rest() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Nonces));
    talking(&mut world);
    assert_eq!(world.contacts("pbx", "bob"), 1, "a stale nonce is no reason to fail");
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Bindings));
    assert_eq!(world.contacts("pbx", "bob"), 0);
    world.user("alice", UserAction::HangUp);
    world.run_until("bob knows", SOON, |world| world.call("bob").is_none());
    world.run_for(seconds(600));
    assert_eq!(world.contacts("pbx", "bob"), 1, "he refreshed");
    world.behaviour("bob", offhook_sim::scenario::Behaviour::Answer { after: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(1));
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Transactions));
    let finds_its_way = "the answer says itself where it belongs";
    world.run_until(finds_its_way, SOON, |world| world.talks("alice") && world.talks("bob"));
    world.finish();
}

#[test]
fn a_deaf_engine_is_waited_for_as_long_as_a_peer() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    let phone = world.scenario().phone("alice").expect("she is there");
    world.fault(&Fault::Media { phone, trouble: MediaTrouble::Unresponsive, lasting: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(119));
    assert_eq!(world.call("alice").map(|call| call.status), Some(Status::Initial));
    world.run_for(seconds(3));
    assert!(world.call("alice").is_none(), "{}", world.ladder());
    world.finish();
}

#[test]
fn an_answer_of_the_engine_may_come_after_the_end_of_its_call() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    let phone = world.scenario().phone("alice").expect("she is there");
    let trouble = MediaTrouble::Slow(seconds(60));
    world.fault(&Fault::Media { phone, trouble, lasting: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(1));
    world.user("alice", UserAction::HangUp);
    world.run_for(seconds(90));
    assert_eq!(sent(&world, "INVITE"), 0, "{}", world.ladder());
    world.finish();
}

#[test]
fn a_phone_alone_can_call_itself() {
    let mut world = World::builder().setup(PhoneSetup::new("alice")).start();
    world.dial("alice", "alice");
    world.run_until("it talks to itself", SOON, |world| {
        let talks = |call: &&offhook_sim::node::Call| call.status == Status::Established;
        world.phone("alice").calls.values().filter(talks).count() == 2
    });
    world.finish();
}

#[test]
fn a_phone_behind_another_port_is_reached_when_it_has_registered_again() {
    let setup = PhoneSetup { transport: Transport::Udp, expires: seconds(60), ..PhoneSetup::new("bob") };
    let mut world = World::builder().phone("alice").setup(setup).start();
    let phone = world.scenario().phone("bob").expect("he is there");
    world.fault(&Fault::Rebind { phone });
    let lost = world.dial("alice", "bob");
    world.run_for(seconds(5));
    assert!(world.call("bob").is_none(), "what is sent to the old port is lost:\n{}", world.ladder());
    world.user("alice", UserAction::HangUp);
    world.run_for(seconds(60));
    assert!(!world.phone("alice").calls.contains_key(&lost));
    talking(&mut world);
    world.fault(&Fault::Rebind { phone });
    world.user("bob", UserAction::HangUp);
    world.run_until("what he sends arrives", SOON, |world| world.call("alice").is_none());
    world.finish();
}

#[test]
fn keep_alives_hold_a_translation_of_thirty_seconds() {
    for (nat, holds) in [(30, true), (15, false)] {
        let nat = Some(seconds(nat));
        let setup = PhoneSetup { transport: Transport::Udp, nat, ..PhoneSetup::new("bob") };
        let mut world = World::builder().phone("alice").setup(setup).start();
        world.run_for(seconds(199));
        world.dial("alice", "bob");
        world.run_for(seconds(5));
        assert_eq!(world.talks("bob"), holds, "{}", world.ladder());
        world.finish();
    }
}

#[test]
fn in_a_burst_nothing_gets_through_and_after_it_everything() {
    let weather = Weather { bursts: 1000, ..Weather::CLEAR };
    let setup = PhoneSetup { transport: Transport::Udp, weather, ..PhoneSetup::new("alice") };
    let mut world = World::builder().setup(setup).cold();
    world.run_for(seconds(30));
    let lost =
        |what: &EntryKind| matches!(what, EntryKind::Sent { arrivals, .. } if arrivals.first.is_none());
    let lost = world.tape().entries().iter().filter(|entry| lost(&entry.what)).count();
    assert!(lost > 3, "one after another is lost:\n{}", world.ladder());
    world.weather("alice", Weather::CLEAR);
    world.run_for(seconds(60));
    assert!(world.phone("alice").is_registered());
    world.finish();
}

#[test]
fn what_a_middlebox_breaks_harms_for_a_while_and_nobody_for_ever() {
    for corruption in Corruption::ALL {
        for way in [Way::Up, Way::Down] {
            let mut world = World::builder().udp_phone("alice").phone("bob").start();
            let phone = world.scenario().phone("bob").expect("he is there");
            world.fault(&Fault::Tamper { phone, corruption, share: 1000, way, lasting: seconds(20) });
            world.dial("alice", "bob");
            world.run_for(seconds(2));
            world.dial("bob", "alice");
            world.run_for(seconds(18));
            assert!(world.is_corrupted() || corruption == Corruption::Bulk, "{corruption} {way}");
            world.reset_connection("bob");
            world.run_for(seconds(200));
            for name in ["alice", "bob"] {
                world.user(name, UserAction::HangUp);
                world.user(name, UserAction::HangUp);
            }
            world.run_for(seconds(100));
            talking(&mut world);
            world.finish();
        }
    }
}
