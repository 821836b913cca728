use super::*;
use crate::base::bounds;
use offhook_wire::digest::Credentials;
use std::time::Duration;

const CHALLENGE: (HeaderName, &str) =
    (HeaderName::WwwAuthenticate, "Digest realm=\"example.com\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"");
const STALE: (HeaderName, &str) = (
    HeaderName::WwwAuthenticate,
    "Digest realm=\"example.com\", nonce=\"n2\", algorithm=MD5, qop=\"auth\", stale=true",
);

fn limit(n: u32) -> impl FnOnce(&mut Config) {
    move |config| config.accounts[0].max_registration_attempts = Some(n)
}

fn failure(cause: Cause, code: Option<u16>, attempts: u32) -> RegistrationFailure {
    RegistrationFailure { cause, code, attempts }
}

impl World {
    fn waiting(&self) -> (u32, Instant, RegistrationFailure) {
        match self.state() {
            RegistrationState::Waiting { attempt, until, why, .. } => (attempt, until, why),
            other => panic!("not waiting: {other:?}"),
        }
    }

    /// Advances the time to the next REGISTER.
    fn until_asked(&mut self) {
        while self.sent.is_empty() {
            self.step();
        }
    }
}

/// RFC 3261 §10.2.
#[test]
fn a_register_has_aor_contact_and_expires() {
    let mut world = World::up(|config| config.accounts[0].display_name = Some("Alice".to_owned()));
    assert_eq!(world.states, [RegistrationState::Registering { attempt: 1 }]);
    let request = world.request();
    assert_eq!(request.method(), Some(Method::Register));
    assert_eq!(request.request_uri(), Some(&b"sip:example.com"[..]));
    assert_eq!(text(&request, HeaderName::To), "<sip:alice@example.com>");
    assert!(text(&request, HeaderName::From).starts_with("\"Alice\" <sip:alice@example.com>;tag="));
    assert_eq!(text(&request, HeaderName::CSeq), "1 REGISTER");
    assert_eq!(text(&request, HeaderName::Expires), "600");
    let contact = String::from_utf8(world.line.contact().to_vec()).expect("ASCII");
    assert_eq!(text(&request, HeaderName::Contact), format!("{contact};expires=600"));
    assert_eq!(text(&request, HeaderName::UserAgent), world.bench.config.user_agent);
    assert!(request.has_token(HeaderName::Allow, "INVITE"));
    assert_eq!(request.header(HeaderName::Authorization), None);
}

/// RFC 3261 §10.2.4: the lifetime is that of our own Contact.
#[test]
fn the_registrar_decides_the_lifetime() {
    let mut world = World::up(|_| {});
    let contact = String::from_utf8(world.line.contact().to_vec()).expect("ASCII");
    let ours = contact.trim_matches(['<', '>']).to_owned();
    let (user_host, _) = ours.split_once(';').expect("a parameter");
    let upper =
        user_host.split_once('@').map(|(user, host)| format!("{user}@{}", host.to_uppercase())).expect("@");
    for (contacts, expires, granted) in [
        (format!("<sip:other@host>;expires=7, {contact};expires=120"), Some("600"), 120.0),
        (format!("<{upper};transport=WS>;expires=130, <sip:other@host>;expires=7"), Some("600"), 130.0),
        (contact.clone(), Some("300"), 300.0),
        (format!("{contact};expires=soon"), Some("300"), 3600.0),
        ("<sip:rewritten@192.0.2.7:1234>;expires=90".to_owned(), Some("600"), 90.0),
        ("<sip:a@b>;expires=90, <sip:c@d>;expires=80".to_owned(), Some("400"), 400.0),
        (String::new(), None, 600.0),
    ] {
        let mut world = World::up(|_| {});
        let mut headers = Vec::new();
        if !contacts.is_empty() {
            headers.push((HeaderName::Contact, contacts.as_str()));
        }
        headers.extend(expires.map(|value| (HeaderName::Expires, value)));
        world.answer(200, &headers);
        assert_eq!(
            world.state(),
            RegistrationState::Registered { until: at(granted) },
            "{contacts} {expires:?}"
        );
    }
    world.answer(200, &[(HeaderName::Expires, "0")]);
    assert_eq!(world.waiting().2, failure(Cause::OtherFailure, Some(200), 1), "a 200 that grants nothing");
}

#[test]
fn a_binding_is_refreshed_between_80_and_90_percent_of_its_lifetime() {
    let mut world = World::registered(|_| {});
    let mut last = world.bench.now;
    let mut waits = Vec::new();
    for cseq in 2..22 {
        world.until_asked();
        let (at, request) = world.sent.last().expect("a REGISTER").clone();
        waits.push(seconds(last, at));
        assert_eq!(text(&request, HeaderName::CSeq), format!("{cseq} REGISTER"));
        assert_eq!(world.states, [RegistrationState::Refreshing]);
        last = at;
        world.answer(200, &[]);
        assert_eq!(world.state(), RegistrationState::Registered { until: at + Duration::from_secs(600) });
        world.forget();
    }
    waits.sort_by(f64::total_cmp);
    let (least, most) = (waits[0], waits[19]);
    assert!((480.0..490.0).contains(&least) && (530.0..=540.0).contains(&most), "not in step: {waits:?}");
}

#[test]
fn a_short_binding_is_refreshed_at_a_minimum_interval() {
    let mut world = World::up(|_| {});
    world.answer(200, &[(HeaderName::Expires, "1")]);
    world.until_asked();
    assert_eq!(world.bench.now, at(5.0));
}

#[test]
fn all_registers_share_a_call_id() {
    let mut world = World::up(|_| {});
    let first = world.sent[0].1.clone();
    world.answer(200, &[(HeaderName::Expires, "60")]);
    world.until_asked();
    assert_eq!(text(&world.request(), HeaderName::CallId), text(&first, HeaderName::CallId));
}

#[test]
fn a_challenge_gets_credentials() {
    let mut world = World::up(|_| {});
    world.answer(401, &[CHALLENGE]);
    let request = world.sent[0].1.clone();
    assert_eq!(text(&request, HeaderName::CSeq), "2 REGISTER");
    let authorization = text(&request, HeaderName::Authorization);
    let credentials = Credentials::parse(authorization.as_bytes()).expect("credentials");
    assert_eq!(credentials.uri.value(), &b"sip:example.com"[..]);
    world.answer(200, &[]);
    assert_eq!(world.states.len(), 2, "registering, registered");
}

/// RFC 3261 §22.2: pre-emptive credentials save a round trip.
#[test]
fn a_refresh_carries_credentials_with_the_next_count() {
    let mut world = World::up(|_| {});
    world.answer(401, &[CHALLENGE]);
    world.answer(200, &[(HeaderName::Expires, "60")]);
    world.until_asked();
    let authorization = text(&world.sent[0].1, HeaderName::Authorization);
    assert!(
        authorization.contains("nonce=\"n1\"") && authorization.contains("nc=00000002"),
        "{authorization}"
    );
    world.answer(401, &[STALE]);
    let authorization = text(&world.sent[0].1, HeaderName::Authorization);
    assert!(
        authorization.contains("nonce=\"n2\"") && authorization.contains("nc=00000001"),
        "{authorization}"
    );
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
}

/// RFC 3261 §17.1.2.2.
#[test]
fn a_provisional_response_changes_nothing() {
    let mut world = World::up(|_| {});
    let request = world.sent[0].1.clone();
    world.receive(message(Builder::reply(&request, 183, "Session Progress", Some(b"tag")).finish()));
    assert_eq!(world.states, [RegistrationState::Registering { attempt: 1 }]);
    world.answer(200, &[]);
    assert_eq!(world.state(), RegistrationState::Registered { until: at(600.0) });
}

#[test]
fn the_trace_has_the_transitions_of_a_registration() {
    let mut world = World::up(|_| {});
    world.answer(423, &[(HeaderName::MinExpires, "1800")]);
    world.answer(401, &[CHALLENGE]);
    world.answer(200, &[]);
    world.lose();
    world.run(3.0);
    world.connect();
    assert_eq!(
        world.bench.moves(Machine::Registration(AccountId(0))),
        ["register", "connected", "423", "challenged", "2xx", "disconnected", "connected"]
    );
}

#[test]
fn a_wrong_password_costs_two_registers_and_one_failure() {
    let mut world = World::up(|_| {});
    world.answer(401, &[CHALLENGE]);
    world.answer(401, &[CHALLENGE]);
    assert_eq!(
        world.states,
        [
            RegistrationState::Registering { attempt: 1 },
            RegistrationState::Failed(failure(Cause::Unauthorized, Some(401), 1)),
        ]
    );
    world.run(10_000.0);
    assert_eq!((world.sent.len(), world.failures().len()), (0, 1), "no storm");
}

#[test]
fn without_a_password_a_challenge_is_a_failure() {
    let mut world = World::up(|config| config.accounts[0].password = None);
    world.answer(407, &[(HeaderName::ProxyAuthenticate, CHALLENGE.1)]);
    assert_eq!(world.failures(), [failure(Cause::Unauthorized, Some(407), 1)]);
    assert!(world.sent.is_empty());
}

#[test]
fn a_stale_nonce_gets_credentials_again() {
    let mut world = World::up(|_| {});
    world.answer(401, &[CHALLENGE]);
    world.answer(401, &[STALE]);
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
    assert_eq!(world.failures(), []);
}

/// RFC 7616 §3.3: a stale nonce means that the password is right. A server that never accepts its own nonces is a temporary failure.
#[test]
fn a_server_with_only_stale_nonces_is_retried_later() {
    let mut world = World::up(|_| {});
    world.answer(401, &[CHALLENGE]);
    for _ in 0..bounds::STALE_NONCES {
        world.answer(401, &[STALE]);
    }
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 1 });
    world.answer(401, &[STALE]);
    assert_eq!(world.waiting().2, failure(Cause::OtherFailure, Some(401), 1));
    world.until_asked();
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
}

