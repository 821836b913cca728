//! An exchange in the world.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook::Password;
use offhook_exchange::{Config, Exchange, FlowId, Input, Memory, Output};
use offhook_wire::{Builder, Instant, Limits, Method, reason_phrase};

use super::realm::{DOMAIN, PASSWORD};
use super::refusing::request;
use super::{Admission, Clock, Refusing};
use crate::hash::Draw;
use crate::scenario::{Action, ClockStep, ExchangeSetup, ExchangeTrouble, Fault, Scenario};

/// One exchange: running, or crashed.
pub struct ExchangeNode {
    setup: ExchangeSetup,
    clock: Clock,
    running: Option<Box<Exchange>>,
    restarts: u64,
    seeds: u64,
    /// When it was started last.
    pub started: Instant,
    /// Whether it will never come back.
    pub dead: bool,
    /// When it last lost bindings without a word to those who were registered: its memory was flushed, or its clock was set.
    pub forgot: Instant,
    /// Whether a transaction was begun for what it was handed last.
    began: bool,
    flows: u64,
    deadline: Option<Instant>,
    /// What it refuses, if it does: what is not of a dialog, or registrations.
    pub refusing: Option<Refusing>,
    /// Whether it ever will be: only then it is worth while to know what was admitted.
    may_refuse: bool,
    /// The branches of the requests that were looked at.
    admitted: BTreeSet<Vec<u8>>,
    /// The requests to which it said 100.
    tried: BTreeSet<Vec<u8>>,
    /// How long a message waits before it is looked at.
    lag: Duration,
    /// Until when it does nothing at all.
    frozen: Instant,
    /// Until when each nonce is stale before it is used.
    nonces_stale: Instant,
    /// When the last of the messages that wait is looked at.
    last: Instant,
}

