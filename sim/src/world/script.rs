//! The interface of tests that drive a world by hand.

use std::time::Duration;

use offhook::{Command, Dial, Misuse, SessionId, Status};
use offhook_wire::Instant;

use super::World;
use crate::node::{Breach, Call, PhoneNode};
use crate::oracle;
use crate::scenario::{
    Behaviour, ExchangeSetup, ExchangeTrouble, Fault, Phase, PhoneSetup, RogueAction, RogueSetup, Scenario,
    StreamTrouble, SuspensionKind, Transport, UserAction, Way, Weather,
};
use crate::tape::{Entry, EntryKind};
use crate::told::{Told, told};

/// Builds a world. [`World::builder`] creates one.
///
/// ```
/// # use offhook_sim::{World, scenario::UserAction};
/// # use std::time::Duration;
/// let mut world = World::builder().phone("alice").udp_phone("bob").start();
/// world.user("alice", UserAction::Dial("bob".to_owned()));
/// world.run_until("both talk", Duration::from_secs(10), |world| world.talks("alice") && world.talks("bob"));
/// world.user("bob", UserAction::HangUp);
/// world.finish();
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    scenario: Scenario,
}

impl Builder {
    /// Sets the seed; the default is 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.scenario.seed = seed;
        self
    }

    /// Adds a phone on WebSocket.
    #[must_use]
    pub fn phone(self, name: &str) -> Self {
        self.setup(PhoneSetup::new(name))
    }

    /// Adds a phone on UDP.
    #[must_use]
    pub fn udp_phone(self, name: &str) -> Self {
        self.setup(PhoneSetup { transport: Transport::Udp, ..PhoneSetup::new(name) })
    }

    /// Adds a second exchange, for fail-over.
    #[must_use]
    pub fn exchange(mut self, name: &str) -> Self {
        self.scenario.exchanges.push(ExchangeSetup::new(name));
        self
    }

    /// Adds a phone with this setup.
    #[must_use]
    pub fn setup(mut self, phone: PhoneSetup) -> Self {
        self.scenario.phones.push(phone);
        self
    }

    /// Uses real media instead of the model.
    #[cfg(feature = "media")]
    #[must_use]
    pub fn real_media(mut self) -> Self {
        self.scenario.media = crate::scenario::Fidelity::Real;
        self
    }

    /// Adds a rogue that breaks these rules.
    #[must_use]
    pub fn rogue(mut self, name: &str, breaks: impl IntoIterator<Item = Breach>) -> Self {
        self.scenario.rogues.push(RogueSetup::new(name, breaks));
        self
    }

    /// The world at time 0, with all oracles.
    pub fn cold(self) -> World {
        World::new(self.scenario, oracle::all(), true)
    }

    /// The world once all phones are registered.
    ///
    /// # Panics
    /// If they are not within a minute.
    pub fn start(self) -> World {
        let mut world = self.cold();
        world.run_until("all phones are registered", Duration::from_secs(60), |world| {
            world.phones.iter().all(PhoneNode::is_registered)
        });
        world
    }
}

/// For tests: nodes are addressed by name, and each violation panics with the ladder.
impl World {
    /// A world with one exchange.
    pub fn builder() -> Builder {
        Builder { scenario: Scenario::new(1) }
    }

