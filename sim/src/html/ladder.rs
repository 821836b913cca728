//! The rows of the ladder: messages, events, commands and notes.

use std::fmt::Write as _;

use offhook_wire::Instant;

use super::Drawing;
use super::axis::LINE;
use super::columns::GAP;
use super::text::{Escaped, time, wrap};
use crate::describe;
use crate::fate::Arrivals;
use crate::ladder::Ladder;
use crate::oracle::Violation;
use crate::scenario::Seconds;
use crate::tape::{Entry, EntryKind, Node};

/// The number of characters between two lines.
const WIDTH: usize = (GAP - 24) / 7;

/// The maximum number of lines of a note.
const LINES: usize = 4;

/// The delay from which a message shows it.
const LATE: std::time::Duration = std::time::Duration::from_millis(500);

/// The drawing of an entry of the tape.
pub(super) enum Row {
    Message {
        from: Node,
        to: Node,
        label: String,
        fate: String,
        lost: bool,
    },
    Note {
        node: Node,
        lines: Vec<String>,
        text: String,
    },
    Phase(&'static str),
    /// Shown by lanes only.
    Nothing,
}

impl Row {
    pub(super) fn new(entry: &Entry, ladder: &mut Ladder<'_>) -> Self {
        match &entry.what {
            EntryKind::Sent { from, to, data, arrivals, repeat } => {
                let mut label = ladder.summary(data);
                if *repeat > 0 {
                    label.push_str(" again");
                }
                if let Some(late) = arrivals.first.filter(|takes| *takes > LATE) {
                    let _ = write!(label, " +{}", Seconds(late));
                }
                Row::Message {
                    from: *from,
                    to: *to,
                    label,
                    fate: fate(arrivals),
                    lost: arrivals.first.is_none(),
                }
            }
            EntryKind::Event { phone, event } => match describe::ladder_event(event) {
                Some(text) => Self::note(Node::Phone(*phone), format!("* {text}")),
                None => Row::Nothing,
            },
            EntryKind::Mark { phone, machine, words } => {
                Self::note(Node::Phone(*phone), format!(". {}", describe::mark(*machine, words)))
            }
            EntryKind::Command { phone, command, refused } => {
                let refused = refused.as_ref().map_or(String::new(), |why| format!(" (refused: {why})"));
                Self::note(Node::Phone(*phone), format!("> {}{refused}", command))
            }
            EntryKind::Note { node, text } => Self::note(*node, format!("! {text}")),
            EntryKind::Phase { name } => Row::Phase(name),
        }
    }

    fn note(node: Node, text: String) -> Self {
        Row::Note { node, lines: wrap(&text, WIDTH, LINES), text }
    }

    /// The number of lines of text.
    pub(super) fn lines(&self) -> usize {
        match self {
            Row::Message { .. } | Row::Phase(_) => 1,
            Row::Note { lines, .. } => lines.len(),
            Row::Nothing => 0,
        }
    }
}

fn fate(arrivals: &Arrivals) -> String {
    match (arrivals.first, arrivals.second) {
        (None, _) => "lost".to_owned(),
        (Some(first), None) => format!("arrives after {}", Seconds(first)),
        (Some(first), Some(second)) => {
            format!("arrives after {} and again after {}", Seconds(first), Seconds(second))
        }
    }
}

impl Drawing<'_> {
    /// Draws an entry.
    pub(super) fn row(&self, page: &mut String, number: usize, row: &Row, at: Instant) {
        let y = self.axis.row(number);
        if !matches!(row, Row::Nothing) {
            let seconds = at.saturating_since(Instant::ZERO).as_secs_f64();
            let _ = write!(page, "<text class=time x=72 y={y} text-anchor=end>{seconds:.3}</text>");
        }
        match row {
            Row::Message { from, to, label, fate, lost } => {
                let (x, end) = (self.columns.columns[from].x, self.columns.columns[to].x);
                let right = end > x;
                let (tip, start, anchor) =
                    if right { (end - 8, x + 10, "start") } else { (end + 8, x - 10, "end") };
                let head = format!("M{tip} {}L{end} {y}L{tip} {}", y - 4, y + 4);
                let class = if *lost { "lost" } else { "sent" };
                let _ = write!(page, "<a href=\"#m{number}\" id=r{number} class={class}>");
                let _ = write!(
                    page,
                    "<title>{}, {fate}</title><path d=\"M{x} {y}H{end}{head}\"/>",
                    Escaped(label)
                );
                let label = wrap(label, WIDTH, 1).concat();
                let label_y = y - 4;
                let _ = write!(
                    page,
                    "<text x={start} y={label_y} text-anchor={anchor}>{}</text></a>",
                    Escaped(&label)
                );
            }
            Row::Note { node, lines, text } => self.note(page, *node, y, lines, text, "note"),
            Row::Phase(name) => {
                let width = self.columns.width;
                let _ = write!(page, "<path class=phase d=\"M0 {}H{width}\"/>", y + 5);
                let _ = write!(page, "<text class=phase x=92 y={y}>{name}</text>");
            }
            Row::Nothing => {}
        }
    }

    fn note(&self, page: &mut String, node: Node, y: usize, lines: &[String], text: &str, class: &str) {
        let column = &self.columns.columns[&node];
        let (x, anchor) = if column.left { (column.x + 10, "start") } else { (column.x - 10, "end") };
        let _ = write!(page, "<text class={class} text-anchor={anchor}><title>{}</title>", Escaped(text));
        for (number, line) in lines.iter().enumerate() {
            let _ = write!(page, "<tspan x={x} y={}>{}</tspan>", y + number * LINE, Escaped(line));
        }
        page.push_str("</text>");
    }

    /// Draws a violation.
    pub(super) fn violation(&self, page: &mut String, violation: &Violation) {
        let (y, width) = (self.axis.time(violation.at) + 16, self.columns.width);
        let text = violation.to_string();
        let _ = write!(page, "<g class=bad><title>{}</title><path d=\"M0 {y}H{width}\"/>", Escaped(&text));
        page.push_str("<text>");
        for (number, line) in wrap(&text, 110, 5).iter().enumerate() {
            let _ = write!(page, "<tspan x=4 y={}>{}</tspan>", y + 16 + number * 16, Escaped(line));
        }
        page.push_str("</text></g>");
    }

    /// The text of each message; only the selected one is shown.
    pub(super) fn messages(&self, page: &mut String, rows: &[Row], entries: &[Entry]) {
        let all: Vec<usize> =
            (0..rows.len()).filter(|&number| matches!(rows[number], Row::Message { .. })).collect();
        for (place, &number) in all.iter().enumerate() {
            let (Row::Message { from, to, fate, .. }, EntryKind::Sent { data, .. }) =
                (&rows[number], &entries[number].what)
            else {
                continue;
            };
            let (from, to) = (Escaped(self.ladder.name(*from)), Escaped(self.ladder.name(*to)));
            let at = time(entries[number].at);
            let _ = write!(
                page,
                "<article id=m{number} hidden=until-found><h3>{from} to {to} at {at}, {fate}</h3><nav>"
            );
            if let Some(before) = place.checked_sub(1).map(|before| all[before]) {
                let _ = write!(page, "<a href=\"#m{before}\">previous</a> ");
            }
            if let Some(next) = all.get(place + 1) {
                let _ = write!(page, "<a href=\"#m{next}\">next</a> ");
            }
            let body = String::from_utf8_lossy(data);
            let _ = write!(
                page,
                "<a href=\"#r{number}\">show in the ladder</a></nav><pre>{}</pre></article>",
                Escaped(&body)
            );
        }
    }
}
