use super::*;
use std::time::Duration;

fn servers(config: &mut Config, servers: &[(&str, u16)]) {
    config.accounts[0].servers = servers
        .iter()
        .map(|(target, weight)| Server::new(target.parse().expect("a hop")).with_weight(*weight))
        .collect();
}

fn unregistered(config: &mut Config) {
    config.accounts[0].register = false;
}

#[test]
fn an_account_connects_and_emits_events() {
    let mut world = World::new(unregistered);
    assert_eq!(world.connections, [ConnectionState::Connecting]);
    assert!(world.line.path().is_none());
    world.connect();
    assert_eq!(world.connections, [ConnectionState::Connecting, ConnectionState::Up]);
    assert!(world.sent.is_empty());
    assert!(world.states.is_empty(), "connected is not registered");
    assert!(world.line.contact().ends_with(b".invalid;transport=ws>"));
}

#[test]
fn over_udp_via_and_contact_have_the_local_address() {
    let mut world = World::new(|config| {
        unregistered(config);
        servers(config, &[("udp://pbx.example.com", 0)]);
    });
    world.connect();
    assert!(world.line.contact().ends_with(b"@192.0.2.1:5060>"));
    assert_eq!(world.line.path().expect("up").sent_by, "192.0.2.1:5060");
}

#[test]
fn servers_are_tried_by_weight_in_rotation() {
    let mut world = World::new(|config| {
        servers(config, &[("ws://light", 1), ("ws://heavy", 9), ("ws://heavy-too", 9)]);
    });
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.push(world.opened.last().expect("opened").1.clone());
        world.refuse();
        world.step();
    }
    assert_eq!(turns, ["heavy", "heavy-too", "light", "heavy"]);
}

#[test]
fn an_account_without_a_server_does_not_connect() {
    let mut world = World::new(|config| config.accounts[0].servers.clear());
    assert_eq!((world.opened.len(), world.timers()), (0, 0));
    world.register();
    assert_eq!(world.opened, []);
}

#[test]
fn a_connection_attempt_times_out() {
    let mut world = World::new(unregistered);
    let (connection, _) = world.opened[0];
    world.run(9.9);
    assert_eq!(world.closed, []);
    world.run(10.0);
    assert_eq!(world.closed, [connection]);
    assert_eq!(
        world.connections,
        [ConnectionState::Connecting, ConnectionState::Down(ConnectionFailure::TimedOut)]
    );
    assert!(!world.line.owns(connection));
    let before = world.connections.len();
    world.connection(connection, ConnectionChange::Up { local: None });
    assert_eq!(world.connections.len(), before, "news of a dead connection are ignored");
}

/// Doubled, capped, and from the upper half.
#[test]
fn back_off_doubles_up_to_a_cap() {
    let mut world = World::new(unregistered);
    let mut waits = Vec::new();
    for _ in 0..9 {
        world.refuse();
        let then = world.bench.now;
        world.step();
        waits.push(seconds(then, world.bench.now));
    }
    for (wait, full) in waits.iter().zip([2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]) {
        assert!((full / 2.0..=full).contains(wait), "{waits:?}");
    }
    assert!(waits[5..].windows(2).all(|pair| pair[0] != pair[1]), "jitter: {waits:?}");
}

#[test]
fn a_lost_flow_is_reopened_immediately_unless_it_was_short() {
    let mut world = World::new(unregistered);
    world.connect();
    let first = world.line.path().expect("up").connection;
    world.run(100.0);
    world.lose();
    assert_eq!(world.lost, [first]);
    assert_eq!(world.opened.len(), 1, "at once");
    let mut opened = 0;
    while world.bench.now < at(200.0) {
        world.connect();
        world.lose();
        world.step();
        opened += 1;
    }
    assert!(opened < 10, "{opened} connections in 100 s");
}

#[test]
fn keep_alives_are_sent_at_80_to_100_percent_of_the_interval() {
    for (target, ping) in [("ws://pbx", &b"\r\n\r\n"[..]), ("udp://pbx", b"\r\n")] {
        let mut world = World::new(|config| {
            unregistered(config);
            servers(config, &[(target, 0)]);
        });
        world.connect();
        world.run(250.0);
        assert!((10..=13).contains(&world.pings.len()), "{:?}", world.pings);
        let mut last = Instant::ZERO;
        for (at, data) in &world.pings {
            assert!((20.0..=25.0).contains(&seconds(last, *at)));
            assert_eq!(data, ping);
            last = *at;
        }
        assert_eq!(world.lost, [], "no keep-alive was ever answered, so a missing answer means nothing");
    }
}

#[test]
fn a_missing_pong_closes_a_flow_that_had_one_before() {
    let mut world = World::new(unregistered);
    world.connect();
    let connection = world.line.path().expect("up").connection;
    world.line.keep_alive_received(&mut world.bench.cx(), KeepAlive::Pong);
    world.run(25.0);
    let pinged = world.pings[0].0;
    world.line.on_traffic(&mut world.bench.cx());
    world.run(44.9);
    assert_eq!(world.lost, [], "anything that comes in is an answer");
    let pinged_again = world.pings[1].0;
    assert!(pinged_again > pinged);
    world.run(seconds(Instant::ZERO, pinged_again) + 9.999);
    assert_eq!(world.lost, []);
    world.run(seconds(Instant::ZERO, pinged_again) + 10.0);
    assert_eq!((&world.lost[..], &world.closed[..]), (&[connection][..], &[connection][..]));
    assert!(world.connections.contains(&ConnectionState::Down(ConnectionFailure::TimedOut)));
    assert_eq!(world.opened.len(), 1, "the next one at once");
}

#[test]
fn a_ping_is_answered_over_a_connection_only() {
    for (target, pongs) in [("ws://pbx", 1), ("udp://pbx", 0)] {
        let mut world = World::new(|config| {
            unregistered(config);
            servers(config, &[(target, 0)]);
        });
        world.connect();
        world.line.keep_alive_received(&mut world.bench.cx(), KeepAlive::Ping);
        world.collect();
        assert_eq!(world.pings.len(), pongs);
    }
}

#[test]
fn a_closed_flow_leaves_no_timer() {
    let mut world = World::new(|config| {
        unregistered(config);
        config.registration.keep_alive = Duration::from_secs(1);
    });
    world.connect();
    world.line.keep_alive_received(&mut world.bench.cx(), KeepAlive::Pong);
    world.run(1.5);
    world.lose();
    assert_eq!(world.timers(), 1, "the back-off");
    world.step();
    assert_eq!(world.timers(), 1, "the limit of the attempt");
}