    /// The phone of this name.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn phone(&self, name: &str) -> &PhoneNode {
        &self.phones[self.named(name)]
    }

    /// Executes an action of a user; see [`UserAction`].
    pub fn user(&mut self, name: &str, action: UserAction) {
        self.perform(self.named(name), &action);
    }

    /// Sets the behaviour of a user for incoming calls.
    pub fn behaviour(&mut self, name: &str, behaviour: Behaviour) {
        self.user(name, UserAction::Behaviour(behaviour));
    }

    /// Dials.
    ///
    /// # Panics
    /// If the phone refuses.
    pub fn dial(&mut self, name: &str, to: &str) -> SessionId {
        let phone = self.named(name);
        let session = self.phones[phone].next_session();
        let dialled = self.give_command(phone, Command::Dial { session, dial: Dial::to(to) });
        assert_eq!(dialled, Ok(()), "{name} cannot dial {to}");
        session
    }

    /// Executes an action of a rogue.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn rogue(&mut self, name: &str, action: &RogueAction) {
        let rogue = self.scenario.rogue(name).expect("a rogue of that name");
        self.rogue_action(rogue, action);
    }

    /// Gives a command to a phone.
    ///
    /// # Errors
    /// If the phone refuses.
    pub fn command(&mut self, name: &str, command: Command) -> Result<(), Misuse> {
        self.give_command(self.named(name), command)
    }

    /// The newest call of a phone.
    pub fn call(&self, name: &str) -> Option<&Call> {
        let phone = self.phone(name);
        phone.newest(|_| true).and_then(|session| phone.calls.get(&session))
    }

    /// Whether a phone has an established call.
    pub fn talks(&self, name: &str) -> bool {
        self.phone(name).calls.values().any(|call| call.status == Status::Established)
    }

    /// The audio that the newest call of a phone receives, with real media.
    #[cfg(feature = "media")]
    pub fn heard_audio(&self, name: &str) -> crate::media::HeardAudio {
        let phone = self.named(name);
        let end = self.phones[phone].newest(|_| true).map(|session| (phone, session));
        end.map_or(crate::media::HeardAudio::Nothing, |end| self.engines.heard_audio(end))
    }

    /// All digits that a phone has received.
    pub fn digits(&self, name: &str) -> String {
        let receiver = self.named(name);
        let digit = |entry: &Entry| match &entry.what {
            EntryKind::Event { phone, event } if *phone == receiver => match told(event) {
                Some((_, Told::Digit { digit, .. })) => Some(digit),
                _ => None,
            },
            _ => None,
        };
        self.tape.entries().iter().filter_map(digit).collect()
    }

    /// The number of bindings of a user at an exchange.
    ///
    /// # Panics
    /// If there is no exchange of that name.
    pub fn contacts(&self, exchange: &str, user: &str) -> usize {
        let exchange = self.scenario.exchange(exchange).expect("an exchange of that name");
        self.exchanges[exchange].contacts(user)
    }

    /// Runs for a time.
    pub fn run_for(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.advance(limit) {
            self.expect_no_violation();
        }
    }

    /// Runs until a condition holds.
    ///
    /// # Panics
    /// If it does not hold within `limit`.
    pub fn run_until(&mut self, what: &str, limit: Duration, holds: impl Fn(&World) -> bool) {
        let limit = self.now + limit;
        while !holds(self) {
            let advanced = self.advance(limit);
            self.expect_no_violation();
            assert!(advanced, "not within the limit: {what}\n{}", self.ladder());
        }
    }

    /// Cuts the network of a phone in both directions.
    pub fn cut(&mut self, name: &str, lasting: Duration) {
        self.fault(&Fault::Cut { phone: self.named(name), way: Way::Both, lasting });
    }

    /// Resets the connection of a phone.
    pub fn reset_connection(&mut self, name: &str) {
        self.fault(&Fault::Reset { phone: self.named(name) });
    }

    /// Starts a fault of the stream of a phone.
    pub fn stream(&mut self, name: &str, trouble: StreamTrouble) {
        self.fault(&Fault::Stream { phone: self.named(name), trouble });
    }

    /// Crashes an exchange, and restarts it with empty state.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn crash_exchange(&mut self, name: &str, lasting: Duration) {
        self.trouble_exchange(name, ExchangeTrouble::Crashes { lasting });
    }

    /// Starts a fault of an exchange.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn trouble_exchange(&mut self, name: &str, trouble: ExchangeTrouble) {
        let exchange = self.scenario.exchange(name).expect("an exchange of that name");
        self.fault(&Fault::Exchange { exchange, trouble });
    }

    /// Suspends a phone.
    pub fn suspend_phone(&mut self, name: &str, how: SuspensionKind, lasting: Duration) {
        self.fault(&Fault::Suspend { phone: self.named(name), how, lasting });
    }

    /// Changes the network conditions of a phone.
    pub fn weather(&mut self, name: &str, weather: Weather) {
        let phone = self.named(name);
        self.nets[phone].weather = weather;
    }

    /// Runs the remaining phases: heals all faults and lets phones recover, then all users hang up.
    ///
    /// # Panics
    /// If an oracle reports a violation.
    pub fn finish(mut self) {
        let phases = self.scenario.phases;
        for (phase, lasting) in
            [(Phase::Recovery, phases.recovery), (Phase::Drain, phases.drain), (Phase::Done, Duration::ZERO)]
        {
            self.enter_phase(phase);
            self.expect_no_violation();
            self.run_for(lasting);
        }
    }

    /// Converts a time of the world to the clock of a phone.
    pub fn local_time(&self, name: &str, at: Instant) -> Instant {
        self.phone(name).local(at)
    }

    fn expect_no_violation(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}\n{}", self.ladder());
        }
    }

    fn named(&self, name: &str) -> usize {
        self.scenario.phone(name).unwrap_or_else(|| panic!("no phone is called {name}"))
    }
}
