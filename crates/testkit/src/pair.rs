use crate::{TestPhone, Wire, config};
use offhook::{Config, Dial, Input, Instant, SessionId};
use std::time::Duration;

/// Two phones with a wire between them.
pub struct Pair {
    /// The caller.
    pub alice: TestPhone,
    /// The callee.
    pub bob: TestPhone,
    /// The wire between them.
    pub wire: Wire<Side>,
}

/// The phone at which a message arrives.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller.
    Alice,
    /// The callee.
    Bob,
}

impl Pair {
    /// Two phones of this server, connected.
    pub fn new(server: &str) -> Self {
        Self::with(config("alice", server), config("bob", server))
    }

    /// Two phones of these configurations, connected.
    pub fn with(alice: Config, bob: Config) -> Self {
        Self { alice: TestPhone::new(alice, 1), bob: TestPhone::new(bob, 2), wire: Wire::default() }
    }

    /// Two phones in an established call, and the session of each: Alice's, Bob's.
    pub fn in_call(server: &str) -> (Self, SessionId, SessionId) {
        let mut pair = Self::new(server);
        let (alices, bobs) = pair.call();
        (pair, alices, bobs)
    }

    /// Makes a call from Alice that Bob answers. Returns the session of each.
    ///
    /// # Panics
    /// When Alice cannot dial, or Bob's phone does not ring.
    pub fn call(&mut self) -> (SessionId, SessionId) {
        let alices = self.alice.phone.dial(self.now(), Dial::to("bob")).expect("a call");
        self.run(Duration::from_millis(500));
        let bobs = self.bob.incoming();
        self.bob.phone.answer(self.now(), bobs).expect("it rings");
        self.run(Duration::from_millis(500));
        (alices, bobs)
    }

    /// The time of both.
    pub fn now(&self) -> Instant {
        self.alice.now
    }

    /// Advances the time of both, and delivers their messages.
    ///
    /// # Panics
    /// When the deadlines never end.
    pub fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        for _ in 0..100_000 {
            self.send();
            let deadlines = [&self.alice, &self.bob].map(|side| side.phone.deadline().map(|due| due.at));
            let due = deadlines.into_iter().chain([self.wire.next_arrival()]).flatten().min();
            let Some(next) = due.filter(|at| *at <= end) else {
                self.set_time(end);
                return;
            };
            self.set_time(self.now().max(next));
            while let Some((side, data)) = self.wire.receive(self.now()) {
                match side {
                    Side::Alice => self.alice.receive_bytes(data),
                    Side::Bob => self.bob.receive_bytes(data),
                }
            }
            self.alice.give(Input::Wake);
            self.bob.give(Input::Wake);
        }
        panic!("the phones never become idle");
    }

    fn set_time(&mut self, now: Instant) {
        (self.alice.now, self.bob.now) = (now, now);
    }

    fn send(&mut self) {
        let now = self.now();
        for (phone, to) in [(&mut self.alice, Side::Bob), (&mut self.bob, Side::Alice)] {
            phone.pump();
            for data in phone.sent.drain(..) {
                self.wire.send(now, to, data);
            }
        }
    }
}
