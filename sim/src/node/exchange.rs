//! An exchange of a world.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook::Password;
use offhook_exchange::{Config, Exchange, FlowId, Input, Memory, Output};
use offhook_wire::{Builder, Instant, Limits, Method, reason_phrase};

use super::account::other_user;
use super::realm::{DOMAIN, PASSWORD};
use super::refusing::request;
use super::{Admission, Clock, Refusing};
use crate::hash::Draw;
use crate::scenario::{Action, ClockStep, ExchangeSetup, ExchangeTrouble, Fault, Scenario};

/// An exchange, running or crashed.
pub struct ExchangeNode {
    setup: ExchangeSetup,
    clock: Clock,
    running: Option<Box<Exchange>>,
    restarts: u64,
    seeds: u64,
    /// When it was last started.
    pub started: Instant,
    /// Whether it is permanently off.
    pub dead: bool,
    /// When it last lost bindings without notice: its state was dropped, or its clock was set.
    pub forgot: Instant,
    /// Whether the last input created a transaction.
    began: bool,
    flows: u64,
    deadline: Option<Instant>,
    /// Its refusal of out-of-dialog requests or of registrations, while it refuses.
    pub refusing: Option<Refusing>,
    /// Whether it ever refuses in the scenario: only then admitted branches are remembered.
    may_refuse: bool,
    /// The branches of admitted requests.
    admitted: BTreeSet<Vec<u8>>,
    /// The requests that were answered with 100.
    tried: BTreeSet<Vec<u8>>,
    /// The delay of each message.
    lag: Duration,
    /// Until when it is frozen.
    frozen: Instant,
    /// Until when each nonce is stale when it is used.
    nonces_stale: Instant,
    /// When the last delayed message is handled.
    last: Instant,
}

impl ExchangeNode {
    /// An exchange that is not started.
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

    /// Whether it is running.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it with empty state and new nonces.
    pub fn start(&mut self, scenario: &Scenario, now: Instant) {
        let ExchangeSetup { name, two_homes, min_expires, .. } = &self.setup;
        // Rogues are guests.
        let mut config = Config { guests: true, ..Config::new(DOMAIN).with_host(name) };
        config.second_host = two_homes.then(|| format!("inner.{name}"));
        if let Some(least) = *min_expires {
            config.min_expires = least;
        }
        let phones = scenario.phones.iter().flat_map(|phone| [phone.user.clone(), other_user(&phone.user)]);
        for user in phones.chain(scenario.rogues.iter().map(|rogue| rogue.name.clone())) {
            config.users.insert(user, vec![Password::plain(PASSWORD)]);
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

    /// Stops it, and drops its state.
    pub fn crash(&mut self) {
        self.running = None;
        self.deadline = None;
    }

    /// The number of starts. Delayed messages are dropped at a restart.
    pub fn life(&self) -> u64 {
        self.restarts
    }

    /// Drops a part of its state.
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

    /// Decides whether a message is admitted.
    pub fn admit(&mut self, data: &Bytes) -> Admission {
        if let Some(refusing) = self.refusing.as_mut().filter(|_| self.running.is_some()) {
            return refusing.judge(data, |branch| self.admitted.contains(branch));
        }
        if self.may_refuse && self.is_running() {
            self.admitted.extend(request(data, &Limits::default()).map(|(branch, _)| branch));
        }
        Admission::Admitted
    }

    /// The 100 to a new non-INVITE request, if it sends one.
    pub fn trying(&mut self, data: &Bytes) -> Option<Bytes> {
        let (branch, request) = request(data, &Limits::default()).filter(|_| self.setup.says_trying)?;
        let method = request.method()?;
        let is_answered = self.is_running() && !matches!(method, Method::Invite | Method::Ack);
        let new = is_answered && self.tried.insert([&branch, method.as_bytes()].concat());
        new.then(|| Builder::reply(&request, 100, reason_phrase(100), None).finish())
    }

    /// Sets the Min-Expires of its registrar; `None` for the default.
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

    /// Sets the delay of each message.
    pub fn lag(&mut self, by: Duration) {
        self.lag = by;
    }

    /// Freezes it until a time.
    pub fn freeze(&mut self, until: Instant) {
        self.frozen = self.frozen.max(until);
        self.update_deadline();
    }

    /// Makes each nonce stale until a time.
    pub fn set_nonces_stale(&mut self, until: Instant) {
        self.nonces_stale = self.nonces_stale.max(until);
    }

    /// Whether each nonce is stale now.
    pub fn nonces_stale(&self, now: Instant) -> bool {
        now < self.nonces_stale
    }

    /// Ends all faults.
    pub fn heal(&mut self, now: Instant) {
        (self.lag, self.frozen, self.nonces_stale, self.refusing) = (Duration::ZERO, now, now, None);
        self.set_min_expires(None);
        self.clock.catch_up(now);
        self.update_deadline();
    }

    /// When a message that arrives now is handled, if delayed. Messages keep their order.
    pub fn handling_time(&mut self, now: Instant) -> Option<Instant> {
        self.last = (now + self.lag).max(self.frozen).max(self.last);
        Some(self.last).filter(|&at| at > now)
    }

    /// A new flow ID, unique across restarts.
    pub fn next_flow(&mut self) -> FlowId {
        self.flows += 1;
        FlowId(self.flows)
    }

    /// Gives it an input. Ignored while it is crashed.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let local = self.clock.read(now);
        if let Some(exchange) = &mut self.running {
            let before = exchange.load().transactions;
            exchange.handle(local, input);
            self.began = exchange.load().transactions > before;
        }
    }

    /// Returns and resets whether it created a transaction.
    pub fn take_began(&mut self) -> bool {
        std::mem::take(&mut self.began)
    }

    /// The remote address of a flow.
    pub fn remote(&self, flow: FlowId) -> Option<SocketAddr> {
        self.running.as_ref()?.remote(flow)
    }

    /// The number of bindings of a user.
    pub fn contacts(&self, user: &str) -> usize {
        self.running.as_ref().map_or(0, |exchange| exchange.contacts(user).count())
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<Output> {
        self.running.as_mut()?.poll()
    }

    /// Updates the deadline. To be called after all outputs were polled.
    pub fn update_deadline(&mut self) {
        let deadline = self.running.as_ref().and_then(|exchange| exchange.deadline());
        self.deadline = deadline.map(|deadline| self.clock.world(deadline));
    }

    /// The next deadline, in world time.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline.max(self.frozen))
    }
}

fn is_refusal(action: &Action) -> bool {
    let Action::Fault(Fault::Exchange { trouble, .. }) = action else { return false };
    matches!(trouble, ExchangeTrouble::Refuses { .. } | ExchangeTrouble::GrantsNothing { .. })
}
