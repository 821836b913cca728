//! A phone in the world, with what its user and its host know of it: only what events told them.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::{
    Account, Config, Deadline, EffectId, Event, FlowId, FlowState, Holdings, Input, Marks, Misuse, Output,
    Password, PendingTimer, Phone, Record, RegistrationState, Secret, Server, SessionId, Status, Target,
    Transport,
};
use offhook_wire::Instant;

use super::Clock;
use super::realm::{DOMAIN, PASSWORD};
use crate::flight::{Flight, Flights};
use crate::hash::Draw;
use crate::scenario::{self, Behaviour, MediaTrouble, PhoneSetup, Scenario};

/// How many lines one input may add to the trace, for all of them to be drawn.
const TRACE_LINES: usize = 256;

/// One phone and its user.
pub struct PhoneNode {
    /// What the scenario says of it.
    pub setup: PhoneSetup,
    phone: Phone,
    clock: Clock,
    /// Whether it still exists.
    pub alive: bool,
    /// Whether it stands still.
    pub suspension: Option<Suspension>,
    /// Whether an exchange that it knows can never be reached again.
    pub some_exchange_lost: bool,
    /// Whether no exchange that it knows can ever be reached again.
    pub all_exchanges_lost: bool,
    /// What its user does with incoming calls.
    pub behaviour: Behaviour,
    /// Whether its user wants to be registered.
    pub should_be_registered: bool,
    /// The last state of its connection that it told.
    pub connection: Option<FlowState>,
    /// The last state it told.
    pub registration: Option<RegistrationState>,
    /// The calls that are not over, as its events told them.
    pub calls: BTreeMap<SessionId, Call>,
    /// The effects that are not answered yet, and for which call.
    pub effects: BTreeMap<EffectId, SessionId>,
    /// What is wrong with its media engine.
    pub trouble: Option<MediaTrouble>,
    /// The connections that it opened and not closed, and their places in the network.
    pub flows: BTreeMap<FlowId, usize>,
    deadline: Option<Instant>,
    /// Who is told of all that it is given and does.
    flight: Option<Box<dyn Flight>>,
}

/// A call, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whether this phone called.
    pub outgoing: bool,
    /// The last status that was told.
    pub status: Status,
    /// Whether its user answered it, or began to end it.
    pub user_acted: bool,
    /// Whether we hold the peer.
    pub local_hold: bool,
    /// Whether its user asked for a hold last, and did not hear that it could not be had.
    pub requested_hold: bool,
    /// Whether the peer holds us.
    pub remote_hold: bool,
    /// Since when it has this status, in world time.
    pub since: Instant,
    /// What the phone had lived through then.
    pub elapsed: Duration,
    /// When it began, in world time.
    pub begun: Instant,
}

/// How a phone stands still.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Until when.
    pub until: Instant,
    /// Whether its host sleeps too, so that nothing can reach it.
    pub host_asleep: bool,
    /// Whether its clock goes on counting.
    pub clock_runs: bool,
}

impl PhoneNode {
    /// A phone that was just switched on.
    pub fn new(
        scenario: &Scenario,
        index: usize,
        behaviour: Behaviour,
        flights: Option<&mut Flights<'_>>,
    ) -> Self {
        let setup = scenario.phones[index].clone();
        let mut draw = Draw::new(scenario.seed, &setup.name);
        let clock = Clock::new(draw.below(1_000_000_000_000), setup.drift);
        let (mut config, seed, start) = (config(scenario, &setup), draw.seed(), clock.local(Instant::ZERO));
        let mut flight = flights.map(|flights| flights(&setup.name, &mut config, &seed, start));
        let phone = Phone::new(config, seed, start);
        if let Some(flight) = &mut flight {
            flight.after_input(&phone, &Ok(()));
        }
        Self {
            phone,
            clock,
            alive: true,
            suspension: None,
            some_exchange_lost: false,
            all_exchanges_lost: false,
            behaviour,
            should_be_registered: true,
            connection: None,
            registration: None,
            calls: BTreeMap::new(),
            effects: BTreeMap::new(),
            trouble: None,
            flows: BTreeMap::new(),
            deadline: None,
            flight,
            setup,
        }
    }

    /// Hands it something.
    ///
    /// # Errors
    /// As [`Phone::handle`].
    pub fn handle(&mut self, now: Instant, input: Input) -> Result<(), Misuse> {
        let now = self.clock.read(now);
        let Some(flight) = &mut self.flight else { return self.phone.handle(now, input) };
        flight.before_input(now, &input);
        let handled = self.phone.handle(now, input);
        flight.after_input(&self.phone, &handled);
        handled
    }

    /// What it takes its clock to show at a time of the world: it never goes back.
    pub fn local(&self, world: Instant) -> Instant {
        self.clock.monotonic(world)
    }

    /// How much time passed for it, jumps of its clock and rests left out: the longest that a timer of that length takes.
    pub fn elapsed(&self, world: Instant) -> Duration {
        self.clock.elapsed(world)
    }

    /// Whether it exists and does not stand still.
    pub fn is_awake(&self) -> bool {
        self.alive && self.suspension.is_none()
    }

    /// Whether time goes on for it: it is awake, and its clock does not show again what it showed before.
    pub fn time_advances(&self, world: Instant) -> bool {
        self.is_awake() && !self.clock.is_behind(world)
    }

