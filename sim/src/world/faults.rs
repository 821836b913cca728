//! What goes wrong, and how it is healed.

use std::time::Duration;

use super::{Happening, World};
use crate::node::PhoneNode;
use crate::scenario::{Act, Fault, MediaTrouble, Way};
use crate::tape::{Node, What};

impl World {
    /// Takes one step of the scenario.
    pub(super) fn step(&mut self, index: usize) {
        match self.scenario.steps[index].act.clone() {
            Act::User { phone, deed } => self.do_deed(phone, &deed),
            Act::Fault(fault) => self.fault(&fault),
        }
    }

    /// Lets something go wrong.
    pub fn fault(&mut self, fault: &Fault) {
        match *fault {
            Fault::Drop { phone } => {
                self.note_phone(phone, || "connection reset".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.reset(connection);
                }
            }
            Fault::Rot { phone } => {
                self.note_phone(phone, || "connection dead, nobody told".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.rot(connection);
                }
            }
            Fault::Cut { phone, way, lasting } => self.cut_off(phone, way, lasting),
            Fault::Stream { phone, trouble } => {
                self.note_phone(phone, || trouble.to_string());
                self.stream_trouble(phone, trouble);
            }
            Fault::Crash { exchange, lasting } => self.crash(exchange, lasting),
            Fault::Media { phone, trouble, lasting } => {
                self.note_phone(phone, || trouble.to_string());
                self.phones[phone].trouble = Some(trouble);
                self.queue.plan(self.now + lasting, Happening::TroubleEnds(phone));
            }
            Fault::Die { phone } => {
                self.note_phone(phone, || "dies".to_owned());
                self.phones[phone].alive = false;
                #[cfg(feature = "media")]
                self.stop_lines(phone);
                self.look_at_paths(phone, false);
            }
        }
    }

    fn cut_off(&mut self, phone: usize, way: Way, lasting: Duration) {
        self.note_phone(phone, || format!("cut off {way}"));
        let until = self.now + lasting;
        self.nets[phone].cut(way, until);
        self.queue.plan(until, Happening::CutEnds(phone));
        self.look_at_paths(phone, false);
    }

    pub(super) fn cut_ends(&mut self, phone: usize) {
        if !self.nets[phone].is_cut(self.now) {
            self.look_at_paths(phone, true);
        }
    }

    fn crash(&mut self, exchange: usize, lasting: Duration) {
        self.note_exchange(exchange, "crashes");
        self.exchanges[exchange].crash();
        for connection in 0..self.connections.len() {
            if self.connections[connection].exchange == exchange {
                self.orphan(connection);
            }
        }
        self.queue.plan(self.now + lasting, Happening::Returns(exchange));
    }

    pub(super) fn exchange_returns(&mut self, exchange: usize) {
        if !self.exchanges[exchange].is_running() {
            self.note_exchange(exchange, "is back");
            self.exchanges[exchange].start(&self.scenario, self.now);
        }
    }

    /// A trouble that another one replaced may end early: nothing hangs on it.
    pub(super) fn trouble_ends(&mut self, phone: usize) {
        if self.phones[phone].trouble.take() == Some(MediaTrouble::Pathless) {
            self.look_at_paths(phone, true);
        }
    }

    /// Ends all that goes wrong. What is dead stays dead.
    pub(super) fn heal(&mut self) {
        for exchange in 0..self.exchanges.len() {
            self.exchange_returns(exchange);
        }
        for phone in 0..self.phones.len() {
            self.nets[phone].heal(self.now);
            self.phones[phone].trouble = None;
            self.look_at_paths(phone, true);
        }
        self.heal_streams();
    }

    /// The phones that still exist.
    pub fn living(&self) -> impl Iterator<Item = &PhoneNode> {
        self.phones.iter().filter(|phone| phone.alive)
    }

    fn note_exchange(&mut self, exchange: usize, text: &str) {
        let text = text.to_owned();
        self.tape.note(self.now, || What::Noted { node: Node::Exchange(exchange), text });
    }
}
