//! What goes wrong, and how it is healed.

mod exchanges;
mod rest;

use std::time::Duration;

use super::{Happening, World};
use crate::node::PhoneNode;
use crate::scenario::{Act, Fault, MediaTrouble, Way};

impl World {
    /// Takes one step of the scenario.
    pub(super) fn step(&mut self, index: usize) {
        match self.scenario.steps[index].act.clone() {
            Act::User { phone, deed } => self.do_deed(phone, &deed),
            Act::Fault(fault) => self.fault(&fault),
            Act::Rogue { rogue, prank } => self.prank(rogue, &prank),
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
            Fault::Part { phone, exchange, way, lasting } => self.part(phone, exchange, way, lasting),
            Fault::Rebinds { phone } => {
                self.note_phone(phone, || "another port".to_owned());
                if let Some(connection) = self.connection_of(phone) {
                    self.rebind(connection);
                }
            }
            Fault::Tampered { phone, harm, share, way, lasting } => {
                self.note_phone(phone, || format!("messages suffer {harm} {way}"));
                self.nets[phone].tamper(harm, share, way, self.now + lasting);
            }
            Fault::Rest { phone, how, lasting } => self.rest(phone, how, lasting),
            Fault::Steps { phone, step } => {
                self.note_phone(phone, || format!("clock set {step}"));
                self.phones[phone].set_clock(|clock| clock.step(self.now, step));
            }
            Fault::Exchange { exchange, trouble } => self.exchange_trouble(exchange, trouble),
            Fault::Media { phone, trouble, lasting } => {
                self.note_phone(phone, || trouble.to_string());
                self.phones[phone].trouble = Some(trouble);
                self.queue.plan(self.now + lasting, Happening::TroubleEnds(phone));
            }
            Fault::Die { phone } => {
                self.note_phone(phone, || "dies".to_owned());
                self.phones[phone].alive = false;
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

    /// A phone and an exchange no longer reach each other.
    fn part(&mut self, phone: usize, exchange: usize, way: Way, lasting: Option<Duration>) {
        let name = &self.scenario.exchanges[exchange].name;
        let text = format!("parted from {name} {way}");
        self.note_phone(phone, || text);
        self.nets[phone].part(exchange, way, lasting.map(|lasting| self.now + lasting));
        if lasting.is_none() {
            let all: Vec<usize> = self.phones[phone].flows.values().copied().collect();
            for connection in all {
                if self.connections[connection].exchange == exchange {
                    self.rot(connection);
                }
            }
        }
    }

    /// How many exchanges a phone can reach, sooner or later.
    fn servers_left(&self, phone: usize) -> usize {
        let net = &self.nets[phone];
        let lives = |&exchange: &usize| !self.exchanges[exchange].dead && !net.is_parted_forever(exchange);
        (0..self.exchanges.len()).filter(lives).count()
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
            self.heal_exchange(exchange);
        }
        for phone in 0..self.phones.len() {
            self.wake_up(phone);
            self.phones[phone].set_clock(|clock| clock.catch_up(self.now));
            let left = self.servers_left(phone);
            self.phones[phone].bereft = left < self.exchanges.len();
            self.phones[phone].stranded = left == 0;
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
}