    /// Sets its clock.
    pub fn set_clock(&mut self, set: impl FnOnce(&mut Clock)) {
        set(&mut self.clock);
        self.update_deadline();
    }

    /// The earliest time of the world at which its clock shows this.
    pub fn world(&self, local: Instant) -> Instant {
        self.clock.world(local)
    }

    /// What it wants done.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.phone.poll();
        match (&mut self.flight, &output) {
            (Some(flight), Some(output)) => flight.output(output),
            (Some(flight), None) => flight.idle(&self.phone),
            (None, _) => {}
        }
        output
    }

    /// Looks when it wants to be woken next. To be called when all its output was polled.
    pub fn update_deadline(&mut self) {
        self.deadline = self.phone.deadline().map(|deadline| self.clock.world(deadline.at));
    }

    /// When it wants to be woken, in world time.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.is_awake())
    }

    /// What it wants to be woken for, in its own time.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.phone.deadline()
    }

    /// The timers that it has set, in its own time.
    pub(crate) fn pending_timers(&self) -> impl Iterator<Item = PendingTimer> {
        self.phone.pending_timers()
    }

    /// The last lines of its trace, in its own time.
    pub(crate) fn trace(&self) -> impl Iterator<Item = Record> {
        self.phone.trace()
    }

    /// How many lines its trace had so far.
    pub(crate) fn traced(&self) -> u64 {
        self.phone.traced()
    }

    /// The name that the next call will have.
    pub fn next_session(&self) -> SessionId {
        self.phone.next_session()
    }

    /// The public status of a call; `None` when it is over or never was.
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.phone.status(session)
    }

    /// The calls that the phone itself knows.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.phone.sessions()
    }

    /// The places of the core that it reached.
    pub fn marks(&self) -> Marks {
        self.phone.marks()
    }

    /// What the phone holds.
    pub fn holdings(&self) -> Holdings {
        self.phone.holdings()
    }

    /// The newest call for which `fits` holds.
    pub fn newest(&self, fits: impl Fn(&Call) -> bool) -> Option<SessionId> {
        self.calls
            .iter()
            .filter(|(_, call)| fits(call))
            .max_by_key(|(_, call)| call.since)
            .map(|(&session, _)| session)
    }

    /// Whether the phone says that it has a connection.
    pub fn is_connected(&self) -> bool {
        self.connection == Some(FlowState::Up)
    }

    /// Whether the phone says that it is registered.
    pub fn is_registered(&self) -> bool {
        matches!(
            self.registration,
            Some(RegistrationState::Registered { .. } | RegistrationState::Refreshing)
        )
    }

    /// Takes in what an event tells the user.
    pub fn apply(&mut self, now: Instant, event: &Event) {
        let elapsed = self.elapsed(now);
        match event {
            Event::Registration { state, .. } => self.registration = Some(*state),
            Event::Flow { state, .. } => self.connection = Some(*state),
            Event::Incoming(incoming) => {
                self.calls.insert(incoming.session, Call::new(false, now, elapsed));
            }
            Event::Status { session, to, .. } => {
                if let Some(call) = self.calls.get_mut(session) {
                    (call.status, call.since, call.elapsed) = (*to, now, elapsed);
                }
            }
            Event::Hold { session, local, remote } => {
                if let Some(call) = self.calls.get_mut(session) {
                    (call.local_hold, call.remote_hold) = (*local, *remote);
                }
            }
            Event::HoldFailed { session, .. } => {
                if let Some(call) = self.calls.get_mut(session) {
                    call.requested_hold = call.local_hold;
                }
            }
            Event::Referred { session, .. } => {
                self.calls.insert(*session, Call::new(true, now, elapsed));
            }
            Event::Ended { session, .. } => {
                self.calls.remove(session);
            }
            _ => {}
        }
    }
}

impl Call {
    /// A call that was just made.
    pub fn new(outgoing: bool, now: Instant, elapsed: Duration) -> Self {
        Self {
            outgoing,
            status: Status::Initial,
            user_acted: false,
            local_hold: false,
            requested_hold: false,
            remote_hold: false,
            since: now,
            elapsed,
            begun: now,
        }
    }
}

fn config(scenario: &Scenario, setup: &PhoneSetup) -> Config {
    let transport = match setup.transport {
        scenario::Transport::Ws => Transport::Ws,
        scenario::Transport::Udp => Transport::Udp,
    };
    let servers = scenario.exchanges.iter().enumerate().map(|(rank, exchange)| Server {
        target: Target {
            transport,
            host: exchange.name.clone(),
            port: 5060,
            path: if transport == Transport::Udp { String::new() } else { "/".to_owned() },
        },
        weight: u16::MAX - u16::try_from(rank).unwrap_or(u16::MAX),
    });
    let password = if setup.right_password { PASSWORD } else { "guess" };
    let account = Account {
        aor: format!("sip:{}@{DOMAIN}", setup.user),
        display_name: None,
        username: None,
        password: Some(Password::Plain(Secret::new(password.to_owned()))),
        realm: None,
        servers: servers.collect(),
        register: true,
        expires: setup.expires,
        max_registration_attempts: setup.attempts,
    };
    let mut config = Config::new(account);
    config.trace = TRACE_LINES;
    #[cfg(feature = "planted")]
    {
        config.planted = scenario.planted.and_then(crate::planted::Planted::of_phone);
    }
    config
}
