//! What all state machines share: words for states and causes, and tables of legal edges.

/// A state or a cause of a machine: a small enum whose variants have names.
pub(crate) trait Word: Copy + Eq + 'static {
    /// One lower-case word for traces and diagrams.
    fn word(self) -> &'static str;
}

/// Declares an enum of words.
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $crate::machine::Word for $name {
            fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
}
pub(crate) use words;

/// The legal edges of a machine: (from, cause, to). The first edge starts at the initial state.
pub(crate) struct Table<S: 'static, C: 'static>(pub(crate) &'static [(S, C, S)]);

/// A [`Table`] whose types are forgotten, as the trace keeps it.
pub(crate) trait Edges: Sync {
    /// The words of an edge: from, cause, to.
    fn words(&self, edge: usize) -> [&'static str; 3];
    /// How many edges there are.
    #[cfg(any(test, feature = "marks"))]
    fn len(&self) -> usize;
}

impl<S: Word + Sync, C: Word + Sync> Edges for Table<S, C> {
    fn words(&self, edge: usize) -> [&'static str; 3] {
        let (from, cause, to) = self.0[edge];
        [from.word(), cause.word(), to.word()]
    }

    #[cfg(any(test, feature = "marks"))]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<S: Word, C: Word> Table<S, C> {
    /// The place of an edge, if it is legal.
    pub(crate) fn find(&self, from: S, cause: C, to: S) -> Option<usize> {
        self.0.iter().position(|edge| *edge == (from, cause, to))
    }
}

/// The tables of all machines, with their titles.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn all_tables() -> [(&'static str, &'static dyn Edges); 7] {
    let [invite_client, client, invite_server, server] = crate::transaction::tables();
    let [flow, registration] = crate::line::tables();
    [invite_client, client, invite_server, server, flow, registration, ("Call", &crate::session::EDGES)]
}

/// A table as a Mermaid state diagram: the pictures in MACHINES.md are made by this and checked against it.
#[cfg(test)]
pub(crate) fn mermaid(table: &dyn Edges) -> String {
    use std::fmt::Write;
    let edges: Vec<[&str; 3]> = (0..table.len()).map(|edge| table.words(edge)).collect();
    let mut text = format!("stateDiagram-v2\n    [*] --> {}\n", edges[0][0]);
    let mut drawn: Vec<(&str, &str)> = Vec::new();
    for &[from, _, to] in &edges {
        if drawn.contains(&(from, to)) {
            continue;
        }
        drawn.push((from, to));
        let causes: Vec<&str> = edges.iter().filter(|e| (e[0], e[2]) == (from, to)).map(|e| e[1]).collect();
        writeln!(text, "    {from} --> {to}: {}", causes.join(", ")).expect("a string takes all");
    }
    let mut ends: Vec<&str> = Vec::new();
    for &[_, _, to] in &edges {
        if !ends.contains(&to) && edges.iter().all(|e| e[0] != to) {
            ends.push(to);
            writeln!(text, "    {to} --> [*]").expect("a string takes all");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        enum Lamp { Off = "off", On = "on", Broken = "broken" }
    }
    words! {
        enum Hand { Press = "press", Drop = "drop", Kick = "kick" }
    }
    const LAMP: Table<Lamp, Hand> = Table(&[
        (Lamp::Off, Hand::Press, Lamp::On),
        (Lamp::On, Hand::Press, Lamp::Off),
        (Lamp::On, Hand::Drop, Lamp::Broken),
        (Lamp::On, Hand::Kick, Lamp::Broken),
    ]);

    /// MACHINES.md is what the tables say. When it is not, copy what this test prints.
    #[test]
    fn the_documentation_draws_the_tables() {
        let mut text = String::from(
            "# The machines of the core\n\nDrawn from the tables of legal edges in `src/`, which every transition is checked \
             against; a test compares.\n",
        );
        for (title, table) in all_tables() {
            text += &format!("\n## {title}\n\n```mermaid\n{}```\n", mermaid(table));
        }
        assert!(text == include_str!("../MACHINES.md"), "crates/core/MACHINES.md is to be:\n{text}");
    }

    /// A state that no edge leads to, or an edge that stands twice, is a mistake.
    #[test]
    fn every_state_can_be_reached() {
        for (title, table) in all_tables() {
            let edges: Vec<[&str; 3]> = (0..table.len()).map(|edge| table.words(edge)).collect();
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
            "stateDiagram-v2\n    [*] --> off\n    off --> on: press\n    on --> off: press\n    \
             on --> broken: drop, kick\n    broken --> [*]\n"
        );
    }

    #[test]
    fn edges_are_found_and_others_not() {
        assert_eq!(LAMP.find(Lamp::On, Hand::Drop, Lamp::Broken), Some(2));
        assert_eq!(LAMP.find(Lamp::Off, Hand::Drop, Lamp::Broken), None);
    }
}
