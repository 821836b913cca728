//! The tables of all machines, the catalogue of marks and edges, and the diagrams of the tables.

#[cfg(any(test, feature = "marks"))]
use crate::base::machine::Edges;
#[cfg(any(test, feature = "marks"))]
use crate::base::marks::Mark;
#[cfg(any(test, feature = "marks"))]
use crate::base::trace::Reached;

/// The tables of all machines, with their titles.
#[cfg(any(test, feature = "marks"))]
fn all_tables() -> Vec<(&'static str, &'static dyn Edges)> {
    let [invite_client, client, invite_server, server] = crate::transaction::tables();
    let connection = ("Connection", crate::connection::table());
    let registration = ("Registration", crate::account::registration::table());
    let outside = ("Request outside of a dialog", crate::outside::table());
    let offer_answer = ("Offers and answers", crate::negotiation::table());
    let first =
        [invite_client, client, invite_server, server, connection, registration, outside, offer_answer];
    first.into_iter().chain(crate::call::tables()).collect()
}

/// The marks and edges that were reached, as a set of indexes into the catalogue.
#[cfg(any(test, feature = "marks"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks(Vec<u64>);

#[cfg(any(test, feature = "marks"))]
impl Default for Marks {
    fn default() -> Self {
        let edges: usize = all_tables().iter().map(|(_, table)| table.len()).sum();
        Self(vec![0; (Mark::ALL.len() + edges).div_ceil(64)])
    }
}

#[cfg(any(test, feature = "marks"))]
impl Marks {
    /// The texts of all marks and edges, by index.
    pub fn catalogue() -> Vec<String> {
        let named = Mark::ALL.iter().map(|&words| words.to_owned());
        let edges = all_tables().into_iter().flat_map(|(title, table)| {
            (0..table.len()).map(move |edge| {
                let [from, cause, to] = table.names(edge);
                format!("{title}: {from} --{cause}--> {to}")
            })
        });
        named.chain(edges).collect()
    }

    /// Whether the mark or edge with this index was reached.
    pub fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word & 1 << (place % 64) != 0)
    }

    /// Adds the marks and edges of another set.
    pub fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    /// Adds the mark or edge with this index.
    pub fn set(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// The marks and edges that a trace reached.
    pub(super) fn of(reached: &Reached) -> Self {
        let mut marks = Self::default();
        (0..Mark::ALL.len()).filter(|&place| reached.has_mark(place)).for_each(|place| marks.set(place));
        let mut first = Mark::ALL.len();
        for (_, table) in all_tables() {
            for edge in (0..table.len()).filter(|&edge| reached.has_edge(table, edge)) {
                marks.set(first + edge);
            }
            first += table.len();
        }
        marks
    }
}

