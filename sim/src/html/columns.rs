//! The columns: one for each node, with the lanes of a phone on its outer side.

use std::collections::BTreeMap;

use super::lanes::Lanes;
use crate::ladder::Ladder;
use crate::tape::Node;

/// The distance from a line to the next column, for labels.
pub(super) const GAP: usize = 290;

/// The width of the column of times.
const MARGIN: usize = 92;

pub(super) struct Column {
    /// The line of the node.
    pub(super) x: usize,
    /// Whether its lanes are to the left and its notes to the right.
    pub(super) left: bool,
    pub(super) lanes: Option<Lanes>,
}

impl Column {
    /// The left edge of an element in a lane, from its offset and width.
    pub(super) fn lane(&self, offset: usize, width: usize) -> usize {
        if self.left { self.x - 6 - offset - width } else { self.x + 6 + offset }
    }
}

pub(super) struct Columns {
    pub(super) columns: BTreeMap<Node, Column>,
    pub(super) width: usize,
}

impl Columns {
    /// In the order of the ladder. Nodes before the first exchange have their lanes on the left, others on the right.
    pub(super) fn new(ladder: &Ladder<'_>, mut lanes: impl FnMut(Node) -> Option<Lanes>) -> Self {
        let mut order: Vec<(usize, Node)> = ladder.columns.iter().map(|(&node, &at)| (at, node)).collect();
        order.sort_unstable();
        let is_exchange = |node: Node| matches!(node, Node::Exchange(_));
        let middle = order.iter().position(|&(_, node)| is_exchange(node)).unwrap_or(order.len());
        let mut columns = BTreeMap::new();
        let mut x = MARGIN;
        for (place, &(_, node)) in order.iter().enumerate() {
            let lanes = lanes(node);
            let (left, width) = (place < middle, lanes.as_ref().map_or(0, |lanes| lanes.width + 10));
            // Labels are to the left of lines on the right, and to the right of others.
            let line = if left { x + width } else { x };
            x = if left { line + GAP } else { line + width + GAP };
            columns.insert(node, Column { x: line, left, lanes });
        }
        let last = order.last().map_or(0, |(_, node)| columns[node].x);
        let behind =
            order.last().and_then(|(_, node)| columns[node].lanes.as_ref().filter(|_| !columns[node].left));
        let width = last + behind.map_or(GAP, |lanes| lanes.width + 30);
        Self { columns, width }
    }
}
