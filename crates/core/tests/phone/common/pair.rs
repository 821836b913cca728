use super::{Desk, config};
use bytes::Bytes;
use offhook::{Config, Dial, Input, Instant, SessionId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Two phones and a wire that takes 10 ms each way.
pub(crate) struct Pair {
    pub(crate) alice: Desk,
    pub(crate) bob: Desk,
    /// What is on the wire: when it arrives, and at whom.
    wire: BTreeMap<(Instant, u64), (Side, Bytes)>,
    order: u64,
    pub(crate) latency: Duration,
    /// Asked for each message that is sent; `false` loses it.
    pub(crate) passes: Box<dyn FnMut(&Bytes) -> bool>,
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Side {
    Alice,
    Bob,
}

impl Pair {
    pub(crate) fn new(server: &str) -> Self {
        Self::with(config("alice", server), config("bob", server))
    }

    pub(crate) fn with(alice: Config, bob: Config) -> Self {
        Self {
            alice: Desk::new(alice, 1),
            bob: Desk::new(bob, 2),
            wire: BTreeMap::new(),
            order: 0,
            latency: Duration::from_millis(10),
            passes: Box::new(|_| true),
        }
    }

    /// Alice and Bob in an established call: hers, his.
    pub(crate) fn in_call(server: &str) -> (Self, SessionId, SessionId) {
        let mut pair = Self::new(server);
        let (hers, his) = pair.call();
        (pair, hers, his)
    }

    pub(crate) fn call(&mut self) -> (SessionId, SessionId) {
        let hers = self.alice.phone.dial(self.now(), Dial::to("bob")).expect("a call");
        self.run(Duration::from_millis(500));
        let his = self.bob.incoming();
        self.bob.phone.answer(self.now(), his).expect("it rings");
        self.run(Duration::from_millis(500));
        (hers, his)
    }

    pub(crate) fn now(&self) -> Instant {
        self.alice.now
    }

    /// Lets time pass for both, and carries what they send.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now() + time;
        for _ in 0..100_000 {
            self.collect();
            let timers =
                [&self.alice, &self.bob].into_iter().filter_map(|d| d.phone.deadline()).map(|d| d.at);
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let Some(next) = timers.chain(arrival).min().filter(|at| *at <= end) else {
                self.alice.now = end;
                self.bob.now = end;
                return;
            };
            let now = self.now().max(next);
            self.alice.now = now;
            self.bob.now = now;
            while self.wire.keys().next().is_some_and(|(at, _)| *at <= now) {
                let (_, (side, data)) = self.wire.pop_first().expect("looked at");
                let desk = if side == Side::Alice { &mut self.alice } else { &mut self.bob };
                desk.receive_bytes(data);
            }
            self.alice.give(Input::Wake);
            self.bob.give(Input::Wake);
        }
        panic!("the phones never come to rest");
    }

    fn collect(&mut self) {
        self.alice.pump();
        self.bob.pump();
        let at = self.now() + self.latency;
        for (desk, to) in [(&mut self.alice, Side::Bob), (&mut self.bob, Side::Alice)] {
            for data in desk.sent.drain(..) {
                if (self.passes)(&data) {
                    self.order += 1;
                    self.wire.insert((at, self.order), (to, data));
                }
            }
        }
    }
}
