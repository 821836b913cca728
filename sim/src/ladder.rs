//! The ladder: a run as a sequence diagram in text.
//!
//! One column for each node, time runs down. A message is drawn at the time of sending; `x` instead of the arrowhead marks a lost one.
//! Call-IDs are numbered by their first appearance, so that the ladder does not depend on their values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};

use crate::describe;
use crate::tape::{Entry, EntryKind, Node};
use crate::world::World;

/// The width of the column of times, and the distance between columns.
const MARGIN: usize = 13;
const COLUMN: usize = 30;

impl World {
    /// Draws the entries of the tape.
    pub fn ladder(&self) -> String {
        let mut ladder = Ladder::new(self);
        for entry in self.tape().entries() {
            ladder.entry(entry);
        }
        ladder.text
    }
}

pub(crate) struct Ladder<'w> {
    world: &'w World,
    pub(crate) columns: BTreeMap<Node, usize>,
    calls: BTreeMap<Bytes, usize>,
    text: String,
}

impl<'w> Ladder<'w> {
    /// The exchanges are in the middle, so that most arrows are short.
    pub(crate) fn new(world: &'w World) -> Self {
        let scenario = world.scenario();
        let phones = (0..scenario.phones.len()).map(Node::Phone);
        let ends: Vec<Node> = phones.chain((0..scenario.rogues.len()).map(Node::Rogue)).collect();
        let (left, right) = ends.split_at(ends.len().div_ceil(2));
        let exchanges: Vec<Node> = (0..scenario.exchanges.len()).map(Node::Exchange).collect();
        let order = [left, &exchanges, right].concat();
        let columns: BTreeMap<Node, usize> =
            order.iter().enumerate().map(|(place, &node)| (node, MARGIN + place * COLUMN)).collect();
        let mut ladder = Self { world, columns, calls: BTreeMap::new(), text: String::new() };
        let mut head = Vec::new();
        for &node in &order {
            let name = ladder.name(node);
            write_at(&mut head, ladder.columns[&node], name);
        }
        ladder.push(&head);
        ladder
    }

    pub(crate) fn name(&self, node: Node) -> &'w str {
        let scenario = self.world.scenario();
        match node {
            Node::Phone(phone) => &scenario.phones[phone].name,
            Node::Exchange(exchange) => &scenario.exchanges[exchange].name,
            Node::Rogue(rogue) => &scenario.rogues[rogue].name,
        }
    }

    fn entry(&mut self, entry: &Entry) {
        match &entry.what {
            EntryKind::Sent { from, to, data, arrivals, repeat } => {
                let mut label = self.summary(data);
                if *repeat > 0 {
                    let _ = write!(label, " again");
                }
                if arrivals.second.is_some() {
                    let _ = write!(label, " twice");
                }
                self.arrow(entry.at, *from, *to, &label, arrivals.first.is_none());
            }
            EntryKind::Event { phone, event } => {
                if let Some(text) = describe::ladder_event(event) {
                    self.note(entry.at, Node::Phone(*phone), '*', &text);
                }
            }
            EntryKind::Mark { phone, machine, words } => {
                self.note(entry.at, Node::Phone(*phone), '.', &describe::mark(*machine, words));
            }
            EntryKind::Command { phone, command, refused } => {
                let mut text = command.to_string();
                if let Some(refused) = refused {
                    let _ = write!(text, " (refused: {refused})");
                }
                self.note(entry.at, Node::Phone(*phone), '>', &text);
            }
            EntryKind::Note { node, text } => self.note(entry.at, *node, '!', text),
            EntryKind::Phase { name } => {
                let mut row = self.row(entry.at);
                let width = row.len();
                write_at(&mut row, MARGIN, &format!("{:=<w$}", format!("== {name} "), w = width - MARGIN));
                self.push(&row);
            }
        }
    }

    fn arrow(&mut self, at: Instant, from: Node, to: Node, label: &str, lost: bool) {
        let mut row = self.row(at);
        let (start, end) = (self.columns[&from], self.columns[&to]);
        let (low, high) = (start.min(end) + 1, start.max(end));
        row[low..high].fill('-');
        let room: String = label.chars().take(high - low - 4).collect();
        write_at(&mut row, low + 2, &room);
        let (head, tip) = if start < end { (high - 1, '>') } else { (low, '<') };
        row[head] = if lost { 'x' } else { tip };
        self.push(&row);
    }

    fn note(&mut self, at: Instant, node: Node, mark: char, text: &str) {
        let mut row = self.row(at);
        let line = text.lines().next().unwrap_or_default();
        write_at(&mut row, self.columns[&node], &format!("{mark} {line} "));
        self.push(&row);
    }

    fn row(&self, at: Instant) -> Vec<char> {
        let micros = at.as_nanos() / 1_000;
        let mut row = Vec::new();
        write_at(&mut row, 0, &format!("{:>4}.{:06}", micros / 1_000_000, micros % 1_000_000));
        for &column in self.columns.values() {
            write_at(&mut row, column, "|");
        }
        row
    }

    fn push(&mut self, row: &[char]) {
        let line: String = row.iter().collect();
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// For example `INVITE #1/2 sendrecv`: the method or status, the Call-ID, the CSeq number and the direction of the SDP.
    pub(crate) fn summary(&mut self, data: &Bytes) -> String {
        let Ok(message) = Message::parse(data.clone(), &Limits::default()) else {
            return if data.iter().all(|byte| b"\r\n".contains(byte)) {
                "keep-alive"
            } else {
                "invalid data"
            }
            .to_owned();
        };
        let mut text = String::new();
        if let Some(status) = message.status() {
            let _ = write!(text, "{status} ");
        }
        if let Ok(cseq) = message.cseq() {
            let _ = write!(text, "{}", String::from_utf8_lossy(cseq.method.as_bytes()));
            if let Ok(call_id) = message.call_id() {
                let _ = write!(text, " #{}/{}", self.call(call_id), cseq.number);
            }
        }
        if !message.body_bytes().is_empty() {
            let sdp = String::from_utf8_lossy(message.body_bytes());
            let word =
                ["sendonly", "recvonly", "inactive", "sendrecv"].into_iter().find(|word| sdp.contains(word));
            let _ = write!(text, " {}", word.unwrap_or("body"));
        }
        text
    }

    fn call(&mut self, call_id: &[u8]) -> usize {
        let next = self.calls.len() + 1;
        *self.calls.entry(Bytes::copy_from_slice(call_id)).or_insert(next)
    }
}

fn write_at(row: &mut Vec<char>, at: usize, text: &str) {
    for (place, character) in text.chars().enumerate() {
        if row.len() <= at + place {
            row.resize(at + place + 1, ' ');
        }
        row[at + place] = character;
    }
}
