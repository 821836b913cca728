//! How a world goes on: the next event, the machines that it reaches, and what comes out of them.

use std::time::Duration;

use bytes::Bytes;
use offhook::{Command, Event, FlowChange, Input, Misuse, Output};
use offhook_exchange as exchange;
use offhook_wire::{Frame, Instant, Limits, Message, datagram};

use super::{Happening, World};
use crate::node::{Call, ExchangeNode, PhoneNode, RogueNode};
use crate::oracle::{Moment, Oracle, Reading, Scene, Sight, Violation};
use crate::scenario::Phase;
use crate::tape::{Node, What};
use crate::watch::Point;

impl World {
    /// Plays the whole scenario, or until an oracle objects.
    pub fn play(&mut self) {
        for (index, step) in self.scenario.steps.iter().enumerate() {
            self.queue.plan(Instant::ZERO + step.at, Happening::Step(index));
        }
        let span = self.scenario.span;
        let phases =
            [(span.storm, Phase::Settle), (span.settle, Phase::Quiesce), (span.quiesce, Phase::Done)];
        let mut at = Instant::ZERO;
        for (length, next) in phases {
            at += length;
            self.queue.plan(at, Happening::Phase(next));
        }
        while self.phase != Phase::Done && self.violation.is_none() && self.advance(at) {}
    }