/// RFC 3261 §10.2.8.
#[test]
fn a_423_is_followed_by_a_register_with_min_expires() {
    let mut world = World::up(|_| {});
    world.answer(423, &[(HeaderName::MinExpires, "1800")]);
    let request = world.sent[0].1.clone();
    assert_eq!(text(&request, HeaderName::Expires), "1800");
    assert!(text(&request, HeaderName::Contact).ends_with(";expires=1800"));
    world.answer(401, &[CHALLENGE]);
    assert_eq!(text(&world.sent[0].1, HeaderName::Expires), "1800");
    world.answer(200, &[]);
    assert_eq!(world.state(), RegistrationState::Registered { until: at(1800.0) });
    world.forget();
    world.until_asked();
    assert_eq!(text(&world.sent[0].1, HeaderName::Expires), "1800", "and remembered");
}

#[test]
fn a_423_with_a_bad_min_expires_is_a_refusal() {
    // No interval, a shorter one than requested, the same, and one above the bound.
    for wanted in [None, Some("60"), Some("600"), Some("4294967295")] {
        let mut world = World::up(|_| {});
        let headers: Vec<_> = wanted.map(|value| (HeaderName::MinExpires, value)).into_iter().collect();
        world.answer(423, &headers);
        assert_eq!(world.failures(), [failure(Cause::Rejected, Some(423), 1)]);
    }
}

