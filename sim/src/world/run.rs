//! The event loop of a world: scheduled events, deadlines of nodes, and their outputs.

use std::time::Duration;

use bytes::Bytes;
use offhook::{Command, ConnectionChange, Event, Input, Misuse, Output};
use offhook_exchange as exchange;
use offhook_wire::{Frame, Instant, Limits, Message, datagram};

use super::{ScheduledEvent, World};
use crate::machine_trace::Point;
use crate::node::{Call, ExchangeNode, PhoneNode, RogueNode};
use crate::oracle::{Observation, Oracle, PhaseEnd, Reading, Violation, WorldView};
use crate::scenario::Phase;
use crate::tape::{EntryKind, Node};
use crate::told::{Told, told};

impl World {
    /// Plays the scenario to its end, or to the first violation.
    pub fn play(&mut self) {
        for (index, step) in self.scenario.steps.iter().enumerate() {
            self.queue.schedule(Instant::ZERO + step.at, ScheduledEvent::Step(index));
        }
        let phases = self.scenario.phases;
        let phases =
            [(phases.faults, Phase::Recovery), (phases.recovery, Phase::Drain), (phases.drain, Phase::Done)];
        let mut at = Instant::ZERO;
        for (length, next) in phases {
            at += length;
            self.queue.schedule(at, ScheduledEvent::Phase(next));
        }
        while self.phase != Phase::Done && self.violation.is_none() && self.advance(at) {}
    }

    /// Executes the next event, if it is due before `limit`; otherwise advances the time to `limit`.
    pub(super) fn advance(&mut self, limit: Instant) -> bool {
        let planned = self.queue.next_at();
        let phones = self.phones.iter().filter_map(PhoneNode::deadline);
        let exchanges = self.exchanges.iter().filter_map(ExchangeNode::deadline);
        let rogues = self.rogues.nodes.iter().filter_map(RogueNode::deadline);
        let engines = self.engines.deadline(&self.phones);
        let wake = phones.chain(exchanges).chain(rogues).chain(engines).min();
        let Some(next) = planned.into_iter().chain(wake).min().filter(|&next| next <= limit) else {
            self.now = limit.max(self.now);
            return false;
        };
        self.now = next.max(self.now);
        match self.queue.pop_due(self.now) {
            Some(event) => self.execute(event),
            None => self.wake(),
        }
        true
    }

    fn execute(&mut self, event: ScheduledEvent) {
        match event {
            ScheduledEvent::Step(index) => self.step(index),
            ScheduledEvent::Phase(phase) => self.enter_phase(phase),
            ScheduledEvent::ConnectRequested(connection) => self.connect_requested(connection),
            ScheduledEvent::Connected(connection) => self.connected(connection),
            ScheduledEvent::ConnectionLost(connection, failure) => self.connection_lost(connection, failure),
            ScheduledEvent::ExchangeEndLost(connection) => self.exchange_end_lost(connection),
            ScheduledEvent::MessageArrived { connection, up, data } => {
                self.message_arrived(connection, up, data)
            }
            ScheduledEvent::BytesArrived { connection, up } => self.bytes_arrive(connection, up),
            ScheduledEvent::CloseTimedOut(connection) => self.close_timed_out(connection),
            ScheduledEvent::Input { phone, input } => self.phone_input(phone, *input),
            ScheduledEvent::Done { phone, effect, result } => {
                self.phone_input(phone, Input::Done { effect, result });
            }
            ScheduledEvent::PathUp(end) => self.path_up(end),
            ScheduledEvent::PathDown(end) => self.path_down(end),
            ScheduledEvent::UserReacts { phone, session, action } => match self.phones[phone].suspension {
                Some(rest) => {
                    self.queue.schedule(rest.until, ScheduledEvent::UserReacts { phone, session, action })
                }
                None => self.react(phone, session, &action),
            },
            ScheduledEvent::ExchangeRestarts(exchange) => self.exchange_returns(exchange),
            ScheduledEvent::RefusalEnds(exchange) => self.exchanges[exchange].refusing = None,
            ScheduledEvent::LagEnds(exchange) => self.exchanges[exchange].lag(Duration::ZERO),
            ScheduledEvent::MinExpiresEnds(exchange) => self.exchanges[exchange].set_min_expires(None),
            ScheduledEvent::ExchangeInput { exchange, life, input } => {
                self.exchange_resumes(exchange, life, *input)
            }
            ScheduledEvent::PhoneResumes(phone) => self.suspension_over(phone),
            ScheduledEvent::TroubleEnds(phone) => self.trouble_ends(phone),
            ScheduledEvent::CutEnds(phone) => self.cut_ends(phone),
            #[cfg(feature = "media")]
            ScheduledEvent::Datagram(datagram) => self.datagram_arrives(&datagram),
            #[cfg(feature = "media")]
            ScheduledEvent::ProbeAudio => self.probe_audio(),
            ScheduledEvent::Rogue(rogue, hap) => self.on_rogue_event(rogue, hap),
        }
    }

