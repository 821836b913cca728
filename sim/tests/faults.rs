//! Single faults and the reaction of phones.

use std::time::Duration;

use offhook::{CallEvent, Cause, Event, RegistrationState, Status};
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

/// The number of sent messages with this prefix.
fn sent(world: &World, start: &str) -> usize {
    let is_one =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(start.as_bytes()));
    world.tape().entries().iter().filter(|entry| is_one(&entry.what)).count()
}

fn endings(world: &World, name: &str) -> Vec<Cause> {
    let index = world.scenario().phone(name);
    let cause = |what: &EntryKind| match what {
        EntryKind::Event { phone, event: Event::Call { event: CallEvent::Ended(why), .. } }
            if Some(*phone) == index =>
        {
            Some(why.cause)
        }
        _ => None,
    };
    world.tape().entries().iter().filter_map(|entry| cause(&entry.what)).collect()
}

#[test]
fn a_phone_is_reachable_after_hours_of_sleep() {
    for how in [SuspensionKind::Asleep, SuspensionKind::AsleepClockStopped] {
        let mut world = World::builder().phone("alice").phone("bob").start();
        world.suspend_phone("bob", how, seconds(3 * 3600));
        let before = world.local_time("bob", world.now());
        world.run_for(seconds(3 * 3600 - 1));
        assert_eq!(world.local_time("bob", world.now()), before, "the clock is not read");
        world.run_for(seconds(120));
        let counted = world.local_time("bob", world.now()).saturating_since(before) > seconds(3 * 3600);
        assert_eq!(counted, how == SuspensionKind::Asleep);
        talking(&mut world);
        world.finish();
    }
}

#[test]
fn a_frozen_phone_handles_deferred_messages() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    world.suspend_phone("bob", SuspensionKind::Frozen, seconds(8));
    world.dial("alice", "bob");
    world.user("bob", UserAction::Dial("alice".to_owned()));
    world.run_for(seconds(7));
    assert!(world.call("bob").is_none(), "phone and user are frozen");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    assert_eq!(world.phone("bob").calls.len(), 1, "retransmissions during the freeze make one call");
    world.finish();
}

#[test]
fn time_stands_still_after_a_step_back() {
    let mut world = World::builder().udp_phone("alice").start();
    let phone = world.scenario().phone("alice").expect("a phone of that name");
    world.fault(&Fault::SetClock { phone, step: ClockStep::Back(seconds(30)) });
    world.run_for(seconds(45));
    assert_eq!(sent(&world, "\r\n"), 0, "less than half a minute on its clock:\n{}", world.ladder());
    world.run_for(seconds(15));
    assert_eq!(sent(&world, "\r\n"), 1, "{}", world.ladder());
    world.finish();
}

#[test]
fn a_step_forward_expires_timers() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.behaviour("bob", offhook_sim::scenario::Behaviour::Ignore);
    world.dial("alice", "bob");
    world.run_for(seconds(5));
    let phone = world.scenario().phone("alice").expect("a phone of that name");
    world.fault(&Fault::SetClock { phone, step: ClockStep::Forward(seconds(3600)) });
    world.run_for(seconds(1));
    assert_eq!(endings(&world, "alice"), [Cause::NoAnswer], "{}", world.ladder());
    world.finish();
}

#[test]
fn phones_fail_over_from_a_dead_exchange() {
    let mut world = World::builder().exchange("pbx2").phone("alice").udp_phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Dies);
    // Over UDP a phone notices only when a refresh is not answered.
    world.run_until("both moved", seconds(700), |world| {
        world.contacts("pbx2", "alice") == 1 && world.contacts("pbx2", "bob") == 1
    });
    talking(&mut world);
    world.finish();
}

#[test]
fn calls_end_without_any_exchange() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    talking(&mut world);
    world.trouble_exchange("pbx", ExchangeTrouble::Dies);
    world.run_for(SOON);
    world.finish();
}

#[test]
fn a_partitioned_phone_fails_over() {
    for way in [Way::Both, Way::Up, Way::Down] {
        let mut world = World::builder().exchange("pbx2").phone("alice").phone("bob").start();
        let phone = world.scenario().phone("alice").expect("a phone of that name");
        world.fault(&Fault::Partition { phone, exchange: 0, way, lasting: None });
        world.run_for(seconds(120));
        assert_eq!((world.contacts("pbx2", "alice"), world.contacts("pbx", "bob")), (1, 1), "{way}");
        world.finish();
    }
}

#[test]
fn retry_after_is_obeyed() {
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
    assert!(world.talks("alice"), "in-dialog requests are not refused");
    world.run_until("bob is back", seconds(80), |world| world.phone("bob").is_registered());
    world.finish();
}