/// Another server may require a longer interval; one that requires a longer one each time must not cause a flood.
#[test]
fn a_second_423_is_retried_later() {
    let mut world = World::up(|_| {});
    world.answer(423, &[(HeaderName::MinExpires, "1800")]);
    world.answer(423, &[(HeaderName::MinExpires, "3600")]);
    let (attempt, _, why) = world.waiting();
    assert_eq!((attempt, why.cause, why.code), (2, Cause::Rejected, Some(423)));
    world.until_asked();
    assert_eq!(text(&world.sent[0].1, HeaderName::Expires), "3600");
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
}

#[test]
fn retry_after_is_obeyed_up_to_an_hour() {
    for (status, after, least, most) in [
        (503, "100", 100.0, 100.0),
        (503, "1", 1.0, 2.0),
        (404, "90", 90.0, 90.0),
        (500, "9999999", 3600.0, 3600.0),
    ] {
        let mut world = World::up(|_| {});
        world.answer(status, &[(HeaderName::RetryAfter, after)]);
        let (attempt, until, why) = world.waiting();
        assert!((least..=most).contains(&seconds(Instant::ZERO, until)), "{status} {after}: {until:?}");
        assert_eq!((attempt, why.code, why.attempts), (2, Some(status), 1));
        world.until_asked();
        assert_eq!(world.bench.now, until);
        assert_eq!(world.state(), RegistrationState::Registering { attempt: 2 });
    }
}

