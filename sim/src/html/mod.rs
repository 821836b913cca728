//! A run as an HTML page: the ladder, the states and timers of the phones on one time axis, and each message on a click. The page is
//! self-contained and has no script.

mod axis;
mod columns;
mod drawing;
mod ladder;
mod lanes;
mod text;

use std::fmt::Write as _;

use crate::ladder::Ladder;
use crate::machine_trace::MachineTrace;
use crate::oracle::Violation;
use crate::tape::Node;
use crate::world::World;
use axis::Axis;
use columns::{Column, Columns};
use drawing::Drawing;
use ladder::Row;
use lanes::{Lanes, Span, TimerOutcome};
use text::{Escaped, time};

const STYLE: &str = include_str!("style.css");

/// The height of the headings of lanes.
const HEAD: usize = 92;

/// The distance in pixels at which the name of a span is repeated.
const AGAIN: usize = 640;

impl World {
    /// Draws the tape as an HTML page, with the violation at its head.
    pub fn page(&self, violation: Option<&Violation>) -> String {
        let mut ladder = Ladder::new(self);
        let rows: Vec<Row> = self.tape().entries().iter().map(|entry| Row::new(entry, &mut ladder)).collect();
        let times = self.tape().entries().iter().map(|entry| entry.at);
        let axis = Axis::new(times.zip(rows.iter().map(Row::lines)), self.now());
        let nothing = MachineTrace::new(0);
        let watch = self.machine_trace().unwrap_or(&nothing);
        let columns = Columns::new(&ladder, |node| match node {
            Node::Phone(phone) => Some(Lanes::new(watch, phone, &axis, self.now())),
            _ => None,
        });
        let drawing = Drawing { ladder: &ladder, axis: &axis, columns: &columns };
        let seed = self.scenario().seed;
        let verdict = violation.map_or("clean".to_owned(), ToString::to_string);
        let class = if violation.is_some() { "bad" } else { "good" };
        let mut page = String::from("<!doctype html><html lang=en><meta charset=utf-8>");
        page.push_str(
            "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        );
        let _ = write!(page, "<title>Seed {seed}</title><style>{STYLE}</style>");
        let _ = write!(page, "<header><b>Seed {seed}</b> <span class={class}>{}</span> ", Escaped(&verdict));
        let messages = rows.iter().filter(|row| matches!(row, Row::Message { .. })).count();
        let _ = write!(page, "<small>{messages} messages in {}</small></header>", time(self.now()));
        let (width, bottom) = (columns.width, axis.bottom() + 110);
        let _ = write!(
            page,
            "<main tabindex=0><svg class=names width={width} height={HEAD}>{}</svg>",
            drawing.heads()
        );
        let _ = write!(page, "<svg width={width} height={bottom} role=img>");
        drawing.lines(&mut page);
        for (number, (row, entry)) in rows.iter().zip(self.tape().entries()).enumerate() {
            drawing.row(&mut page, number, row, entry.at);
        }
        if let Some(violation) = violation {
            drawing.violation(&mut page, violation);
        }
        page.push_str("</svg></main><aside><p>Click a message to read it. The search of the browser covers the messages, too.</p>");
        drawing.messages(&mut page, &rows, self.tape().entries());
        page.push_str(include_str!("legend.html"));
        let _ = write!(page, "<h3>Scenario</h3><pre>{}</pre></aside>", Escaped(&self.scenario().to_string()));
        page
    }
}

impl Drawing<'_> {
    /// The names of the machines, and of the lanes of phones.
    fn heads(&self) -> String {
        let mut heads = String::new();
        for (&node, column) in &self.columns.columns {
            let (x, name) = (column.x, Escaped(self.ladder.name(node)));
            let _ = write!(heads, "<text class=name x={x} y={} text-anchor=middle>{name}</text>", 14);
            for (offset, kind) in column.lanes.iter().flat_map(|lanes| &lanes.heads) {
                let x = column.lane(*offset, 9) + 8;
                let (y, kind) = (HEAD - 4, kind.name());
                let _ = write!(
                    heads,
                    "<text class=head transform=\"translate({x},{y})rotate(-90)\">{kind}</text>"
                );
            }
        }
        heads
    }

    /// The line of each machine, and the lanes of each phone.
    fn lines(&self, page: &mut String) {
        let bottom = self.axis.bottom();
        for column in self.columns.columns.values() {
            let _ = write!(page, "<path class=line d=\"M{} 0V{bottom}\"/>", column.x);
            for span in column.lanes.iter().flat_map(|lanes| &lanes.spans) {
                match span.timer {
                    None => bar(page, column, span),
                    Some(fate) => thread(page, column, span, fate),
                }
            }
        }
    }
}

/// A state of a machine.
fn bar(page: &mut String, column: &Column, span: &Span) {
    let &Span { from, to, name, ref title, .. } = span;
    let (x, height, title) = (column.lane(span.x, 11), to - from, Escaped(title));
    let _ = write!(
        page,
        "<g class={name}><title>{title}</title><rect x={x} y={from} width=11 height={height} rx=2 />"
    );
    words(page, x + 3, span);
    page.push_str("</g>");
}

