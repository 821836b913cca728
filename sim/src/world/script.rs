//! A world that a test drives by hand.

use std::time::Duration;

use offhook::{Command, Dial, Event, Misuse, SessionId, Status};
use offhook_wire::Instant;

use super::World;
use crate::node::{Breach, Call, PhoneNode};
use crate::oracle;
use crate::scenario::{
    Behaviour, ExchangeSetup, ExchangeTrouble, Fault, Phase, PhoneSetup, RogueAction, RogueSetup, Scenario,
    StreamTrouble, SuspensionKind, Transport, UserAction, Way, Weather,
};
use crate::tape::{Entry, EntryKind};

/// Who is in a world. [`World::builder`] makes one.
///
/// ```
/// # use offhook_sim::{World, scenario::Deed};
/// # use std::time::Duration;
/// let mut world = World::builder().phone("alice").udp_phone("bob").start();
/// world.user("alice", Deed::Dial("bob".to_owned()));
/// world.run_until("both talk", Duration::from_secs(10), |world| world.talks("alice") && world.talks("bob"));
/// world.user("bob", Deed::HangUp);
/// world.finish();
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    scenario: Scenario,
}

impl Builder {
    /// Another seed than 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.scenario.seed = seed;
        self
    }

    /// A phone on a good WebSocket.
    #[must_use]
    pub fn phone(self, name: &str) -> Self {
        self.setup(PhoneSetup::new(name))
    }

    /// A phone that sends datagrams over a good network.
    #[must_use]
    pub fn udp_phone(self, name: &str) -> Self {
        self.setup(PhoneSetup { transport: Transport::Udp, ..PhoneSetup::new(name) })
    }

    /// One more exchange, to fall back on.
    #[must_use]
    pub fn exchange(mut self, name: &str) -> Self {
        self.scenario.exchanges.push(ExchangeSetup::new(name));
        self
    }

    /// Any phone.
    #[must_use]
    pub fn setup(mut self, phone: PhoneSetup) -> Self {
        self.scenario.phones.push(phone);
        self
    }

    /// Real media instead of its model.
    #[cfg(feature = "media")]
    #[must_use]
    pub fn real_media(mut self) -> Self {
        self.scenario.media = crate::scenario::Fidelity::Real;
        self
    }

    /// A peer that breaks rules on purpose.
    #[must_use]
    pub fn rogue(mut self, name: &str, breaks: impl IntoIterator<Item = Breach>) -> Self {
        self.scenario.rogues.push(RogueSetup::new(name, breaks));
        self
    }

    /// The world at its first instant, with all oracles watching.
    pub fn cold(self) -> World {
        World::new(self.scenario, oracle::all(), true)
    }

    /// The world when all phones are registered.
    ///
    /// # Panics
    /// When they are not within a minute.
    pub fn start(self) -> World {
        let mut world = self.cold();
        world.run_until("all are registered", Duration::from_secs(60), |world| {
            world.phones.iter().all(PhoneNode::is_registered)
        });
        world
    }
}

/// For tests: everything is named, and everything that is not as it should be panics with the ladder.
impl World {
    /// A world with one exchange and nobody else.
    pub fn builder() -> Builder {
        Builder { scenario: Scenario::new(1) }
    }