#[test]
fn refusals_are_temporary_or_permanent() {
    for (status, cause, passes) in [
        (302, Cause::Rejected, false),
        (400, Cause::Rejected, false),
        (403, Cause::Rejected, false),
        (404, Cause::NotFound, false),
        (408, Cause::TimedOut, true),
        (480, Cause::Unavailable, true),
        (500, Cause::OtherFailure, true),
        (503, Cause::Unavailable, true),
        (603, Cause::Rejected, false),
    ] {
        let mut world = World::up(|_| {});
        world.answer(status, &[]);
        let expected = failure(cause, Some(status), 1);
        if passes {
            assert_eq!(world.waiting().2, expected);
        } else {
            assert_eq!(world.state(), RegistrationState::Failed(expected));
            world.run(10_000.0);
            assert_eq!((world.sent.len(), world.failures().len()), (0, 1));
        }
    }
}

#[test]
fn attempts_are_counted_up_to_the_limit() {
    let mut world = World::up(limit(3));
    for attempt in 1..3 {
        world.answer(503, &[]);
        let (next, _, why) = world.waiting();
        assert_eq!((next, why), (attempt + 1, failure(Cause::Unavailable, Some(503), attempt)));
        world.until_asked();
    }
    world.answer(503, &[]);
    assert_eq!(world.failures(), [failure(Cause::Unavailable, Some(503), 3)]);
    world.run(10_000.0);
    assert_eq!((world.sent.len(), world.failures().len()), (0, 1));
}