/// A timer: solid if it fired, dashed if it was cancelled.
fn thread(page: &mut String, column: &Column, span: &Span, fate: TimerOutcome) {
    let &Span { from, to, ref title, .. } = span;
    let (x, title) = (column.lane(span.x, 10) + 2, Escaped(title));
    let (class, end) = match fate {
        TimerOutcome::Fired => ("fired", format!("<circle cx={x} cy={to} r=2.5 />")),
        TimerOutcome::Cancelled => ("cancelled", format!("<path d=\"M{} {to}h5\"/>", x - 2)),
        TimerOutcome::Waits => ("waits", String::new()),
    };
    let _ = write!(page, "<g class={class}><title>{title}</title><path d=\"M{x} {from}V{to}\"/>{end}");
    words(page, x + 2, span);
    page.push_str("</g>");
}

/// The name of a span along it, repeated on long ones.
fn words(page: &mut String, x: usize, span: &Span) {
    let length = span.name.len() * 6 + 6;
    let mut y = span.from + 3;
    while y + length <= span.to {
        let _ = write!(page, "<text transform=\"translate({x},{y})rotate(90)\">{}</text>", span.name);
        y += AGAIN;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::generate::generate;
    use crate::oracle;
    use crate::scenario::{PhoneSetup, Scenario, Transport, UserAction, Weather};
    use crate::tape::EntryKind;

    /// What a self-contained page without scripts must not contain.
    const OUTSIDE: [&str; 9] =
        ["<script", "<link", "<img", "<iframe", "<object", "<form", " src=", "url(", "@import"];

    fn played(scenario: Scenario) -> World {
        let mut world = World::new(scenario, oracle::all(), true);
        world.play();
        world
    }

    #[test]
    fn a_page_is_self_contained_and_has_all_messages() {
        for seed in 0..4 {
            let world = played(generate(seed));
            let page = world.page(None);
            for outside in OUTSIDE {
                assert!(!page.contains(outside), "seed {seed}: {outside}");
            }
            let links = page.matches("href=").count();
            assert_eq!(links, page.matches("href=\"#").count(), "seed {seed}: all links stay on the page");
            let mut messages = 0;
            for (number, entry) in world.tape().entries().iter().enumerate() {
                let EntryKind::Sent { data, .. } = &entry.what else { continue };
                messages += 1;
                let body = format!("<pre>{}</pre>", Escaped(&String::from_utf8_lossy(data)));
                let article = format!("<article id=m{number} ");
                let found = page.find(&article).unwrap_or_else(|| panic!("seed {seed}: {article}"));
                let article = &page[found..found + page[found..].find("</article>").expect("it ends")];
                assert!(article.contains(&body), "seed {seed}: {article}");
                assert!(page.contains(&format!("<a href=\"#m{number}\"")), "seed {seed}: message {number}");
            }
            assert!(messages > 20 && page.matches("<article ").count() == messages, "seed {seed}");
        }
    }

    #[test]
    fn text_of_peers_is_escaped() {
        let name = "<b>\"&";
        let mut world = World::builder().phone("alice").start();
        world.user("alice", UserAction::Dial(format!("sip:{name}@x")));
        world.run_for(Duration::from_secs(1));
        assert!(!world.page(None).contains(name), "escaped in all places");
    }

    #[test]
    fn states_and_timers_are_drawn() {
        let weather = Weather { loss: 1000, ..Weather::CLEAR };
        let deaf = PhoneSetup { transport: Transport::Udp, weather, ..PhoneSetup::new("bob") };
        let mut world = World::builder().phone("alice").setup(deaf).cold();
        world.run_for(Duration::from_secs(20));
        let page = world.page(None);
        for part in [
            "<g class=up><title>connection 1: up by “connected”, 40ms to 20s</title>",
            "<g class=registered><title>registration 0: registered",
            "<g class=trying><title>client 0: trying, 1ms to 20s</title>",
            "<g class=fired><title>client 0: timer E, set at 1ms, due at 0.501s, fired at 0.501s</title>",
            "<g class=waits><title>client 0: timer F, set at 1ms, due at 32.001s, pending</title>",
            ">transactions</text>",
        ] {
            assert!(
                page.contains(part),
                "{part}\n{}",
                page.split("<title>").map(|part| format!("{part}\n")).collect::<String>()
            );
        }
    }

    #[test]
    fn a_violation_is_shown_at_the_head_and_at_its_time() {
        let world = played(generate(1));
        let violation = Violation { oracle: "grammar", at: world.now(), what: "ended <twice>".to_owned() };
        let page = world.page(Some(&violation));
        assert!(page.contains("<span class=bad>grammar at "), "the head says it");
        assert_eq!(page.matches("ended &lt;twice&gt;").count(), 3, "head, drawing and its title");
    }
}
