//! An exchange in the world.

use offhook::Password;
use offhook_exchange::{Config, Exchange, FlowId, Input, Output};
use offhook_wire::Instant;
use offhook_wire::digest::Secret;

use super::Clock;
use crate::hash::Draw;
use crate::scenario::Scenario;

/// The domain of everybody.
pub(super) const DOMAIN: &str = "pbx.example";

/// The password of everybody who knows it.
pub(super) const PASSWORD: &str = "sesame";

/// One exchange: running, or crashed.
pub struct ExchangeNode {
    name: String,
    clock: Clock,
    running: Option<Box<Exchange>>,
    restarts: u64,
    /// When it was started last.
    pub started: Instant,
    flows: u64,
    deadline: Option<Instant>,
}

impl ExchangeNode {
    /// An exchange that is not started yet.
    pub fn new(scenario: &Scenario, index: usize) -> Self {
        let name = scenario.exchanges[index].name.clone();
        let offset = Draw::new(scenario.seed, &name).below(1_000_000_000_000);
        Self {
            clock: Clock::new(offset, 0),
            name,
            running: None,
            restarts: 0,
            started: Instant::ZERO,
            flows: 0,
            deadline: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is there.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it, with nothing remembered and other nonces than before.
    pub fn start(&mut self, scenario: &Scenario, now: Instant) {
        let mut config = Config::new(DOMAIN).with_host(&self.name);
        for phone in &scenario.phones {
            config.users.insert(phone.user.clone(), Password::Plain(Secret::new(PASSWORD.to_owned())));
        }
        let seed = Draw::new(scenario.seed ^ self.restarts, &self.name).seed();
        self.restarts += 1;
        self.started = now;
        self.running = Some(Box::new(Exchange::new(config, seed, self.clock.local(now))));
    }

    /// Stops it: all is forgotten.
    pub fn crash(&mut self) {
        self.running = None;
        self.deadline = None;
    }

    /// A name for a flow that it has not seen yet, not even before a crash.
    pub fn next_flow(&mut self) -> FlowId {
        self.flows += 1;
        FlowId(self.flows)
    }

    /// Hands it something. Nothing happens while it is crashed.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let local = self.clock.local(now);
        if let Some(exchange) = &mut self.running {
            exchange.handle(local, input);
        }
    }

    /// What it wants done.
    pub fn poll(&mut self) -> Option<Output> {
        self.running.as_mut()?.poll()
    }

    /// Looks when it wants to be woken next. To be called when all its output was polled.
    pub fn look(&mut self) {
        let deadline = self.running.as_ref().and_then(|exchange| exchange.deadline());
        self.deadline = deadline.map(|deadline| self.clock.world(deadline));
    }

    /// When it wants to be woken, in world time.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}
