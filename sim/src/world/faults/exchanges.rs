//! Faults of exchanges.

use offhook_exchange as exchange;

use super::super::{ScheduledEvent, World};
use crate::node::{Admission, Refusing};
use crate::scenario::ExchangeTrouble;
use crate::tape::{EntryKind, Node};

impl World {
    pub(super) fn exchange_trouble(&mut self, exchange: usize, trouble: ExchangeTrouble) {
        if self.exchanges[exchange].dead {
            return;
        }
        self.note_exchange(exchange, trouble.to_string());
        let now = self.now;
        let node = &mut self.exchanges[exchange];
        match trouble {
            ExchangeTrouble::Crashes { lasting } => {
                self.crash(exchange);
                self.queue.schedule(now + lasting, ScheduledEvent::ExchangeRestarts(exchange));
            }
            ExchangeTrouble::Dies => {
                node.dead = true;
                self.crash(exchange);
            }
            ExchangeTrouble::Forgets(memory) => {
                node.forget(&self.scenario, now, memory);
                self.drain_exchange(exchange);
            }
            ExchangeTrouble::Refuses { retry_after, lasting } => {
                node.refusing = Some(Refusing::new(retry_after));
                self.queue.schedule(now + lasting, ScheduledEvent::RefusalEnds(exchange));
            }
            ExchangeTrouble::GrantsNothing { lasting } => {
                node.refusing = Some(Refusing::bindings());
                self.queue.schedule(now + lasting, ScheduledEvent::RefusalEnds(exchange));
            }
            ExchangeTrouble::MinExpires { least, lasting } => {
                node.set_min_expires(Some(least));
                self.queue.schedule(now + lasting, ScheduledEvent::MinExpiresEnds(exchange));
            }
            ExchangeTrouble::Lags { by, lasting } => {
                node.lag(by);
                self.queue.schedule(now + lasting, ScheduledEvent::LagEnds(exchange));
            }
            ExchangeTrouble::Freezes { lasting } => node.freeze(now + lasting),
            ExchangeTrouble::StaleNonces { lasting } => node.set_nonces_stale(now + lasting),
            ExchangeTrouble::SetClock(step) => node.set_clock(now, step),
        }
    }

    fn crash(&mut self, exchange: usize) {
        self.exchanges[exchange].crash();
        for connection in 0..self.connections.len() {
            if self.connections[connection].exchange == exchange {
                self.drop_exchange_end(connection);
            }
        }
        self.disconnect_rogues(exchange);
    }

    pub(in crate::world) fn exchange_returns(&mut self, exchange: usize) {
        let node = &mut self.exchanges[exchange];
        if !node.is_running() && !node.dead {
            self.note_exchange(exchange, "restarts".to_owned());
            self.exchanges[exchange].start(&self.scenario, self.now);
            self.connect_rogues(exchange);
        }
    }

    /// Heals an exchange, unless it is permanently off.
    pub(super) fn heal_exchange(&mut self, exchange: usize) {
        self.exchange_returns(exchange);
        self.exchanges[exchange].heal(self.now);
    }

    /// Gives an input to an exchange, delayed if it lags or is frozen.
    pub(in crate::world) fn exchange_input(&mut self, exchange: usize, input: exchange::Input) {
        match self.exchanges[exchange].handling_time(self.now) {
            Some(at) => {
                let life = self.exchanges[exchange].life();
                self.queue
                    .schedule(at, ScheduledEvent::ExchangeInput { exchange, life, input: Box::new(input) });
            }
            None => self.give_to_exchange(exchange, input),
        }
    }

    /// Gives a delayed input to an exchange, unless it was restarted.
    pub(in crate::world) fn exchange_resumes(&mut self, exchange: usize, life: u64, input: exchange::Input) {
        if self.exchanges[exchange].life() == life {
            self.give_to_exchange(exchange, input);
        }
    }

    fn give_to_exchange(&mut self, exchange: usize, input: exchange::Input) {
        let message = match &input {
            exchange::Input::Received { flow, data } => Some((*flow, data)),
            exchange::Input::Datagram { remote, data } => {
                self.exchange_remotes.get(&(exchange, *remote)).map(|flow| (*flow, data))
            }
            exchange::Input::Flow { .. } | exchange::Input::Wake => None,
        };
        if let Some((flow, data)) = message {
            let node = &mut self.exchanges[exchange];
            match node.admit(data) {
                Admission::Admitted => {}
                Admission::Absorbed => return,
                Admission::Answered(answer) => return self.exchange_transmits(exchange, flow, answer),
            }
            if let Some(trying) = node.trying(data) {
                self.exchange_transmits(exchange, flow, trying);
            }
        }
        let node = &mut self.exchanges[exchange];
        if node.nonces_stale(self.now) {
            node.forget(&self.scenario, self.now, exchange::Memory::Nonces);
        }
        node.handle(self.now, input);
        self.drain_exchange(exchange);
    }

    fn note_exchange(&mut self, exchange: usize, text: String) {
        self.tape.note(self.now, || EntryKind::Note { node: Node::Exchange(exchange), text });
    }
}