    /// Wakes the nodes whose deadline is reached.
    fn wake(&mut self) {
        for exchange in 0..self.exchanges.len() {
            if self.exchanges[exchange].deadline().is_some_and(|at| at <= self.now) {
                self.observe(&Observation::Woken(Node::Exchange(exchange)));
                self.exchanges[exchange].handle(self.now, exchange::Input::Wake);
                self.drain_exchange(exchange);
            }
        }
        for phone in 0..self.phones.len() {
            if self.phones[phone].deadline().is_some_and(|at| at <= self.now) {
                self.observe(&Observation::Woken(Node::Phone(phone)));
                self.phone_input(phone, Input::Wake);
            }
        }
        #[cfg(feature = "media")]
        self.wake_lines();
        self.wake_rogues();
    }

    pub(super) fn phone_input(&mut self, phone: usize, input: Input) {
        if self.phones[phone].suspension.is_some() {
            return self.defer_input(phone, input);
        }
        if let Input::Done { effect, .. } = &input {
            self.reported = self.phones[phone].effects.remove(effect);
        }
        if self.phones[phone].alive {
            match &input {
                Input::Received { connection, data }
                    if !self.arrives_corrupted(phone, Some(*connection), data) =>
                {
                    let message = read(data);
                    let message = message.as_ref().and_then(Reading::received);
                    if let Some(message) = &message {
                        self.corrupted_calls.received(phone, message);
                    }
                    self.observe(&Observation::Received {
                        phone,
                        connection: *connection,
                        data,
                        message: message.as_ref(),
                    });
                }
                Input::Connection { connection, change: ConnectionChange::Down(_) } => {
                    self.phones[phone].connections.remove(connection);
                }
                _ => {}
            }
            let handled = self.phones[phone].handle(self.now, input);
            assert!(handled.is_ok(), "only commands can be refused: {handled:?}");
            self.drain_phone(phone);
        }
        self.reported = None;
    }

    /// Gives a command to a phone. Returns its result.
    pub(super) fn give_command(&mut self, phone: usize, command: Command) -> Result<(), Misuse> {
        let answer = self.phones[phone].handle(self.now, Input::Command(command.clone()));
        let refused = answer.as_ref().err();
        if let (Command::Dial { session, .. }, None) = (&command, refused) {
            let node = &mut self.phones[phone];
            let call = Call::new(true, self.now, node.elapsed(self.now));
            node.calls.insert(*session, call);
        }
        self.observe(&Observation::Command { phone, command: &command, refused });
        let refused = refused.cloned();
        self.tape.note(self.now, || EntryKind::Command { phone, command, refused });
        self.drain_phone(phone);
        answer
    }

    pub(super) fn drain_phone(&mut self, phone: usize) {
        if let Some(trace) = &mut self.machine_trace {
            let point = Point { at: self.now, entry: self.tape.entries().len() };
            for (machine, words) in trace.record(point, phone, &self.phones[phone]) {
                self.tape.note(self.now, || EntryKind::Mark { phone, machine, words });
            }
        }
        let mut outputs = 0;
        while let Some(output) = self.phones[phone].poll() {
            outputs += 1;
            match output {
                Output::Transmit { connection, data } => {
                    self.tape.phone_message(self.now, phone, connection.0, &data);
                    let message = read(&data);
                    let message = message.as_ref().and_then(Reading::sent);
                    if let Some(message) = &message {
                        self.corrupted_calls.sent(phone, message, &self.engines);
                    }
                    let message = message.as_ref();
                    self.observe(&Observation::Sent { phone, connection, data: &data, message });
                    self.phone_sends(phone, connection, data);
                }
                Output::Open { connection, account, hop } => {
                    self.phones[phone].account_of.insert(connection, account);
                    self.observe(&Observation::Connecting { phone, account, connection, hop: &hop });
                    self.open(phone, connection, &hop);
                }
                Output::Close { connection } => self.phone_closes(phone, connection),
                Output::Effect { id, effect } => self.effect(phone, id, &effect),
                Output::Event(event) => self.on_phone_event(phone, event),
            }
        }
        self.phones[phone].update_deadline();
        self.observe(&Observation::PhonePolled { phone, outputs });
    }

    fn on_phone_event(&mut self, phone: usize, event: Event) {
        self.phones[phone].apply(self.now, &event);
        if let Some((session, Told::Incoming { .. })) = told(&event) {
            self.corrupted_calls.incoming(phone, session);
        }
        self.observe(&Observation::Event { phone, event: &event });
        match told(&event) {
            Some((session, Told::Incoming { .. })) => self.schedule_reaction(phone, session),
            Some((session, Told::TransferRequested { .. })) => self.schedule_decision(phone, session),
            _ => {}
        }
        self.tape.note(self.now, || EntryKind::Event { phone, event });
    }

