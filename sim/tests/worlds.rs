//! Worlds driven by hand, with all oracles: the main features of a phone.

use std::time::Duration;

use offhook::{AccountEvent, CallEvent, DtmfPath, Event, RegistrationState, SessionId, Status};
use offhook_sim::World;
use offhook_sim::scenario::{Behaviour, PhoneSetup, Transport, UserAction, Weather};
use offhook_sim::tape::EntryKind;

const SOON: Duration = Duration::from_secs(10);

/// Establishes a call.
fn talking(world: &mut World) -> SessionId {
    let call = world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.run_for(Duration::from_secs(1));
    call
}

/// Events of a phone that match.
fn told<T>(world: &World, name: &str, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
    let index = world.scenario().phone(name);
    let entries = world.tape().entries().iter();
    let events = entries.filter_map(|entry| match &entry.what {
        EntryKind::Event { phone, event } if Some(*phone) == index => Some(event),
        _ => None,
    });
    events.filter_map(pick).collect()
}

fn walk(world: &World, name: &str, call: SessionId) -> Vec<Status> {
    told(world, name, |event| match event {
        Event::Call { session, event: CallEvent::Status { to, .. } } if *session == call => Some(*to),
        _ => None,
    })
}

#[test]
fn a_call_has_all_statuses_in_order() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    let call = talking(&mut world);
    world.user("alice", UserAction::HangUp);
    world.run_until("it is over", SOON, |world| world.call("alice").is_none() && world.call("bob").is_none());
    let whole = [Status::Establishing, Status::Established, Status::Terminating, Status::Idle];
    assert_eq!(walk(&world, "alice", call), whole);
    world.finish();
}

#[test]
fn hold_is_reported_at_both_ends() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    talking(&mut world);
    world.user("alice", UserAction::Hold);
    world.run_until("both know", SOON, |world| {
        let holds = world.call("alice").is_some_and(|call| call.local_hold);
        holds && world.call("bob").is_some_and(|call| call.remote_hold)
    });
    world.user("alice", UserAction::Resume);
    world.run_until("bob is not on hold", SOON, |world| {
        world.call("bob").is_some_and(|call| !call.remote_hold)
    });
    world.finish();
}

#[test]
fn both_may_hold_simultaneously() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    talking(&mut world);
    world.user("alice", UserAction::Hold);
    world.user("bob", UserAction::Hold);
    let held = |world: &World, name| world.call(name).is_some_and(|call| call.local_hold && call.remote_hold);
    world.run_until("each holds the other", SOON, |world| held(world, "alice") && held(world, "bob"));
    world.finish();
}

#[test]
fn digits_arrive_in_order_by_rtp_and_info() {
    for (path, telephone_event) in [(DtmfPath::Rtp, true), (DtmfPath::Info, true), (DtmfPath::Auto, false)] {
        let bob = PhoneSetup { telephone_event, ..PhoneSetup::new("bob") };
        let mut world = World::builder().phone("alice").setup(bob).start();
        talking(&mut world);
        let tone = Duration::from_millis(100);
        world.user("alice", UserAction::Digits { digits: "159#".to_owned(), path, tone });
        world.run_for(SOON);
        let heard = told(&world, "bob", |event| match event {
            Event::Call { event: CallEvent::Digit { digit, .. }, .. } => Some(*digit),
            _ => None,
        });
        assert_eq!(heard, ['1', '5', '9', '#'], "{path:?}\n{}", world.ladder());
        world.finish();
    }
}

#[test]
fn a_blind_transfer_connects_the_other_two() {
    let mut world = World::builder().phone("alice").phone("bob").udp_phone("carol").start();
    talking(&mut world);
    world.user("alice", UserAction::Transfer("carol".to_owned()));
    world.run_until("bob and carol talk, alice does not", SOON, |world| {
        world.talks("bob") && world.talks("carol") && world.call("alice").is_none()
    });
    world.finish();
}

#[test]
fn calls_to_unknown_and_busy_users_end() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.behaviour("bob", Behaviour::Reject { code: 486, after: Duration::ZERO });
    for to in ["nobody", "bob"] {
        world.dial("alice", to);
        world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    }
    let codes = told(&world, "alice", |event| match event {
        Event::Call { event: CallEvent::Ended(why), .. } => Some(why.code),
        _ => None,
    });
    assert_eq!(codes, [Some(404), Some(486)]);
    world.finish();
}

#[test]
fn phones_register_again_after_a_restart_of_the_exchange() {
    let mut world = World::builder().phone("alice").udp_phone("bob").start();
    world.crash_exchange("pbx", Duration::from_secs(20));
    world.run_for(Duration::from_secs(19));
    let state = world.phone("alice").registration;
    assert!(matches!(state, Some(RegistrationState::Waiting { attempt: 2.., .. })), "{state:?}");
    // Over UDP bob notices the restart at the next refresh.
    world.run_until("both are registered anew", Duration::from_secs(700), |world| {
        let at_exchange = told(world, "bob", |event| {
            matches!(event, Event::Account { event: AccountEvent::Registration(_), .. }).then_some(())
        });
        world.phone("alice").is_registered() && at_exchange.len() > 3 && world.phone("bob").is_registered()
    });
    talking(&mut world);
    world.finish();
}

#[test]
fn a_call_survives_the_loss_of_a_connection() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    talking(&mut world);
    world.reset_connection("bob");
    world.run_for(SOON);
    assert!(world.talks("alice") && world.talks("bob"), "{}", world.ladder());
    world.user("bob", UserAction::HangUp);
    world.run_until("alice knows", SOON, |world| world.call("alice").is_none());
    world.finish();
}

#[test]
fn a_wrong_password_is_sent_once() {
    let mallory = PhoneSetup { right_password: false, ..PhoneSetup::new("mallory") };
    let mut world = World::builder().setup(mallory).cold();
    world.run_for(Duration::from_secs(300));
    assert!(matches!(world.phone("mallory").registration, Some(RegistrationState::Failed(_))));
    let is_register =
        |what: &EntryKind| matches!(what, EntryKind::Sent { data, .. } if data.starts_with(b"REGISTER"));
    let attempts = world.tape().entries().iter().filter(|entry| is_register(&entry.what)).count();
    assert_eq!(attempts, 2, "one without credentials, one with them:\n{}", world.ladder());
    world.finish();
}

#[test]
fn a_call_gets_through_bad_weather() {
    let weather =
        Weather { loss: 150, duplicate: 200, late: 200, jitter: Duration::from_millis(50), ..Weather::CLEAR };
    let phone = |name| PhoneSetup { transport: Transport::Udp, weather, ..PhoneSetup::new(name) };
    for seed in 1..20 {
        let mut world = World::builder().seed(seed).setup(phone("alice")).setup(phone("bob")).start();
        world.dial("alice", "bob");
        world.run_until("both talk", Duration::from_secs(60), |world| {
            world.talks("alice") && world.talks("bob")
        });
        world.finish();
    }
}

#[test]
fn a_ladder_shows_a_call() {
    let mut world = World::builder().phone("alice").phone("bob").start();
    world.behaviour("bob", Behaviour::Answer { after: Duration::from_secs(1) });
    talking(&mut world);
    let ladder = world.ladder();
    for part in [
        "alice                         pbx                           bob\n",
        "|--INVITE #3/2 sendrecv------>|",
        "|<-180 INVITE #3/2------------|",
        "* 0.0 established",
        "|                             |--ACK #3/2------------------>|",
    ] {
        assert!(ladder.contains(part), "{part}\n{ladder}");
    }
}
