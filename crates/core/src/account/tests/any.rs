//! Random actions of host, server and user: no edge outside the tables (that panics), no flood, nothing after a failure until
//! the user registers, and an account that should be registered is, once the network recovers.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Connect,
    Refuse,
    Lose,
    Answer(u16, Option<u32>),
    Challenge(bool),
    Pass(u64),
    Traffic,
    Pong,
    Register,
    Unregister,
}

fn act() -> impl Strategy<Value = Act> {
    let status = prop_oneof![
        5 => Just(200u16), 1 => Just(100), 1 => Just(301), 1 => Just(403), 1 => Just(423), 2 => Just(500), 2 => Just(503),
        1 => Just(603)
    ];
    let number = prop::option::of(prop_oneof![0..10u32, 10..5000u32, Just(u32::MAX)]);
    prop_oneof![
        5 => Just(Act::Connect),
        1 => Just(Act::Refuse),
        1 => Just(Act::Lose),
        5 => (status, number).prop_map(|(status, number)| Act::Answer(status, number)),
        2 => any::<bool>().prop_map(Act::Challenge),
        4 => (0..100_000u64).prop_map(Act::Pass),
        1 => Just(Act::Traffic),
        1 => Just(Act::Pong),
        1 => Just(Act::Register),
        1 => Just(Act::Unregister),
    ]
}

impl World {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Connect if !self.opened.is_empty() => self.connect(),
            Act::Refuse if !self.opened.is_empty() => self.refuse(),
            Act::Lose if self.line.path().is_some() => self.lose(),
            Act::Answer(status, number) if self.can_answer() => {
                let number = number.map(|number| number.to_string());
                let headers: Vec<(HeaderName, &str)> = number
                    .iter()
                    .flat_map(|number| {
                        [HeaderName::Expires, HeaderName::MinExpires, HeaderName::RetryAfter]
                            .map(|name| (name, number.as_str()))
                    })
                    .collect();
                self.answer_last(*status, &headers);
            }
            Act::Challenge(stale) if self.can_answer() => {
                let row = format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", stale={stale}");
                self.answer_last(401, &[(HeaderName::WwwAuthenticate, &row)]);
            }
            Act::Pass(millis) => {
                let end = seconds(Instant::ZERO, self.bench.now) + *millis as f64 / 1e3;
                self.run(end);
            }
            Act::Traffic if self.line.path().is_some() => self.line.on_traffic(&mut self.bench.cx()),
            Act::Pong => self.line.keep_alive_received(&mut self.bench.cx(), KeepAlive::Pong),
            Act::Register => self.register(),
            Act::Unregister => self.unregister(),
            _ => {}
        }
    }

    fn can_answer(&self) -> bool {
        self.line.path().is_some() && !self.sent.is_empty()
    }

    /// Answers the last REGISTER, however old it is, without removing it from those that were sent.
    fn answer_last(&mut self, status: u16, headers: &[(HeaderName, &str)]) {
        let (_, request) = self.sent.last().expect("a request").clone();
        let mut response = Builder::reply(&request, status, "Reason", Some(b"tag"));
        for (name, value) in headers {
            response.header(*name, value);
        }
        let path = self.line.path().expect("a connection is up").clone();
        let mut cx = self.bench.cx();
        let routed = self.txs.receive(&mut cx, &path, message(response.finish()));
        if let Routed::Response { tx, message, .. } = routed {
            let change = self.line.on_response(&mut cx, &mut self.txs, tx, &message);
            self.changed(change);
        }
        self.collect();
    }
}

proptest! {
    #[test]
    fn a_line_is_registered_when_the_world_is_well_again(
        limit in prop::option::of(1..4u32),
        udp: bool,
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut world = World::new(|config| {
            config.accounts[0].max_registration_attempts = limit;
            if udp {
                config.accounts[0].servers[0].hop = "udp://pbx".parse().expect("a hop");
            }
        });
        let mut registers: Vec<Instant> = Vec::new();
        for act in &acts {
            let (states, sent) = (world.states.len(), world.sent.len());
            let failed = matches!(world.states.last(), Some(RegistrationState::Failed(_)));
            world.act(act);
            if failed && !matches!(act, Act::Register | Act::Unregister) {
                prop_assert_eq!(world.states.len(), states, "nothing after a failure");
                if !udp {
                    prop_assert_eq!(world.sent.len(), sent);
                }
            }
            // Over UDP each REGISTER has two for its first 32 s, answered or not.
            prop_assert!(world.timers() <= 12 * 2 + 3, "{} timers", world.timers());
        }
        let mut seen = std::collections::BTreeSet::new();
        for (at, request) in &world.sent {
            // A retransmission does not count.
            if seen.insert(text(request, HeaderName::CSeq)) {
                registers.push(*at);
            }
        }
        for window in registers.windows(13) {
            prop_assert!(seconds(window[0], window[12]) >= 60.0, "a storm: {window:?}");
        }
        // The network recovers, and the user registers.
        world.register();
        for _ in 0..200 {
            if matches!(world.state(), RegistrationState::Failed(_)) {
                world.register();
            }
            if matches!(world.state(), RegistrationState::Registered { .. }) {
                break;
            }
            while !world.opened.is_empty() && world.line.path().is_none() {
                world.connect();
            }
            if world.can_answer() {
                world.answer_last(200, &[]);
            }
            let end = seconds(Instant::ZERO, world.bench.now) + 1.0;
            world.run(end);
        }
        let registered = matches!(world.state(), RegistrationState::Registered { .. });
        prop_assert!(registered, "{:?}", world.states);
    }
}
