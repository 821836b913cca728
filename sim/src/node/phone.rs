//! A phone of a world, with the state that its user and host know from its events.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::{
    Account, AccountEvent, AccountId, Config, ConnectionId, ConnectionState, Deadline, EffectId, Event,
    Holdings, Input, Marks, Misuse, Output, PendingTimer, Phone, Record, RegistrationState, RenegotiateBy,
    RequestId, SessionId, Status,
};
use offhook_wire::Instant;

use super::{AccountNode, Clock};
use crate::flight::{Flight, Flights};
use crate::hash::Draw;
use crate::media::Leg;
use crate::scenario::{Behaviour, MediaTrouble, PhoneSetup, Scenario};
use crate::told::{Told, told};

/// The capacity of the trace, above the number of records of one input.
const TRACE_LINES: usize = 256;

/// A phone and its user.
pub struct PhoneNode {
    /// Its setup in the scenario.
    pub setup: PhoneSetup,
    phone: Phone,
    clock: Clock,
    /// Whether it is not permanently off.
    pub alive: bool,
    /// Its suspension, while it is suspended.
    pub suspension: Option<Suspension>,
    /// Whether at least one of its exchanges is permanently unreachable.
    pub some_exchange_lost: bool,
    /// Whether all of its exchanges are permanently unreachable.
    pub all_exchanges_lost: bool,
    /// The behaviour of its user for incoming calls.
    pub behaviour: Behaviour,
    /// Its account as its user knows it.
    pub account: AccountNode,
    /// The account of each connection that it opened.
    pub account_of: BTreeMap<ConnectionId, AccountId>,
    /// The number of INFOs that its user sent.
    pub infos: u32,
    /// Whether the last command of its user was to register.
    pub should_be_registered: bool,
    /// The last reported state of its connection.
    pub connection: Option<ConnectionState>,
    /// The last reported state of its registration.
    pub registration: Option<RegistrationState>,
    /// The calls that have not ended, according to its events.
    pub calls: BTreeMap<SessionId, Call>,
    /// Unfinished effects, and their legs.
    pub effects: BTreeMap<EffectId, Leg>,
    /// The fault of its media engine.
    pub trouble: Option<MediaTrouble>,
    /// Its open connections, and their indexes in the world.
    pub connections: BTreeMap<ConnectionId, usize>,
    deadline: Option<Instant>,
    /// The recorder, if there is one.
    flight: Option<Box<dyn Flight>>,
}

/// A call as its user knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whether this phone dialled.
    pub outgoing: bool,
    /// The last reported status.
    pub status: Status,
    /// Whether its user answered, rejected or hung up.
    pub user_acted: bool,
    /// Whether this phone holds the peer.
    pub local_hold: bool,
    /// Whether the last request was a hold, and it did not fail.
    pub requested_hold: bool,
    /// Whether the last hold or resume failed.
    pub hold_failed: bool,
    /// Whether the last change of the types of media failed.
    pub types_failed: bool,
    /// The number of the REFER that waits for the user's decision.
    pub requested_transfer: Option<u32>,
    /// Whether the peer holds this phone.
    pub remote_hold: bool,
    /// The start of the status, in world time.
    pub since: Instant,
    /// The elapsed time of the phone at the start of the status.
    pub elapsed: Duration,
    /// The start of the call, in world time.
    pub begun: Instant,
}

/// A suspension of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Its end, in world time.
    pub until: Instant,
    /// Whether the host sleeps too, so that no data arrives.
    pub host_asleep: bool,
    /// Whether the clock continues.
    pub clock_runs: bool,
}

