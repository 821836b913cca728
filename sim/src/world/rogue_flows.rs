//! The rogues of a world and their flows.

use std::collections::BTreeMap;

use bytes::Bytes;
use offhook_exchange as exchange;

use crate::node::{Breach, RogueNode};
use crate::scenario::Scenario;

/// All rogues and their flows.
pub(super) struct Rogues {
    pub(super) nodes: Vec<RogueNode>,
    pub(super) flows: BTreeMap<(usize, exchange::FlowId), usize>,
    /// Whether any of them breaks or broke a rule of a phone's peer.
    pub(super) rules_broken: bool,
}

/// An event between a rogue and an exchange.
#[derive(Debug)]
pub(super) enum RogueEvent {
    Connects {
        exchange: usize,
    },
    /// Data of the exchange arrives at the rogue.
    Receives {
        exchange: usize,
        flow: exchange::FlowId,
        data: Bytes,
    },
    /// Data of the rogue arrives at the exchange.
    Delivers {
        exchange: usize,
        flow: exchange::FlowId,
        data: Bytes,
    },
}

impl Rogues {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let nodes = (0..scenario.rogues.len()).map(|index| RogueNode::new(scenario, index)).collect();
        let mut breaks = scenario.rogues.iter().flat_map(|rogue| &rogue.breaks);
        let rules_broken = breaks.any(|breach| !Breach::CONFORMING.contains(breach));
        Self { nodes, flows: BTreeMap::new(), rules_broken }
    }

    /// Gives the Contact of a user to all rogues.
    pub(super) fn learn(&mut self, user: &str, contact: &str) {
        for rogue in &mut self.nodes {
            rogue.learns(user, contact);
        }
    }
}