    pub(super) fn drain_exchange(&mut self, exchange: usize) {
        while let Some(output) = self.exchanges[exchange].poll() {
            match output {
                exchange::Output::Transmit { flow, data } => self.exchange_output(exchange, flow, data),
                exchange::Output::Datagram { remote, data } => {
                    if let Some(&flow) = self.exchange_remotes.get(&(exchange, remote)) {
                        self.exchange_output(exchange, flow, data);
                    }
                }
                exchange::Output::Close { flow } if self.close_rogue_flow(exchange, flow) => {}
                exchange::Output::Close { flow } => self.exchange_closes(exchange, flow),
                exchange::Output::Event(event) => self.exchange_told(exchange, &event),
            }
        }
        self.exchanges[exchange].update_deadline();
        let began = self.exchanges[exchange].take_began();
        self.observe(&Observation::ExchangePolled { exchange, began });
    }

    /// Sends a message of the exchange itself, not of its overload protection.
    fn exchange_output(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        let phone =
            self.exchange_flows.get(&(exchange, flow)).map(|&at| Node::Phone(self.connections[at].phone));
        let message = read(&data);
        if let Some(to) = phone.or_else(|| self.rogue_at(exchange, flow).map(Node::Rogue))
            && let Some(message) = message.as_ref().and_then(Reading::received)
        {
            self.observe(&Observation::ExchangeSent { exchange, to, message: &message });
        }
        self.exchange_transmits(exchange, flow, data);
    }

    pub(super) fn exchange_transmits(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        self.tape.exchange_message(self.now, exchange, flow.0, &data);
        if !self.deliver_to_rogue(exchange, flow, &data) {
            self.exchange_sends(exchange, flow, data);
        }
    }

    fn exchange_told(&mut self, exchange: usize, event: &exchange::Event) {
        match event {
            exchange::Event::Registered { user, contact, flow, .. } => {
                let remote = self.exchanges[exchange].remote(*flow);
                let flow =
                    remote.and_then(|remote| self.exchange_remotes.get(&(exchange, remote))).unwrap_or(flow);
                if let Some(&connection) = self.exchange_flows.get(&(exchange, *flow))
                    && !self.is_rogue(user)
                {
                    let (phone, connection) =
                        (self.connections[connection].phone, self.connections[connection].id);
                    self.rogues.learn(user, contact);
                    self.observe(&Observation::BindingAdded { exchange, phone, connection, contact });
                }
            }
            // A rogue may have registered the Contact of a phone.
            exchange::Event::Unregistered { user, .. } if self.is_rogue(user) => {}
            exchange::Event::Unregistered { contact, .. } => {
                self.observe(&Observation::BindingRemoved { exchange, contact })
            }
            _ => {}
        }
    }

    pub(super) fn enter_phase(&mut self, phase: Phase) {
        let phase_end = match phase {
            Phase::Faults => return,
            Phase::Recovery => PhaseEnd::Faults,
            Phase::Drain => PhaseEnd::Recovery,
            Phase::Done => PhaseEnd::Drain,
        };
        self.for_each_oracle(|oracle, view| oracle.check(view, phase_end));
        self.phase = phase;
        self.tape.note(self.now, || EntryKind::Phase { name: phase.as_str() });
        match phase {
            Phase::Faults | Phase::Done => {}
            Phase::Recovery => {
                self.heal();
                self.give_late_passwords();
            }
            Phase::Drain => self.hang_up_all(),
        }
    }

    pub(super) fn observe(&mut self, observation: &Observation<'_>) {
        let exempted = observation.exempted(&self.corrupted_calls);
        self.for_each_oracle(|oracle, view| match &exempted {
            Some(exempted) if oracle.skips_corrupted_calls() => oracle.observe(view, exempted),
            _ => oracle.observe(view, observation),
        });
    }

    fn for_each_oracle(
        &mut self,
        mut ask: impl FnMut(&mut dyn Oracle, &WorldView<'_>) -> Result<(), String>,
    ) {
        if self.violation.is_some() {
            return;
        }
        let view = WorldView {
            now: self.now,
            phase: self.phase,
            phones: &self.phones,
            exchanges: &self.exchanges,
            engines: &self.engines,
            corrupted_calls: &self.corrupted_calls,
        };
        let rules_broken = self.rogues.rules_broken;
        for oracle in
            self.oracles.iter_mut().filter(|oracle| !(rules_broken && oracle.assumes_correct_peers()))
        {
            if let Err(what) = ask(oracle.as_mut(), &view) {
                self.violation = Some(Violation { oracle: oracle.name(), at: self.now, what });
                return;
            }
        }
    }

    pub(super) fn note_phone(&mut self, phone: usize, text: impl FnOnce() -> String) {
        self.tape.note(self.now, || EntryKind::Note { node: Node::Phone(phone), text: text() });
    }
}

/// The message in the data, if it is a valid one.
fn read(data: &Bytes) -> Option<Message> {
    match datagram(data.clone(), &Limits::default()) {
        Frame::Message(mut message) => message.check().is_ok().then_some(message),
        _ => None,
    }
}