    /// A phone, by its name.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn phone(&self, name: &str) -> &PhoneNode {
        &self.phones[self.named(name)]
    }

    /// Lets a user act on the newest call that is in the state for it; see [`Deed`].
    pub fn user(&mut self, name: &str, action: UserAction) {
        self.perform(self.named(name), &action);
    }

    /// Lets a user do this with incoming calls from now on.
    pub fn behaviour(&mut self, name: &str, behaviour: Behaviour) {
        self.user(name, UserAction::Behaviour(behaviour));
    }

    /// Calls somebody.
    ///
    /// # Panics
    /// When the phone refuses.
    pub fn dial(&mut self, name: &str, to: &str) -> SessionId {
        let phone = self.named(name);
        let session = self.phones[phone].next_session();
        let dialled = self.give_command(phone, Command::Dial { session, dial: Dial::to(to) });
        assert_eq!(dialled, Ok(()), "{name} cannot dial {to}");
        session
    }

    /// Lets a rogue do something.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn rogue(&mut self, name: &str, action: &RogueAction) {
        let rogue = self.scenario.rogue(name).expect("a rogue of that name");
        self.rogue_action(rogue, action);
    }

    /// Gives a phone any command.
    ///
    /// # Errors
    /// When the phone refuses.
    pub fn command(&mut self, name: &str, command: Command) -> Result<(), Misuse> {
        self.give_command(self.named(name), command)
    }

    /// The newest call of a phone that is not over.
    pub fn call(&self, name: &str) -> Option<&Call> {
        let phone = self.phone(name);
        phone.newest(|_| true).and_then(|session| phone.calls.get(&session))
    }

    /// Whether a phone has an established call.
    pub fn talks(&self, name: &str) -> bool {
        self.phone(name).calls.values().any(|call| call.status == Status::Established)
    }

    /// What the newest call of a phone hears from the other end of it, with real media: nothing, the other's tone, or
    /// something else.
    #[cfg(feature = "media")]
    pub fn hears(&self, name: &str) -> crate::media::HeardAudio {
        let phone = self.named(name);
        let end = self.phones[phone].newest(|_| true).map(|session| (phone, session));
        end.map_or(crate::media::HeardAudio::Nothing, |end| self.engines.hears(end))
    }

    /// All digits that a phone heard so far.
    pub fn digits(&self, name: &str) -> String {
        let listener = self.named(name);
        let digit = |entry: &Entry| match &entry.what {
            EntryKind::Event { phone, event: Event::Digit { digit, .. } } if *phone == listener => {
                Some(*digit)
            }
            _ => None,
        };
        self.tape.entries().iter().filter_map(digit).collect()
    }

    /// How many contacts of a user an exchange knows.
    ///
    /// # Panics
    /// When there is no exchange of that name.
    pub fn contacts(&self, exchange: &str, user: &str) -> usize {
        let exchange = self.scenario.exchange(exchange).expect("an exchange of that name");
        self.exchanges[exchange].contacts(user)
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let limit = self.now + time;
        while self.advance(limit) {
            self.expect_no_violation();
        }
    }

    /// Lets time pass until something holds.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn run_until(&mut self, what: &str, limit: Duration, holds: impl Fn(&World) -> bool) {
        let limit = self.now + limit;
        while !holds(self) {
            let goes_on = self.advance(limit);
            self.expect_no_violation();
            assert!(goes_on, "not in time: {what}\n{}", self.ladder());
        }
    }

    /// Cuts a phone off both ways.
    pub fn cut(&mut self, name: &str, lasting: Duration) {
        self.fault(&Fault::Cut { phone: self.named(name), way: Way::Both, lasting });
    }

    /// Resets a phone's connection.
    pub fn reset_connection(&mut self, name: &str) {
        self.fault(&Fault::Reset { phone: self.named(name) });
    }

    /// Lets something be wrong with the stream that a phone uses.
    pub fn stream(&mut self, name: &str, trouble: StreamTrouble) {
        self.fault(&Fault::Stream { phone: self.named(name), trouble });
    }

    /// Stops an exchange, and starts it with all forgotten.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn crash_exchange(&mut self, name: &str, lasting: Duration) {
        self.trouble_exchange(name, ExchangeTrouble::Crashes { lasting });
    }

    /// Lets something go wrong with an exchange.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn trouble_exchange(&mut self, name: &str, trouble: ExchangeTrouble) {
        let exchange = self.scenario.exchange(name).expect("an exchange of that name");
        self.fault(&Fault::Exchange { exchange, trouble });
    }

    /// Lets a phone stand still.
    pub fn suspend_phone(&mut self, name: &str, how: SuspensionKind, lasting: Duration) {
        self.fault(&Fault::Suspend { phone: self.named(name), how, lasting });
    }

    /// Changes the network that a phone is on.
    pub fn weather(&mut self, name: &str, weather: Weather) {
        let phone = self.named(name);
        self.nets[phone].weather = weather;
    }

    /// Heals all faults, lets everything settle, lets everybody hang up, and expects that all comes to rest.
    ///
    /// # Panics
    /// When an oracle objects.
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

    /// When a thing of this world happened, in the time of a phone's own clock.
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