impl ExchangeNode {
    /// An exchange that is not started yet.
    pub fn new(scenario: &Scenario, index: usize) -> Self {
        let setup = scenario.exchanges[index].clone();
        let offset = Draw::new(scenario.seed, &setup.name).below(1_000_000_000_000);
        Self {
            clock: Clock::new(offset, setup.drift),
            setup,
            running: None,
            restarts: 0,
            seeds: 0,
            started: Instant::ZERO,
            dead: false,
            forgot: Instant::ZERO,
            began: false,
            flows: 0,
            deadline: None,
            refusing: None,
            may_refuse: scenario.steps.iter().any(|step| is_refusal(&step.action)),
            admitted: BTreeSet::new(),
            tried: BTreeSet::new(),
            lag: Duration::ZERO,
            frozen: Instant::ZERO,
            nonces_stale: Instant::ZERO,
            last: Instant::ZERO,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.setup.name
    }

    /// Whether it is there.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it, with nothing remembered and other nonces than before.
    pub fn start(&mut self, scenario: &Scenario, now: Instant) {
        let ExchangeSetup { name, two_homes, min_expires, .. } = &self.setup;
        // Rogues are guests.
        let mut config = Config { guests: true, ..Config::new(DOMAIN).with_host(name) };
        config.second_host = two_homes.then(|| format!("inner.{name}"));
        if let Some(least) = *min_expires {
            config.min_expires = least;
        }
        let phones = scenario.phones.iter().map(|phone| &phone.user);
        for user in phones.chain(scenario.rogues.iter().map(|rogue| &rogue.name)) {
            config.users.insert(user.clone(), vec![Password::plain(PASSWORD)]);
        }
        #[cfg(feature = "planted")]
        {
            config.planted = scenario.planted.and_then(crate::planted::Planted::of_exchange);
        }
        let seed = self.next_seed(scenario);
        self.restarts += 1;
        self.started = now;
        self.admitted.clear();
        self.tried.clear();
        self.running = Some(Box::new(Exchange::new(config, seed, self.clock.local(now))));
    }

    /// Stops it: all is forgotten.
    pub fn crash(&mut self) {
        self.running = None;
        self.deadline = None;
    }

    /// Which of its lives this is. What waits for one is not looked at in the next.
    pub fn life(&self) -> u64 {
        self.restarts
    }

    /// Lets it lose a part of its memory.
    pub fn forget(&mut self, scenario: &Scenario, now: Instant, memory: Memory) {
        let seed = self.next_seed(scenario);
        if let Some(exchange) = &mut self.running {
            exchange.forget(memory, seed);
            if memory == Memory::Bindings {
                self.forgot = now;
            }
        }
    }

    fn next_seed(&mut self, scenario: &Scenario) -> [u8; 32] {
        self.seeds += 1;
        Draw::new(scenario.seed ^ (self.seeds - 1), &self.setup.name).seed()
    }

    /// What becomes of a message, in view of how busy it is.
    pub fn admit(&mut self, data: &Bytes) -> Admission {
        if let Some(refusing) = self.refusing.as_mut().filter(|_| self.running.is_some()) {
            return refusing.judge(data, |branch| self.admitted.contains(branch));
        }
        if self.may_refuse && self.is_running() {
            self.admitted.extend(request(data, &Limits::default()).map(|(branch, _)| branch));
        }
        Admission::Admitted
    }

    /// The 100 to a request that comes for the first time, if it is one that says so to all but INVITEs.
    pub fn trying(&mut self, data: &Bytes) -> Option<Bytes> {
        let (branch, request) = request(data, &Limits::default()).filter(|_| self.setup.says_trying)?;
        let method = request.method()?;
        let is_answered = self.is_running() && !matches!(method, Method::Invite | Method::Ack);
        let new = is_answered && self.tried.insert([&branch, method.as_bytes()].concat());
        new.then(|| Builder::reply(&request, 100, reason_phrase(100), None).finish())
    }

    /// Takes no shorter registrations than these; without a word, than usual.
    pub fn set_min_expires(&mut self, least: Option<Duration>) {
        let usual = || self.setup.min_expires.unwrap_or(Config::new(DOMAIN).min_expires);
        let least = least.unwrap_or_else(usual);
        if let Some(exchange) = &mut self.running {
            exchange.set_min_expires(least);
        }
    }

    /// Sets its clock.
    pub fn set_clock(&mut self, now: Instant, step: ClockStep) {
        self.clock.step(now, step);
        self.forgot = now;
        self.update_deadline();
    }

    /// Lets each message wait before it is looked at.
    pub fn lag(&mut self, by: Duration) {
        self.lag = by;
    }

    /// Lets it do nothing until then.
    pub fn freeze(&mut self, until: Instant) {
        self.frozen = self.frozen.max(until);
        self.update_deadline();
    }

    /// Lets each nonce be stale before it is used, until then.
    pub fn set_nonces_stale(&mut self, until: Instant) {
        self.nonces_stale = self.nonces_stale.max(until);
    }

    /// Whether a nonce is as good as any other now.
    pub fn nonces_stale(&self, now: Instant) -> bool {
        now < self.nonces_stale
    }

    /// Ends all that keeps it from its work.
    pub fn heal(&mut self, now: Instant) {
        (self.lag, self.frozen, self.nonces_stale, self.refusing) = (Duration::ZERO, now, now, None);
        self.set_min_expires(None);
        self.clock.catch_up(now);
        self.update_deadline();
    }

    /// When it will look at something that comes to it now, if not at once. None overtakes another.
    pub fn handling_time(&mut self, now: Instant) -> Option<Instant> {
        self.last = (now + self.lag).max(self.frozen).max(self.last);
        Some(self.last).filter(|&at| at > now)
    }

    /// A name for a flow that it has not seen yet, not even before a crash.
    pub fn next_flow(&mut self) -> FlowId {
        self.flows += 1;
        FlowId(self.flows)
    }

    /// Hands it something. Nothing happens while it is crashed.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let local = self.clock.read(now);
        if let Some(exchange) = &mut self.running {
            let before = exchange.load().transactions;
            exchange.handle(local, input);
            self.began = exchange.load().transactions > before;
        }
    }

    /// Whether it began a transaction since this was asked last.
    pub fn take_began(&mut self) -> bool {
        std::mem::take(&mut self.began)
    }

    /// The other side of one of its flows.
    pub fn remote(&self, flow: FlowId) -> Option<SocketAddr> {
        self.running.as_ref()?.remote(flow)
    }

    /// How many contacts of a user it knows.
    pub fn contacts(&self, user: &str) -> usize {
        self.running.as_ref().map_or(0, |exchange| exchange.contacts(user).count())
    }

    /// What it wants done.
    pub fn poll(&mut self) -> Option<Output> {
        self.running.as_mut()?.poll()
    }

    /// Looks when it wants to be woken next. To be called when all its output was polled.
    pub fn update_deadline(&mut self) {
        let deadline = self.running.as_ref().and_then(|exchange| exchange.deadline());
        self.deadline = deadline.map(|deadline| self.clock.world(deadline));
    }

    /// When it wants to be woken, in world time.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline.max(self.frozen))
    }
}

fn is_refusal(action: &Action) -> bool {
    let Action::Fault(Fault::Exchange { trouble, .. }) = action else { return false };
    matches!(trouble, ExchangeTrouble::Refuses { .. } | ExchangeTrouble::GrantsNothing { .. })
}