/// RFC 7616 §3.3: a limited number of times, and again later.
#[test]
fn stale_nonces_are_retried_within_the_flood_budget() {
    let mut world = World::builder().phone("alice").cold();
    world.trouble_exchange("pbx", ExchangeTrouble::StaleNonces { lasting: seconds(20) });
    world.run_for(seconds(1));
    assert_eq!(sent(&world, "REGISTER"), 5, "one without credentials, and four with:\n{}", world.ladder());
    world.run_for(seconds(58));
    assert_eq!(sent(&world, "REGISTER"), 12, "the budget of a minute:\n{}", world.ladder());
    world.run_until("alice is registered", SOON, |world| world.contacts("pbx", "alice") == 1);
    world.finish();
}

#[test]
fn an_exchange_with_a_lag_of_35_s_times_out_and_recovers() {
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
fn a_frozen_exchange_handles_messages_later() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Freezes { lasting: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(5));
    assert_eq!(sent(&world, "INVITE"), 1, "{}", world.ladder());
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.finish();
}

#[test]
fn calls_survive_the_loss_of_parts_of_the_state() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Nonces));
    talking(&mut world);
    assert_eq!(world.contacts("pbx", "bob"), 1, "a stale nonce is not a failure");
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Bindings));
    assert_eq!(world.contacts("pbx", "bob"), 0);
    world.user("alice", UserAction::HangUp);
    world.run_until("bob knows", SOON, |world| world.call("bob").is_none());
    world.run_for(seconds(600));
    assert_eq!(world.contacts("pbx", "bob"), 1, "after a refresh");
    world.behaviour("bob", offhook_sim::scenario::Behaviour::Answer { after: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(1));
    world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Transactions));
    let condition = "the 2xx is forwarded without a transaction";
    world.run_until(condition, SOON, |world| world.talks("alice") && world.talks("bob"));
    world.finish();
}

#[test]
fn an_unresponsive_engine_has_the_no_answer_time_out() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    let phone = world.scenario().phone("alice").expect("a phone of that name");
    world.fault(&Fault::Media { phone, trouble: MediaTrouble::Unresponsive, lasting: seconds(5) });
    world.dial("alice", "bob");
    world.run_for(seconds(119));
    assert_eq!(world.call("alice").map(|call| call.status), Some(Status::Initial));
    world.run_for(seconds(3));
    assert!(world.call("alice").is_none(), "{}", world.ladder());
    world.finish();
}

#[test]
fn an_effect_may_finish_after_its_call() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    let phone = world.scenario().phone("alice").expect("a phone of that name");
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
fn a_phone_can_call_itself() {
    let mut world = World::builder().setup(PhoneSetup::new("alice")).start();
    world.dial("alice", "alice");
    world.run_until("it talks to itself", SOON, |world| {
        let talks = |call: &&offhook_sim::node::Call| call.status == Status::Established;
        world.phone("alice").calls.values().filter(talks).count() == 2
    });
    world.finish();
}

#[test]
fn a_phone_is_reachable_after_a_nat_rebinding_and_a_refresh() {
    let setup = PhoneSetup { transport: Transport::Udp, expires: seconds(60), ..PhoneSetup::new("bob") };
    let mut world = World::builder().phone("alice").setup(setup).start();
    let phone = world.scenario().phone("bob").expect("a phone of that name");
    world.fault(&Fault::Rebind { phone });
    let lost = world.dial("alice", "bob");
    world.run_for(seconds(5));
    assert!(world.call("bob").is_none(), "datagrams to the old port are lost:\n{}", world.ladder());
    world.user("alice", UserAction::HangUp);
    world.run_for(seconds(60));
    assert!(!world.phone("alice").calls.contains_key(&lost));
    talking(&mut world);
    world.fault(&Fault::Rebind { phone });
    world.user("bob", UserAction::HangUp);
    world.run_until("requests of bob arrive", SOON, |world| world.call("alice").is_none());
    world.finish();
}

#[test]
fn keep_alives_refresh_a_nat_mapping_of_30_s() {
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
fn a_burst_loses_datagrams_until_it_ends() {
    let weather = Weather { bursts: 1000, ..Weather::CLEAR };
    let setup = PhoneSetup { transport: Transport::Udp, weather, ..PhoneSetup::new("alice") };
    let mut world = World::builder().setup(setup).cold();
    world.run_for(seconds(30));
    let lost =
        |what: &EntryKind| matches!(what, EntryKind::Sent { arrivals, .. } if arrivals.first.is_none());
    let lost = world.tape().entries().iter().filter(|entry| lost(&entry.what)).count();
    assert!(lost > 3, "consecutive losses:\n{}", world.ladder());
    world.weather("alice", Weather::CLEAR);
    world.run_for(seconds(60));
    assert!(world.phone("alice").is_registered());
    world.finish();
}

#[test]
fn phones_recover_from_corrupted_messages() {
    for corruption in Corruption::ALL {
        for way in [Way::Up, Way::Down] {
            let mut world = World::builder().udp_phone("alice").phone("bob").start();
            let phone = world.scenario().phone("bob").expect("a phone of that name");
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
