//! The state of a world.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use offhook::{Input, Marks};
use offhook_exchange as exchange;
use offhook_wire::Instant;

use super::event::ScheduledEvent;
use super::net::{Connection, Net};
use super::rogue_flows::Rogues;
use crate::fate::Fates;
use crate::flight::Flights;
use crate::machine_trace::MachineTrace;
use crate::media::{Engines, Leg};
use crate::node::{ExchangeNode, PhoneNode};
use crate::oracle::{CorruptedCalls, Oracle, Violation};
use crate::queue::Queue;
use crate::scenario::{Behaviour, Phase, Scenario};
use crate::tape::Tape;

/// All nodes and networks of a run.
///
/// Played from a [`Scenario`] ([`World::play`]), or driven by hand in a test ([`World::builder`]).
pub struct World {
    pub(super) scenario: Scenario,
    pub(super) now: Instant,
    pub(super) phase: Phase,
    pub(super) queue: Queue<ScheduledEvent>,
    pub(super) phones: Vec<PhoneNode>,
    pub(super) exchanges: Vec<ExchangeNode>,
    pub(super) rogues: Rogues,
    pub(super) nets: Vec<Net>,
    pub(super) connections: Vec<Connection>,
    pub(super) exchange_flows: BTreeMap<(usize, exchange::FlowId), usize>,
    /// The flow of each remote address of datagrams, by exchange.
    pub(super) exchange_remotes: BTreeMap<(usize, SocketAddr), exchange::FlowId>,
    pub(super) fates: Fates,
    pub(super) engines: Engines,
    pub(super) oracles: Vec<Box<dyn Oracle>>,
    pub(super) violation: Option<Violation>,
    pub(super) tape: Tape,
    pub(super) machine_trace: Option<MachineTrace>,
    /// The deferred inputs of each suspended phone.
    pub(super) deferred: Vec<Vec<Input>>,
    /// The media session of the effect whose result a phone is being given.
    pub(super) reported: Option<Leg>,
    /// The hashes of corrupted messages, with the Call-IDs before and after the corruption.
    pub(super) corrupted_messages: BTreeMap<u64, Vec<u64>>,
    pub(super) corrupted_calls: CorruptedCalls,
}

impl World {
    /// A new world. With `keep`, it keeps the tape for a ladder.
    pub fn new(scenario: Scenario, oracles: Vec<Box<dyn Oracle>>, keep: bool) -> Self {
        Self::with_flights(scenario, oracles, keep, None)
    }

    /// A new world with a recorder for each phone.
    pub fn with_flights(
        scenario: Scenario,
        oracles: Vec<Box<dyn Oracle>>,
        keep: bool,
        mut flights: Option<&mut Flights<'_>>,
    ) -> Self {
        // By default users answer after two seconds.
        let behaviour = Behaviour::Answer { after: Duration::from_secs(2) };
        let mut world = Self {
            now: Instant::ZERO,
            phase: Phase::Faults,
            queue: Queue::new(),
            phones: (0..scenario.phones.len())
                .map(|index| PhoneNode::new(&scenario, index, behaviour, flights.as_deref_mut()))
                .collect(),
            exchanges: (0..scenario.exchanges.len())
                .map(|index| ExchangeNode::new(&scenario, index))
                .collect(),
            nets: scenario
                .phones
                .iter()
                .map(|phone| Net::new(phone.weather, phone.streaming, scenario.exchanges.len()))
                .collect(),
            rogues: Rogues::new(&scenario),
            connections: Vec::new(),
            exchange_flows: BTreeMap::new(),
            exchange_remotes: BTreeMap::new(),
            fates: Fates::new(scenario.seed),
            engines: Engines::new(&scenario),
            oracles,
            violation: None,
            tape: Tape::new(keep),
            machine_trace: keep.then(|| MachineTrace::new(scenario.phones.len())),
            reported: None,
            deferred: scenario.phones.iter().map(|_| Vec::new()).collect(),
            corrupted_messages: BTreeMap::new(),
            corrupted_calls: CorruptedCalls::default(),
            scenario,
        };
        for exchange in 0..world.exchanges.len() {
            world.exchanges[exchange].start(&world.scenario, Instant::ZERO);
            world.connect_rogues(exchange);
        }
        for phone in 0..world.phones.len() {
            world.drain_phone(phone);
        }
        world
    }

    /// The current time of the world.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The marks of the core that its phones reached.
    pub fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        for phone in &self.phones {
            marks.add(&phone.marks());
        }
        marks
    }

    /// Whether a corrupted message arrived.
    pub fn is_corrupted(&self) -> bool {
        self.corrupted_calls.any()
    }

    /// The trace of the state machines of the phones, if the tape is kept.
    pub(crate) fn machine_trace(&self) -> Option<&MachineTrace> {
        self.machine_trace.as_ref()
    }

    /// The first violation.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }
}
