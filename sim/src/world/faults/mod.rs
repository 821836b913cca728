//! Faults and their healing.

mod exchanges;
mod suspension;

use std::time::Duration;

use super::{ScheduledEvent, World};
use crate::node::PhoneNode;
use crate::scenario::{Action, Fault, MediaTrouble, Way};

impl World {
    /// Executes a step of the scenario.
    pub(super) fn step(&mut self, index: usize) {
        match self.scenario.steps[index].action.clone() {
            Action::User { phone, action } => self.perform(phone, &action),
            Action::Fault(fault) => self.fault(&fault),
            Action::Rogue { rogue, action } => self.rogue_action(rogue, &action),
        }
    }

    /// Starts a fault.
    pub fn fault(&mut self, fault: &Fault) {
        match *fault {
            Fault::Reset { phone } => {
                self.note_phone(phone, || "connection reset".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.reset(connection);
                }
            }
            Fault::DropSilently { phone } => {
                self.note_phone(phone, || "connection dead without notice".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.drop_silently(connection);
                }
            }
            Fault::Cut { phone, way, lasting } => self.cut_off(phone, way, lasting),
            Fault::Stream { phone, trouble } => {
                self.note_phone(phone, || trouble.to_string());
                self.stream_trouble(phone, trouble);
            }
            Fault::Partition { phone, exchange, way, lasting } => {
                self.partition(phone, exchange, way, lasting)
            }
            Fault::Rebind { phone } => {
                self.note_phone(phone, || "NAT rebinding".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.rebind(connection);
                }
            }
            Fault::Tamper { phone, corruption, share, way, lasting } => {
                self.note_phone(phone, || format!("messages corrupted ({corruption}) {way}"));
                self.nets[phone].tamper(corruption, share, way, self.now + lasting);
            }
            Fault::Suspend { phone, how, lasting } => self.suspend(phone, how, lasting),
            Fault::SetClock { phone, step } => {
                self.note_phone(phone, || format!("clock set {step}"));
                self.phones[phone].set_clock(|clock| clock.step(self.now, step));
            }
            Fault::Exchange { exchange, trouble } => self.exchange_trouble(exchange, trouble),
            Fault::Media { phone, trouble, lasting } => {
                self.note_phone(phone, || trouble.to_string());
                self.phones[phone].trouble = Some(trouble);
                self.queue.schedule(self.now + lasting, ScheduledEvent::TroubleEnds(phone));
            }
            Fault::Die { phone } => {
                self.note_phone(phone, || "dies".to_owned());
                self.phones[phone].alive = false;
                self.schedule_path_checks(phone, false);
            }
        }
    }

    fn cut_off(&mut self, phone: usize, way: Way, lasting: Duration) {
        self.note_phone(phone, || format!("cut off {way}"));
        let until = self.now + lasting;
        self.nets[phone].cut(way, until);
        self.queue.schedule(until, ScheduledEvent::CutEnds(phone));
        self.schedule_path_checks(phone, false);
    }

    pub(super) fn cut_ends(&mut self, phone: usize) {
        if !self.nets[phone].is_cut(self.now) {
            self.schedule_path_checks(phone, true);
        }
    }

    /// Cuts the network between a phone and an exchange.
    fn partition(&mut self, phone: usize, exchange: usize, way: Way, lasting: Option<Duration>) {
        let name = &self.scenario.exchanges[exchange].name;
        let text = format!("partitioned from {name} {way}");
        self.note_phone(phone, || text);
        self.nets[phone].partition(exchange, way, lasting.map(|lasting| self.now + lasting));
        if lasting.is_none() {
            let all: Vec<usize> = self.phones[phone].connections.values().copied().collect();
            for connection in all {
                if self.connections[connection].exchange == exchange {
                    self.drop_silently(connection);
                }
            }
        }
    }

    /// The number of exchanges that a phone can reach after the faults.
    fn servers_left(&self, phone: usize) -> usize {
        let net = &self.nets[phone];
        let lives =
            |&exchange: &usize| !self.exchanges[exchange].dead && !net.is_partitioned_forever(exchange);
        (0..self.exchanges.len()).filter(lives).count()
    }

    /// Ends a fault of a media engine. If another one replaced it, that one ends early.
    pub(super) fn trouble_ends(&mut self, phone: usize) {
        if self.phones[phone].trouble.take() == Some(MediaTrouble::NoPath) {
            self.schedule_path_checks(phone, true);
        }
    }

    /// Heals all faults, except permanent ones.
    pub(super) fn heal(&mut self) {
        for exchange in 0..self.exchanges.len() {
            self.heal_exchange(exchange);
        }
        for phone in 0..self.phones.len() {
            self.resume_phone(phone);
            self.phones[phone].set_clock(|clock| clock.catch_up(self.now));
            let left = self.servers_left(phone);
            self.phones[phone].some_exchange_lost = left < self.exchanges.len();
            self.phones[phone].all_exchanges_lost = left == 0;
            self.nets[phone].heal(self.now);
            self.phones[phone].trouble = None;
            self.schedule_path_checks(phone, true);
        }
        self.heal_streams();
    }

    /// The phones that are not permanently off.
    pub fn living(&self) -> impl Iterator<Item = &PhoneNode> {
        self.phones.iter().filter(|phone| phone.alive)
    }
}