#[test]
fn connection_failures_count_up_to_the_limit() {
    let mut world = World::new(limit(3));
    let mut auth_attempts = 0;
    while !world.opened.is_empty() {
        auth_attempts += 1;
        world.refuse();
        world.run(seconds(Instant::ZERO, world.bench.now) + 70.0);
    }
    assert_eq!(auth_attempts, 3);
    let attempts: Vec<u32> = world
        .states
        .iter()
        .filter_map(|state| match state {
            RegistrationState::Registering { attempt } => Some(*attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(world.failures(), [failure(Cause::NotConnected, None, 3)]);
    world.run(10_000.0);
    assert_eq!((world.opened.len(), world.failures().len(), world.timers()), (0, 1, 0), "everything stops");
    world.register();
    assert_eq!((world.opened.len(), world.state()), (1, RegistrationState::Registering { attempt: 1 }));
}

#[test]
fn without_a_limit_attempts_continue_with_a_capped_wait() {
    let mut world = World::new(|_| {});
    for _ in 0..30 {
        world.refuse();
        let (_, until, _) = world.waiting();
        assert!(seconds(world.bench.now, until) <= 60.0);
        world.run(seconds(Instant::ZERO, until));
    }
    assert_eq!(world.failures(), []);
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 31 });
}

#[test]
fn a_success_resets_the_count() {
    let mut world = World::up(limit(2));
    for _ in 0..5 {
        world.answer(503, &[]);
        assert_eq!(world.waiting().0, 2);
        world.until_asked();
        world.answer(200, &[]);
        world.forget();
        world.until_asked();
    }
    assert_eq!(world.failures(), []);
}

#[test]
fn a_disconnection_neither_counts_nor_resets() {
    let mut world = World::up(limit(2));
    world.answer(200, &[]);
    for _ in 0..5 {
        world.lose();
        assert_eq!(world.state(), RegistrationState::Registering { attempt: 1 });
        while world.opened.is_empty() {
            world.step();
        }
        world.connect();
        world.answer(200, &[]);
    }
    world.until_asked();
    world.answer(503, &[]);
    assert_eq!(world.waiting().0, 2);
    world.lose();
    world.run(3.0);
    world.connect();
    world.until_asked();
    world.answer(503, &[]);
    assert_eq!(world.failures(), [failure(Cause::Unavailable, Some(503), 2)]);
}

#[test]
fn a_lost_flow_is_reopened_and_registered_immediately() {
    let mut world = World::registered(|_| {});
    world.run(100.0);
    world.lose();
    assert_eq!(world.states, [RegistrationState::Registering { attempt: 1 }]);
    assert_eq!(world.opened.len(), 1);
    world.connect();
    assert_eq!(text(&world.sent[0].1, HeaderName::CSeq), "2 REGISTER");
    assert_eq!(world.bench.now, at(100.0));
    world.answer(200, &[]);
    assert_eq!(world.state(), RegistrationState::Registered { until: at(700.0) });
}

#[test]
fn a_server_that_closes_on_each_register_is_not_flooded() {
    let mut world = World::new(|_| {});
    let mut registers = 0;
    while world.bench.now < at(300.0) {
        world.connect();
        registers += world.sent.drain(..).count();
        world.lose();
        while world.opened.is_empty() {
            world.step();
        }
    }
    assert!((5..20).contains(&registers), "{registers} in five minutes");
    assert!(matches!(world.state(), RegistrationState::Registering { attempt: 5.. }), "and each one counts");
}

/// RFC 5626 §4.4: a REGISTER that times out while nothing is received means that the connection is dead.
#[test]
fn a_register_timeout_without_traffic_moves_to_the_next_server() {
    for (target, other) in [("ws://one", "ws://two"), ("udp://one", "udp://two")] {
        let mut world = World::up(|config| {
            config.accounts[0].servers[0].hop = target.parse().expect("a hop");
            config.accounts[0].servers.push(Server::new(other.parse().expect("a hop")));
        });
        let connection = world.line.path().expect("up").connection;
        world.run(32.0);
        assert_eq!(world.waiting().2, failure(Cause::TimedOut, None, 1));
        assert_eq!((&world.closed[..], &world.lost[..]), (&[connection][..], &[connection][..]));
        assert_eq!(world.opened.last().map(|(_, host)| host.as_str()), Some("two"));
    }
}

/// What counts is the traffic since the REGISTER that timed out, not since the first one of the attempt.
#[test]
fn a_register_timeout_after_a_challenge_closes_the_connection() {
    let mut world = World::up(|_| {});
    world.run(10.0);
    world.answer(401, &[CHALLENGE]);
    world.run(41.9);
    assert_eq!(world.closed, []);
    world.run(42.0);
    assert_eq!((world.closed.len(), world.lost.len()), (1, 1));
}

#[test]
fn a_connection_with_other_traffic_survives_a_register_timeout() {
    let mut world = World::up(|_| {});
    world.run(10.0);
    world.line.on_traffic(&mut world.bench.cx());
    world.run(32.0);
    assert_eq!(world.waiting().2, failure(Cause::TimedOut, None, 1));
    assert_eq!((world.closed.len(), world.lost.len()), (0, 0));
}

#[test]
fn commands_do_not_exceed_the_flood_budget() {
    let mut world = World::registered(|_| {});
    let mut sent = Vec::new();
    while world.bench.now < at(300.0) {
        world.register();
        for (at, _) in world.sent.clone() {
            sent.push(at);
            world.answer(200, &[]);
        }
        world.run(seconds(Instant::ZERO, world.bench.now) + 0.5);
    }
    for window in sent.windows(13) {
        assert!(seconds(window[0], window[12]) >= 60.0, "13 within a minute: {window:?}");
    }
    assert!(sent.len() >= 12 * 4, "it is spent, not lost: {}", sent.len());
    assert!(
        world.states.iter().all(|state| !matches!(state, RegistrationState::Waiting { .. })),
        "the binding stands"
    );
}

#[test]
fn challenges_do_not_exceed_the_flood_budget() {
    let mut world = World::up(|config| config.registration.flood_budget = 1);
    world.answer(401, &[CHALLENGE]);
    let (_, until, why) = world.waiting();
    assert_eq!((until, why), (at(60.0), failure(Cause::Rejected, Some(401), 1)));
    assert!(world.sent.is_empty());
}

#[test]
fn an_attempt_waits_for_the_flood_budget() {
    let mut world = World::up(|config| config.registration.flood_budget = 1);
    world.answer(503, &[]);
    world.register();
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 2 });
    world.run(59.9);
    assert!(world.sent.is_empty());
    world.run(60.0);
    assert_eq!(world.sent.len(), 1);
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
}

