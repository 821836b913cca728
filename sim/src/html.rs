//! One page with a run on it: the ladder as a drawing, the states of phones and calls beside their lines, and each message
//! to be read on a click. It needs nothing from anywhere, not even a script.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use offhook::{Event, RegistrationState};
use offhook_wire::Instant;

use crate::ladder::{Ladder, describe_command, describe_event};
use crate::oracle::Violation;
use crate::scenario::Seconds;
use crate::tape::{Node, What};
use crate::world::World;

const LEFT: usize = 110;
const COLUMN: usize = 300;
const TOP: usize = 50;
const ROW: usize = 22;
const STYLE: &str = include_str!("html.css");

impl World {
    /// Draws what the tape kept as an HTML page, with what is wrong with it at its head.
    pub fn page(&self, violation: Option<&Violation>) -> String {
        let mut page = Page::new(self);
        page.draw();
        let mut text = String::from("<!doctype html><html lang=en><meta charset=utf-8>");
        text.push_str(
            "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        );
        let verdict = violation.map_or("clean".to_owned(), ToString::to_string);
        let _ = write!(text, "<title>Ladder</title><style>{STYLE}</style>");
        let _ = write!(text, "<header><b>Seed {}</b>: {}</header>", self.scenario().seed, escape(&verdict));
        let (width, height) =
            (LEFT + page.places.len() * COLUMN + 60, page.y(self.tape().entries().len() + 1));
        let _ = write!(text, "<main><svg width={width} height={height} role=img>{}</svg>", page.drawing);
        let scenario = escape(&self.scenario().to_string());
        let _ = write!(text, "<aside>{}<h3>Scenario</h3><pre>{scenario}</pre></aside></main>", page.messages);
        text
    }
}

struct Page<'w> {
    world: &'w World,
    ladder: Ladder<'w>,
    places: BTreeMap<Node, usize>,
    drawing: String,
    messages: String,
}

impl<'w> Page<'w> {
    fn new(world: &'w World) -> Self {
        let ladder = Ladder::new(world);
        let mut order: Vec<(usize, Node)> = ladder.columns.iter().map(|(&node, &at)| (at, node)).collect();
        order.sort_unstable();
        let place = |(place, (_, node)): (usize, (usize, Node))| (node, LEFT + place * COLUMN + 30);
        let places = order.into_iter().enumerate().map(place).collect();
        Self { world, ladder, places, drawing: String::new(), messages: String::new() }
    }

    fn y(&self, row: usize) -> usize {
        TOP + row * ROW
    }

    fn draw(&mut self) {
        let bottom = self.y(self.world.tape().entries().len());
        for (&node, &x) in &self.places {
            let name = escape(self.ladder.name(node));
            let _ = write!(
                self.drawing,
                "<text class=name x={x} y=20>{name}</text><path class=line d=\"M{x} 30V{bottom}\"/>"
            );
        }
        self.draw_states(bottom);
        let mut last = None;
        for (row, entry) in self.world.tape().entries().iter().enumerate() {
            let y = self.y(row);
            if last.replace(entry.at) != Some(entry.at) {
                let _ = write!(self.drawing, "<text class=time x=4 y={y}>{}</text>", time(entry.at));
            }
            match &entry.what {
                What::Sent { from, to, data, arrivals, repeat } => {
                    let label = escape(&self.ladder.summary(data));
                    let again = if *repeat > 0 { " again" } else { "" };
                    let (x, end) = (self.places[from], self.places[to]);
                    let (class, fate) = match arrivals.first {
                        None => ("lost", "lost".to_owned()),
                        Some(takes) => ("sent", format!("arrives after {}", Seconds(takes))),
                    };
                    let (tip, middle) = if end > x { (end - 8, x + 12) } else { (end + 8, end + 24) };
                    let head = format!("M{tip} {}L{end} {y}L{tip} {}", y - 4, y + 4);
                    let label_y = y - 3;
                    let _ = write!(
                        self.drawing,
                        "<a href=\"#m{row}\"><path class={class} d=\"M{x} {y}H{end}{head}\"/><text x={middle} y={label_y}>{label}{again}</text></a>"
                    );
                    let (from, to) = (self.ladder.name(*from), self.ladder.name(*to));
                    let body = escape(&String::from_utf8_lossy(data));
                    let _ = write!(
                        self.messages,
                        "<article id=m{row}><h3>{} to {} at {}, {fate}</h3><pre>{body}</pre></article>",
                        escape(from),
                        escape(to),
                        time(entry.at)
                    );
                }
                What::Told { phone, event } => {
                    if let Some(text) = describe_event(event) {
                        self.note(Node::Phone(*phone), y, &format!("* {text}"));
                    }
                }
                What::Asked { phone, command, refused } => {
                    let refused = refused.as_ref().map_or(String::new(), |why| format!(" (refused: {why})"));
                    self.note(Node::Phone(*phone), y, &format!("> {}{refused}", describe_command(command)));
                }
                What::Noted { node, text } => self.note(*node, y, &format!("! {text}")),
                What::Phase { name } => {
                    let _ = write!(self.drawing, "<text class=phase x={LEFT} y={y}>{name}</text>");
                }
            }
        }
    }