/// A table as a Mermaid state diagram: the diagrams in MACHINES.md are made by this and checked against it.
#[cfg(test)]
fn mermaid(table: &dyn Edges) -> String {
    use std::fmt::Write;
    let edges: Vec<[&str; 3]> = (0..table.len()).map(|edge| table.names(edge)).collect();
    let mut states: Vec<&str> = Vec::new();
    for state in edges.iter().flat_map(|&[from, _, to]| [from, to]) {
        if !states.contains(&state) {
            states.push(state);
        }
    }
    // An identifier of Mermaid has no spaces.
    let id = |state: &str| state.replace(' ', "_");
    let mut text = String::from("stateDiagram-v2\n");
    for state in states.iter().filter(|state| state.contains(' ')) {
        writeln!(text, "    state \"{state}\" as {}", id(state)).expect("a string takes all");
    }
    writeln!(text, "    [*] --> {}", id(states[0])).expect("a string takes all");
    let mut drawn: Vec<(&str, &str)> = Vec::new();
    for &[from, _, to] in &edges {
        if drawn.contains(&(from, to)) {
            continue;
        }
        drawn.push((from, to));
        let triggers: Vec<&str> = edges.iter().filter(|e| (e[0], e[2]) == (from, to)).map(|e| e[1]).collect();
        writeln!(text, "    {} --> {}: {}", id(from), id(to), triggers.join(", "))
            .expect("a string takes all");
    }
    for state in states.iter().filter(|state| edges.iter().all(|edge| edge[0] != **state)) {
        writeln!(text, "    {} --> [*]", id(state)).expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::machine::{Table, named_enum};
    use crate::base::name::Machine;
    use crate::base::trace::Trace;
    use crate::call::{EDGES, Phase, Trigger};
    use crate::{AccountId, Instant};

    named_enum! {
        enum Lamp { Off = "off", On = "on", Broken = "broken glass" }
    }
    named_enum! {
        enum Hand { Press = "press", Drop = "drop", Kick = "kick" }
    }
    const LAMP: Table<Lamp, Hand> = Table(&[
        (Lamp::Off, Hand::Press, Lamp::On),
        (Lamp::On, Hand::Press, Lamp::Off),
        (Lamp::On, Hand::Drop, Lamp::Broken),
        (Lamp::On, Hand::Kick, Lamp::Broken),
    ]);

    /// MACHINES.md is generated from the tables. If this test fails, copy what it prints.
    #[test]
    fn machines_md_is_up_to_date() {
        let mut text = String::from(
            "# The machines of the core\n\nDrawn from the tables of legal edges in `src/`, which every transition is checked \
             against; a test compares.\n",
        );
        for (title, table) in all_tables() {
            text += &format!("\n## {title}\n\n```mermaid\n{}```\n", mermaid(table));
        }
        assert!(text == include_str!("../../MACHINES.md"), "crates/core/MACHINES.md is to be:\n{text}");
    }

    /// A state without an edge to it, or a duplicate edge, is a mistake.
    #[test]
    fn every_state_can_be_reached() {
        for (title, table) in all_tables() {
            let edges: Vec<[&str; 3]> = (0..table.len()).map(|edge| table.names(edge)).collect();
            for (n, edge) in edges.iter().enumerate() {
                assert!(!edges[..n].contains(edge), "{title}: {edge:?} twice");
            }
            let mut reached = vec![edges[0][0]];
            while let Some(edge) = edges.iter().find(|e| reached.contains(&e[0]) && !reached.contains(&e[2]))
            {
                reached.push(edge[2]);
            }
            for edge in &edges {
                assert!(reached.contains(&edge[0]), "{title}: {} cannot be reached", edge[0]);
            }
        }
    }

    #[test]
    fn a_table_is_drawn_as_a_diagram() {
        assert_eq!(
            mermaid(&LAMP),
            "stateDiagram-v2\n    state \"broken glass\" as broken_glass\n    [*] --> off\n    off --> on: press\n    \
             on --> off: press\n    on --> broken_glass: drop, kick\n    broken_glass --> [*]\n"
        );
    }

    /// The texts of the marks and edges that a trace reached.
    fn reached(trace: &Trace) -> Vec<String> {
        let marks = Marks::of(trace.reached());
        let catalogue = Marks::catalogue().into_iter().enumerate();
        catalogue.filter(|(place, _)| marks.has(*place)).map(|(_, words)| words).collect()
    }

    #[test]
    fn marks_and_edges_are_in_the_catalogue() {
        let mut trace = Trace::new(0);
        assert_eq!(reached(&trace), Vec::<String>::new());
        trace.mark(Instant::ZERO, None, Mark::Glare);
        let machine = Machine::Registration(AccountId(0));
        trace.transition(Instant::ZERO, machine, &EDGES, Phase::New, Trigger::Dial, Phase::Offering);
        assert_eq!(reached(&trace), ["renegotiation: our offer got 491", "Call: new --dial--> offering"]);
        let mut all = Marks::default();
        all.add(&Marks::of(trace.reached()));
        assert_eq!(all, Marks::of(trace.reached()));
    }

    #[test]
    fn texts_in_the_catalogue_are_unique() {
        let mut catalogue = Marks::catalogue();
        let all = catalogue.len();
        catalogue.sort();
        catalogue.dedup();
        assert_eq!(catalogue.len(), all);
    }
}