    /// Lets the next thing happen, if it does before `limit`; else only time passes.
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
            Some(happening) => self.happen(happening),
            None => self.wake(),
        }
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Step(index) => self.step(index),
            Happening::Phase(phase) => self.enter(phase),
            Happening::Knocked(connection) => self.knocked(connection),
            Happening::Connected(connection) => self.connected(connection),
            Happening::Lost(connection, failure) => self.lost(connection, failure),
            Happening::HungUpOn(connection) => self.hung_up_on(connection),
            Happening::Arrived { connection, up, data } => self.arrived(connection, up, data),
            Happening::Bytes { connection, up } => self.bytes_arrive(connection, up),
            Happening::Ended(connection) => self.ended(connection),
            Happening::Input { phone, input } => self.phone_input(phone, *input),
            Happening::Done { phone, effect, result } => {
                self.phones[phone].effects.remove(&effect);
                self.phone_input(phone, Input::Done { effect, result });
            }
            Happening::PathUp(end) => self.path_up(end),
            Happening::PathDown(end) => self.path_down(end),
            Happening::React { phone, session, deed } => match self.phones[phone].rest {
                Some(rest) => self.queue.plan(rest.until, Happening::React { phone, session, deed }),
                None => self.react(phone, session, &deed),
            },
            Happening::Returns(exchange) => self.exchange_returns(exchange),
            Happening::Admits(exchange) => self.exchanges[exchange].refusing = None,
            Happening::KeepsUp(exchange) => self.exchanges[exchange].lag(Duration::ZERO),
            Happening::Relents(exchange) => self.exchanges[exchange].want(None),
            Happening::LooksAt { exchange, life, input } => self.exchange_looks_at(exchange, life, *input),
            Happening::WakesUp(phone) => self.rest_is_over(phone),
            Happening::TroubleEnds(phone) => self.trouble_ends(phone),
            Happening::CutEnds(phone) => self.cut_ends(phone),
            #[cfg(feature = "media")]
            Happening::Datagram(datagram) => self.datagram_arrives(&datagram),
            #[cfg(feature = "media")]
            Happening::Listen => self.listen(),
            Happening::Rogue(rogue, hap) => self.rogue_happens(rogue, hap),
        }
    }

    /// Wakes the machines whose deadline has come.
    fn wake(&mut self) {
        for exchange in 0..self.exchanges.len() {
            if self.exchanges[exchange].deadline().is_some_and(|at| at <= self.now) {
                self.see(&Sight::Woken(Node::Exchange(exchange)));
                self.exchanges[exchange].handle(self.now, exchange::Input::Wake);
                self.drain_exchange(exchange);
            }
        }
        for phone in 0..self.phones.len() {
            if self.phones[phone].deadline().is_some_and(|at| at <= self.now) {
                self.see(&Sight::Woken(Node::Phone(phone)));
                self.phone_input(phone, Input::Wake);
            }
        }
        #[cfg(feature = "media")]
        self.wake_lines();
        self.wake_rogues();
    }

    pub(super) fn phone_input(&mut self, phone: usize, input: Input) {
        if self.phones[phone].rest.is_some() {
            self.hold_back(phone, input);
        } else if self.phones[phone].alive {
            match &input {
                Input::Received { flow, data } if !self.arrives_harmed(phone, Some(*flow), data) => {
                    let message = read(data);
                    let message = message.as_ref().and_then(Reading::received);
                    if let Some(message) = &message {
                        self.harms.received(phone, message);
                    }
                    self.see(&Sight::Received { phone, flow: *flow, data, message: message.as_ref() });
                }
                Input::Flow { flow, change: FlowChange::Down(_) } => {
                    self.phones[phone].flows.remove(flow);
                }
                _ => {}
            }
            let handled = self.phones[phone].handle(self.now, input);
            assert!(handled.is_ok(), "no input but a command is refused: {handled:?}");
            self.drain_phone(phone);
        }
    }

    /// Hands a command to a phone, and says what became of it.
    pub(super) fn ask(&mut self, phone: usize, command: Command) -> Result<(), Misuse> {
        let answer = self.phones[phone].handle(self.now, Input::Command(command.clone()));
        let refused = answer.as_ref().err();
        if let (Command::Dial { session, .. }, None) = (&command, refused) {
            let node = &mut self.phones[phone];
            let call = Call::new(true, self.now, node.lived(self.now));
            node.calls.insert(*session, call);
        }
        self.see(&Sight::Asked { phone, command: &command, refused });
        let refused = refused.cloned();
        self.tape.note(self.now, || What::Asked { phone, command, refused });
        self.drain_phone(phone);
        answer
    }

    pub(super) fn drain_phone(&mut self, phone: usize) {
        if let Some(watch) = &mut self.watch {
            let point = Point { at: self.now, entry: self.tape.entries().len() };
            for (machine, words) in watch.look(point, phone, &self.phones[phone]) {
                self.tape.note(self.now, || What::Marked { phone, machine, words });
            }
        }
        let mut outputs = 0;
        while let Some(output) = self.phones[phone].poll() {
            outputs += 1;
            match output {
                Output::Transmit { flow, data } => {
                    self.tape.phone_message(self.now, phone, flow.0, &data);
                    let message = read(&data);
                    let message = message.as_ref().and_then(Reading::sent);
                    if let Some(message) = &message {
                        self.harms.sent(phone, message, &self.engines);
                    }
                    self.see(&Sight::Sent { phone, flow, data: &data, message: message.as_ref() });
                    self.phone_sends(phone, flow, data);
                }
                Output::Open { flow, target, .. } => {
                    self.see(&Sight::Opens { phone, target: &target });
                    self.open(phone, flow, &target);
                }
                Output::Close { flow } => self.phone_closes(phone, flow),
                Output::Effect { id, effect } => self.effect(phone, id, &effect),
                Output::Event(event) => self.told(phone, event),
            }
        }
        self.phones[phone].look();
        self.see(&Sight::Drained { phone, outputs });
    }

    fn told(&mut self, phone: usize, event: Event) {
        self.phones[phone].learn(self.now, &event);
        if let Event::Incoming(incoming) = &event {
            self.harms.incoming(phone, incoming.session);
        }
        self.see(&Sight::Told { phone, event: &event });
        if let Event::Incoming(incoming) = &event {
            self.plan_reaction(phone, incoming.session);
        }
        self.tape.note(self.now, || What::Told { phone, event });
    }

    pub(super) fn drain_exchange(&mut self, exchange: usize) {
        while let Some(output) = self.exchanges[exchange].poll() {
            match output {
                exchange::Output::Transmit { flow, data } => self.exchange_passes(exchange, flow, data),
                exchange::Output::Datagram { remote, data } => {
                    if let Some(&flow) = self.exchange_remotes.get(&(exchange, remote)) {
                        self.exchange_passes(exchange, flow, data);
                    }
                }
                exchange::Output::Close { flow } if self.rogue_is_closed(exchange, flow) => {}
                exchange::Output::Close { flow } => self.exchange_closes(exchange, flow),
                exchange::Output::Event(event) => self.exchange_told(exchange, &event),
            }
        }
        self.exchanges[exchange].look();
        let began = self.exchanges[exchange].take_began();
        self.see(&Sight::Served { exchange, began });
    }

    /// What an exchange sends of itself, and not what stands before it.
    fn exchange_passes(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        let phone =
            self.exchange_flows.get(&(exchange, flow)).map(|&at| Node::Phone(self.connections[at].phone));
        let message = read(&data);
        if let Some(to) = phone.or_else(|| self.rogue_at(exchange, flow).map(Node::Rogue))
            && let Some(message) = message.as_ref().and_then(Reading::received)
        {
            self.see(&Sight::Passed { exchange, to, message: &message });
        }
        self.exchange_transmits(exchange, flow, data);
    }

    pub(super) fn exchange_transmits(&mut self, exchange: usize, flow: exchange::FlowId, data: Bytes) {
        self.tape.exchange_message(self.now, exchange, flow.0, &data);
        if !self.rogue_is_sent(exchange, flow, &data) {
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
                    let (phone, flow) =
                        (self.connections[connection].phone, self.connections[connection].flow);
                    self.rogues.learn(user, contact);
                    self.see(&Sight::Bound { exchange, phone, flow, contact });
                }
            }
            // A rogue may have claimed the contact of a phone.
            exchange::Event::Unregistered { user, .. } if self.is_rogue(user) => {}
            exchange::Event::Unregistered { contact, .. } => self.see(&Sight::Unbound { exchange, contact }),
            _ => {}
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        let moment = match phase {
            Phase::Storm => return,
            Phase::Settle => Moment::Healed,
            Phase::Quiesce => Moment::Settled,
            Phase::Done => Moment::Quiet,
        };
        self.consult(|oracle, scene| oracle.check(scene, moment));
        self.phase = phase;
        self.tape.note(self.now, || What::Phase { name: phase.as_str() });
        match phase {
            Phase::Storm | Phase::Done => {}
            Phase::Settle => self.heal(),
            Phase::Quiesce => self.everybody_hangs_up(),
        }
    }

    pub(super) fn see(&mut self, sight: &Sight<'_>) {
        let muddled = sight.muddled(&self.harms);
        self.consult(|oracle, scene| match &muddled {
            Some(muddled) if oracle.looks_away() => oracle.see(scene, muddled),
            _ => oracle.see(scene, sight),
        });
    }

    fn consult(&mut self, mut ask: impl FnMut(&mut dyn Oracle, &Scene<'_>) -> Result<(), String>) {
        if self.violation.is_some() {
            return;
        }
        let scene = Scene {
            now: self.now,
            phase: self.phase,
            phones: &self.phones,
            exchanges: &self.exchanges,
            engines: &self.engines,
            harms: &self.harms,
        };
        let lawless = self.rogues.lawless;
        for oracle in self.oracles.iter_mut().filter(|oracle| !(lawless && oracle.trusts_peers())) {
            if let Err(what) = ask(oracle.as_mut(), &scene) {
                self.violation = Some(Violation { oracle: oracle.name(), at: self.now, what });
                return;
            }
        }
    }

    pub(super) fn note_phone(&mut self, phone: usize, text: impl FnOnce() -> String) {
        self.tape.note(self.now, || What::Noted { node: Node::Phone(phone), text: text() });
    }
}

/// The message in what travels, if it is one that keeps the rules.
fn read(data: &Bytes) -> Option<Message> {
    match datagram(data.clone(), &Limits::default()) {
        Frame::Message(message) => message.check().is_ok().then_some(message),
        _ => None,
    }
}
