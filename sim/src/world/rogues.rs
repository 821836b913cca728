//! Rogues and their connections: each rogue is connected to each exchange by a network without faults.

use std::time::Duration;

use bytes::Bytes;
use offhook_exchange as exchange;

use super::rogue_flows::RogueEvent;
use super::{ScheduledEvent, World};
use crate::fate::Arrivals;
use crate::node::{RogueNode, RogueOutput, UnsolicitedMessage};
use crate::scenario::{RogueAction, Transport};
use crate::tape::{EntryKind, Node};

/// The one-way delay.
const WAY: Duration = Duration::from_millis(10);

/// The time until a rogue connects, and reconnects after a close.
const CONNECT: Duration = Duration::from_millis(500);

impl World {
    /// Connects all rogues to an exchange that was started.
    pub(super) fn connect_rogues(&mut self, exchange: usize) {
        for rogue in 0..self.rogues.nodes.len() {
            self.queue.schedule(
                self.now + CONNECT,
                ScheduledEvent::Rogue(rogue, RogueEvent::Connects { exchange }),
            );
        }
    }

    /// Disconnects all rogues from an exchange that crashed.
    pub(super) fn disconnect_rogues(&mut self, exchange: usize) {
        self.rogues.flows.retain(|(at, _), _| *at != exchange);
        for rogue in &mut self.rogues.nodes {
            rogue.disconnected(exchange);
        }
    }

    pub(super) fn on_rogue_event(&mut self, rogue: usize, hap: RogueEvent) {
        match hap {
            RogueEvent::Connects { exchange } => self.rogue_connects(rogue, exchange),
            RogueEvent::Receives { exchange, flow, data } => {
                if self.rogues.flows.contains_key(&(exchange, flow)) {
                    self.rogues.nodes[rogue].received(self.now, exchange, data);
                    self.drain_rogue(rogue);
                }
            }
            RogueEvent::Delivers { exchange, flow, data } => {
                if self.rogues.flows.contains_key(&(exchange, flow)) {
                    let input = match self.rogues.nodes[rogue].setup.transport {
                        Transport::Ws => exchange::Input::Received { flow, data },
                        Transport::Udp => {
                            exchange::Input::Datagram { remote: RogueNode::address(rogue), data }
                        }
                    };
                    self.exchange_input(exchange, input);
                }
            }
        }
    }

    fn rogue_connects(&mut self, rogue: usize, exchange: usize) {
        let connected = self.rogue_flow(rogue, exchange).is_some();
        if connected || !self.exchanges[exchange].is_running() {
            return;
        }
        let flow = self.exchanges[exchange].next_flow();
        self.rogues.flows.insert((exchange, flow), rogue);
        let remote = RogueNode::address(rogue);
        match self.rogues.nodes[rogue].setup.transport {
            Transport::Ws => {
                let change = exchange::FlowChange::Up { transport: exchange::Transport::Ws, remote };
                self.exchange_input(exchange, exchange::Input::Flow { flow, change });
            }
            Transport::Udp => {
                self.exchange_remotes.insert((exchange, remote), flow);
            }
        }
        self.rogues.nodes[rogue].connected(self.now, exchange);
        self.drain_rogue(rogue);
    }

    fn rogue_flow(&self, rogue: usize, exchange: usize) -> Option<exchange::FlowId> {
        let mut flows = self.rogues.flows.iter();
        flows.find(|((at, _), whose)| (*at, **whose) == (exchange, rogue)).map(|((_, flow), _)| *flow)
    }

    /// Whether this user is a rogue.
    pub(super) fn is_rogue(&self, user: &str) -> bool {
        self.scenario.rogue(user).is_some()
    }

    /// The rogue of a flow, if it has one.
    pub(super) fn rogue_at(&self, exchange: usize, flow: exchange::FlowId) -> Option<usize> {
        self.rogues.flows.get(&(exchange, flow)).copied()
    }

    /// Sends data of an exchange to a rogue. Returns whether the flow belongs to a rogue.
    pub(super) fn deliver_to_rogue(&mut self, exchange: usize, flow: exchange::FlowId, data: &Bytes) -> bool {
        let Some(&rogue) = self.rogues.flows.get(&(exchange, flow)) else { return false };
        self.note_rogue(Node::Exchange(exchange), Node::Rogue(rogue), data);
        let received = RogueEvent::Receives { exchange, flow, data: data.clone() };
        self.queue.schedule(self.now + WAY, ScheduledEvent::Rogue(rogue, received));
        true
    }

    /// Closes a flow of a rogue. Returns whether the flow belongs to a rogue.
    pub(super) fn close_rogue_flow(&mut self, exchange: usize, flow: exchange::FlowId) -> bool {
        let Some(rogue) = self.rogues.flows.remove(&(exchange, flow)) else { return false };
        self.rogues.nodes[rogue].disconnected(exchange);
        self.queue
            .schedule(self.now + CONNECT, ScheduledEvent::Rogue(rogue, RogueEvent::Connects { exchange }));
        true
    }

    /// Executes an action of a rogue.
    pub(super) fn rogue_action(&mut self, rogue: usize, action: &RogueAction) {
        self.tape.note(self.now, || EntryKind::Note { node: Node::Rogue(rogue), text: action.to_string() });
        if let RogueAction::Flood { with, .. } = action {
            self.rogues.rules_broken |= !UnsolicitedMessage::CONFORMING.contains(with);
        }
        self.rogues.nodes[rogue].action(self.now, action);
        self.drain_rogue(rogue);
    }

    pub(super) fn wake_rogues(&mut self) {
        for rogue in 0..self.rogues.nodes.len() {
            if self.rogues.nodes[rogue].deadline().is_some_and(|at| at <= self.now) {
                self.drain_rogue(rogue);
            }
        }
    }

    fn drain_rogue(&mut self, rogue: usize) {
        self.rogues.nodes[rogue].wake(self.now);
        while let Some(shot) = self.rogues.nodes[rogue].poll() {
            match shot {
                RogueOutput::Exchange { exchange, data } => {
                    let Some(flow) = self.rogue_flow(rogue, exchange) else { continue };
                    self.tape.rogue_message(self.now, rogue, flow.0, &data);
                    self.note_rogue(Node::Rogue(rogue), Node::Exchange(exchange), &data);
                    let heard = RogueEvent::Delivers { exchange, flow, data };
                    self.queue.schedule(self.now + WAY, ScheduledEvent::Rogue(rogue, heard));
                }
                RogueOutput::Direct { user, data } => {
                    self.tape.rogue_message(self.now, rogue, 0, &data);
                    for phone in 0..self.phones.len() {
                        if self.phones[phone].setup.user != user {
                            continue;
                        }
                        self.note_rogue(Node::Rogue(rogue), Node::Phone(phone), &data);
                        // A connection that is not up carries no data.
                        let ends = self.connection_of(phone).map(|at| &self.connections[at]);
                        if let Some((exchange, Some(flow))) =
                            ends.map(|ends| (ends.exchange, ends.exchange_flow))
                        {
                            self.exchange_sends(exchange, flow, data.clone());
                        }
                    }
                }
            }
        }
    }

    fn note_rogue(&mut self, from: Node, to: Node, data: &Bytes) {
        let arrivals = Arrivals { first: Some(WAY), second: None };
        self.tape.note(self.now, || EntryKind::Sent { from, to, data: data.clone(), arrivals, repeat: 0 });
    }
}