impl PhoneNode {
    /// A new phone.
    pub fn new(
        scenario: &Scenario,
        index: usize,
        behaviour: Behaviour,
        flights: Option<&mut Flights<'_>>,
    ) -> Self {
        let setup = scenario.phones[index].clone();
        let mut draw = Draw::new(scenario.seed, &setup.name);
        let clock = Clock::new(draw.below(1_000_000_000_000), setup.drift);
        let account = AccountNode::new(scenario, &setup);
        let (mut config, seed, start) =
            (config(scenario, &setup, account.config()), draw.seed(), clock.local(Instant::ZERO));
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
            account,
            account_of: BTreeMap::new(),
            infos: 0,
            should_be_registered: true,
            connection: None,
            registration: None,
            calls: BTreeMap::new(),
            effects: BTreeMap::new(),
            trouble: None,
            connections: BTreeMap::new(),
            deadline: None,
            flight,
            setup,
        }
    }

    /// Gives it an input.
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

    /// The time on its clock at a world time, made monotonic.
    pub fn local(&self, world: Instant) -> Instant {
        self.clock.monotonic(world)
    }

    /// The elapsed time of the phone, without clock steps and suspensions: no timer of this length takes longer.
    pub fn elapsed(&self, world: Instant) -> Duration {
        self.clock.elapsed(world)
    }

    /// Whether it is alive and not suspended.
    pub fn is_awake(&self) -> bool {
        self.alive && self.suspension.is_none()
    }

    /// Whether its time advances: it is awake, and its clock was not set back.
    pub fn time_advances(&self, world: Instant) -> bool {
        self.is_awake() && !self.clock.is_behind(world)
    }

    /// Sets its clock.
    pub fn set_clock(&mut self, set: impl FnOnce(&mut Clock)) {
        set(&mut self.clock);
        self.update_deadline();
    }

    /// The earliest world time at which its clock shows `local`.
    pub fn world(&self, local: Instant) -> Instant {
        self.clock.world(local)
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.phone.poll();
        match (&mut self.flight, &output) {
            (Some(flight), Some(output)) => flight.output(output),
            (Some(flight), None) => flight.idle(&self.phone),
            (None, _) => {}
        }
        output
    }

    /// Updates the deadline. To be called after all outputs were polled.
    pub fn update_deadline(&mut self) {
        self.deadline = self.phone.deadline().map(|deadline| self.clock.world(deadline.at));
    }

    /// The next deadline, in world time.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.is_awake())
    }

    /// The next deadline, on its own clock.
    pub fn next_deadline(&self) -> Option<Deadline> {
        self.phone.deadline()
    }

    /// The pending timers, on its own clock.
    pub(crate) fn pending_timers(&self) -> impl Iterator<Item = PendingTimer> {
        self.phone.pending_timers()
    }

    /// The last records of its trace, on its own clock.
    pub(crate) fn trace(&self) -> impl Iterator<Item = Record> {
        self.phone.trace()
    }

    /// The total number of trace records.
    pub(crate) fn traced(&self) -> u64 {
        self.phone.traced()
    }

    /// The ID of the next call.
    pub fn next_session(&self) -> SessionId {
        self.phone.next_session()
    }

    /// The ID of the next request outside of a dialog.
    pub fn next_request(&self) -> RequestId {
        self.phone.next_request()
    }

    /// The ID of the next account.
    pub fn next_account(&self) -> AccountId {
        self.phone.next_account()
    }

    /// The status of a call; `None` if there is none.
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.phone.status(session)
    }

    /// The calls of the phone itself.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.phone.sessions()
    }

    /// The marks of the core that it reached.
    pub fn marks(&self) -> Marks {
        self.phone.marks()
    }

    /// The resources that the phone holds.
    pub fn holdings(&self) -> Holdings {
        self.phone.holdings()
    }

    /// The newest call that satisfies `fits`.
    pub fn newest(&self, fits: impl Fn(&Call) -> bool) -> Option<SessionId> {
        self.calls
            .iter()
            .filter(|(_, call)| fits(call))
            .max_by_key(|(_, call)| call.since)
            .map(|(&session, _)| session)
    }

    /// Whether the phone reported a connection.
    pub fn is_connected(&self) -> bool {
        self.connection == Some(ConnectionState::Up)
    }

    /// Whether the phone reported a registration.
    pub fn is_registered(&self) -> bool {
        matches!(
            self.registration,
            Some(RegistrationState::Registered { .. } | RegistrationState::Refreshing)
        )
    }

    /// Applies an event to the state of the user.
    pub fn apply(&mut self, now: Instant, event: &Event) {
        match event {
            // Of an account that its user removed.
            Event::Account { account, .. } if Some(*account) != self.account.id => {}
            Event::Account { event: AccountEvent::Registration(state), .. } => {
                self.registration = Some(*state)
            }
            Event::Account { event: AccountEvent::Connection { state, .. }, .. } => {
                self.connection = Some(*state);
                if *state == ConnectionState::Connecting && std::mem::take(&mut self.account.moving) {
                    self.account.asked = None;
                }
            }
            _ => {
                if let Some((session, told)) = told(event) {
                    self.apply_to_call(now, session, told);
                }
            }
        }
    }

    fn apply_to_call(&mut self, now: Instant, session: SessionId, told: Told<'_>) {
        let elapsed = self.elapsed(now);
        match told {
            Told::Incoming { .. } => drop(self.calls.insert(session, Call::new(false, now, elapsed))),
            Told::Referred { .. } => drop(self.calls.insert(session, Call::new(true, now, elapsed))),
            Told::Ended(_) => drop(self.calls.remove(&session)),
            _ => {}
        }
        let Some(call) = self.calls.get_mut(&session) else { return };
        match told {
            Told::Status { to, .. } => (call.status, call.since, call.elapsed) = (to, now, elapsed),
            Told::Hold { local, remote } => {
                (call.local_hold, call.remote_hold) = (local, remote);
                call.hold_failed = false;
            }
            Told::HoldFailed { .. } => {
                call.requested_hold = call.local_hold;
                call.hold_failed = true;
            }
            Told::MediaTypes { .. } => call.types_failed = false,
            Told::MediaTypesFailed { .. } => call.types_failed = true,
            Told::TransferRequested { request, .. } => call.requested_transfer = Some(request),
            Told::TransferRequestEnded { request } => {
                call.requested_transfer.take_if(|pending| *pending == request);
            }
            _ => {}
        }
    }
}

impl Call {
    /// A new call.
    pub fn new(outgoing: bool, now: Instant, elapsed: Duration) -> Self {
        Self {
            outgoing,
            status: Status::Initial,
            user_acted: false,
            local_hold: false,
            requested_hold: false,
            hold_failed: false,
            types_failed: false,
            requested_transfer: None,
            remote_hold: false,
            since: now,
            elapsed,
            begun: now,
        }
    }
}

fn config(scenario: &Scenario, setup: &PhoneSetup, account: Account) -> Config {
    let mut config = Config::new(account);
    config.refer_policy = setup.refers;
    config.redirect_policy = setup.redirects;
    config.info_packages.clone_from(&setup.packages);
    config.reliable_provisional = setup.reliable;
    if setup.by_update {
        config.renegotiate_by = RenegotiateBy::Update;
    }
    config.media_legs = setup.legs;
    config.trace = TRACE_LINES;
    #[cfg(feature = "planted")]
    {
        config.planted = scenario.planted.and_then(crate::planted::Planted::of_phone);
    }
    #[cfg(not(feature = "planted"))]
    let _ = scenario;
    config
}