#[test]
fn a_removal_without_budget_for_credentials_ends() {
    let mut world = World::registered(|config| config.registration.flood_budget = 2);
    world.unregister();
    world.answer(401, &[CHALLENGE]);
    assert_eq!(world.state(), RegistrationState::Unregistered);
    world.run(1000.0);
    assert!(world.sent.is_empty());
}

#[test]
fn unregistering_removes_the_binding() {
    let mut world = World::registered(|_| {});
    world.unregister();
    let request = world.sent[0].1.clone();
    assert_eq!(text(&request, HeaderName::Expires), "0");
    assert!(text(&request, HeaderName::Contact).ends_with(";expires=0"));
    world.answer(401, &[CHALLENGE]);
    assert_eq!(text(&world.sent[0].1, HeaderName::Expires), "0");
    world.answer(200, &[]);
    assert_eq!(world.states, [RegistrationState::Unregistering, RegistrationState::Unregistered]);
    world.run(1000.0);
    assert!(world.sent.is_empty());
    assert!(world.line.path().is_some(), "the connection stays");
    world.lose();
    assert_eq!(world.opened.len(), 1, "and comes back");
    world.connect();
    assert!(world.sent.is_empty());
}

/// RFC 3261 §10.2.2.
#[test]
fn an_expired_binding_is_not_removed() {
    let mut world = World::registered(|_| {});
    world.until_asked();
    world.answer(503, &[(HeaderName::RetryAfter, "1000")]);
    world.run(600.0);
    world.unregister();
    assert_eq!(world.state(), RegistrationState::Unregistered);
    assert!(world.sent.is_empty());
}

#[test]
fn unregistering_ends_with_any_response() {
    for status in [401, 403, 423, 500] {
        let mut world = World::registered(|_| {});
        world.unregister();
        world.answer(status, &[]);
        assert_eq!(world.state(), RegistrationState::Unregistered, "{status}");
    }
    let mut world = World::registered(|_| {});
    world.unregister();
    world.run(32.0);
    assert_eq!(world.state(), RegistrationState::Unregistered);
    let mut world = World::registered(|_| {});
    world.unregister();
    world.lose();
    assert_eq!(world.state(), RegistrationState::Unregistered);
}