    fn note(&mut self, node: Node, y: usize, text: &str) {
        let (x, line) = (self.places[&node] + 12, escape(text.lines().next().unwrap_or_default()));
        let _ = write!(self.drawing, "<text class=note x={x} y={y}>{line}</text>");
    }

    /// A bar for each state: the registration left of a phone's line, its calls right of it.
    fn draw_states(&mut self, bottom: usize) {
        let mut open = BTreeMap::new();
        for (row, entry) in self.world.tape().entries().iter().enumerate() {
            let What::Told { phone, event } = &entry.what else { continue };
            let (bar, state) = match event {
                Event::Registration { state, .. } => ((*phone, None), word(state)),
                Event::Status { session, to, .. } => ((*phone, Some(*session)), to.as_str()),
                _ => continue,
            };
            if let Some((from, state)) = open.insert(bar, (row, state)) {
                self.bar(bar.0, bar.1.is_some(), (self.y(from), self.y(row)), state);
            }
        }
        for ((phone, session), (from, state)) in open {
            self.bar(phone, session.is_some(), (self.y(from), bottom), state);
        }
    }

    fn bar(&mut self, phone: usize, call: bool, (from, to): (usize, usize), state: &str) {
        if state != "idle" {
            let line = self.places[&Node::Phone(phone)];
            let (x, height) = (if call { line + 2 } else { line - 8 }, to - from);
            let _ = write!(
                self.drawing,
                "<rect class={state} x={x} y={from} width=6 height={height}><title>{state}</title></rect>"
            );
        }
    }
}

fn word(state: &RegistrationState) -> &'static str {
    match state {
        RegistrationState::Unregistered => "unregistered",
        RegistrationState::Registering { .. } => "registering",
        RegistrationState::Registered { .. } => "registered",
        RegistrationState::Refreshing => "refreshing",
        RegistrationState::Waiting { .. } => "waiting",
        RegistrationState::Unregistering => "unregistering",
        RegistrationState::Failed(_) => "failed",
    }
}

fn time(at: Instant) -> String {
    Seconds(at.saturating_since(Instant::ZERO)).to_string()
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\r' => {}
            '\n' | '\t' => safe.push(character),
            character if character.is_control() => safe.push('\u{fffd}'),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_writes_stays_text() {
        assert_eq!(escape("<a href='x'>&\"\0\r\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\n");
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere() {
        let page = World::builder().phone("alice").start().page(None);
        assert!(page.contains("REGISTER #1/1</text>") && page.contains("<rect class=registered"), "{page}");
        for outside in ["<script", "<link", "<img", "src=", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