#[test]
fn unregistering_is_possible_in_every_state() {
    // Registering: the connection is being opened.
    let mut world = World::new(|_| {});
    world.unregister();
    assert_eq!(world.state(), RegistrationState::Unregistered);
    world.connect();
    assert!(world.sent.is_empty());
    // Registering: the REGISTER is pending, and may create a binding.
    let mut world = World::up(|_| {});
    let first = world.sent.remove(0).1;
    world.unregister();
    assert_eq!(text(&world.sent[0].1, HeaderName::CSeq), "2 REGISTER");
    let late = message(Builder::reply(&first, 200, "OK", Some(b"t")).finish());
    let path = world.line.path().expect("up").clone();
    assert!(matches!(world.txs.receive(&mut world.bench.cx(), &path, late), Routed::Absorbed));
    world.answer(200, &[]);
    assert_eq!(world.state(), RegistrationState::Unregistered);
    // Waiting for a connection: the connection continues.
    let mut world = World::new(|_| {});
    world.refuse();
    world.unregister();
    assert_eq!(world.state(), RegistrationState::Unregistered);
    world.step();
    assert_eq!(world.opened.len(), 1);
    // Refreshing.
    let mut world = World::registered(|_| {});
    world.until_asked();
    world.sent.clear();
    world.unregister();
    world.answer(200, &[]);
    assert_eq!(world.state(), RegistrationState::Unregistered);
    // Waiting after a refused refresh: the old binding still exists.
    let mut world = World::registered(|_| {});
    world.until_asked();
    world.answer(503, &[]);
    world.unregister();
    assert_eq!(text(&world.sent[0].1, HeaderName::Expires), "0");
    // Failed.
    let mut world = World::up(|_| {});
    world.answer(403, &[]);
    world.unregister();
    assert_eq!(world.state(), RegistrationState::Unregistered);
    assert!(world.sent.is_empty());
    // Unregistered: the command has its event.
    world.states.clear();
    world.unregister();
    assert_eq!(world.states, [RegistrationState::Unregistered]);
    // Unregistering.
    let mut world = World::registered(|_| {});
    world.unregister();
    world.unregister();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn registering_is_possible_in_every_state() {
    // Waiting: immediately, and the count continues.
    let mut world = World::up(|_| {});
    world.answer(503, &[(HeaderName::RetryAfter, "1000")]);
    world.register();
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 2 });
    // Waiting for a connection: immediately.
    let mut world = World::new(|_| {});
    world.refuse();
    world.register();
    assert_eq!(world.opened.len(), 1);
    assert_eq!(world.timers(), 1, "the limit of the attempt");
    // Registering: it is pending already.
    let mut world = World::up(|_| {});
    world.register();
    assert_eq!((world.sent.len(), world.states.len()), (1, 1));
    // Registered: a refresh.
    let mut world = World::registered(|_| {});
    world.register();
    assert_eq!((world.sent.len(), world.state()), (1, RegistrationState::Refreshing));
    // Unregistering: a REGISTER with a higher CSeq than the removal.
    let mut world = World::registered(|_| {});
    world.unregister();
    world.sent.clear();
    world.register();
    assert_eq!(text(&world.sent[0].1, HeaderName::CSeq), "3 REGISTER");
    world.answer(200, &[]);
    assert!(matches!(world.state(), RegistrationState::Registered { .. }));
    // Failed: the count starts again.
    let mut world = World::up(|_| {});
    world.answer(403, &[]);
    world.register();
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 1 });
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_failed_registration_does_not_reconnect() {
    let mut world = World::up(|_| {});
    world.answer(403, &[]);
    world.run(100.0);
    world.lose();
    assert_eq!((world.opened.len(), world.timers()), (0, 0));
    assert_eq!(world.failures().len(), 1);
}

#[test]
fn a_retry_without_a_connection_opens_one() {
    let mut world = World::up(|_| {});
    world.answer(503, &[(HeaderName::RetryAfter, "30")]);
    world.lose();
    world.step();
    world.refuse();
    let states = world.states.len();
    assert_eq!(world.waiting().0, 2, "the connection retries by itself");
    world.run(29.9);
    assert_eq!(world.states.len(), states);
    world.run(30.0);
    assert_eq!(world.state(), RegistrationState::Registering { attempt: 2 });
    world.connect();
    assert_eq!(world.sent.len(), 1);
}
