//! Names of states and triggers, and tables of legal edges, for all state machines.

/// A state or a trigger of a machine: a small enum whose variants have names.
pub(crate) trait StateName: Copy + Eq + 'static {
    /// The name, for traces and diagrams.
    fn name(self) -> &'static str;
}

/// Declares an enum whose variants have names.
macro_rules! named_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $crate::base::machine::StateName for $name {
            fn name(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
    };
}
pub(crate) use named_enum;

/// The legal edges of a machine: (from, trigger, to). The first edge starts at the initial state.
pub(crate) struct Table<S: 'static, C: 'static>(pub(crate) &'static [(S, C, S)]);

/// A [`Table`] with its types erased, for the trace.
pub(crate) trait Edges: Sync {
    /// The names of an edge: from, trigger, to.
    fn names(&self, edge: usize) -> [&'static str; 3];
    /// How many edges there are.
    #[cfg(any(test, feature = "marks"))]
    fn len(&self) -> usize;
}

impl<S: StateName + Sync, C: StateName + Sync> Edges for Table<S, C> {
    fn names(&self, edge: usize) -> [&'static str; 3] {
        let (from, trigger, to) = self.0[edge];
        [from.name(), trigger.name(), to.name()]
    }

    #[cfg(any(test, feature = "marks"))]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<S: StateName, C: StateName> Table<S, C> {
    /// The index of an edge, if it is legal.
    pub(crate) fn find(&self, from: S, trigger: C, to: S) -> Option<usize> {
        self.0.iter().position(|edge| *edge == (from, trigger, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    named_enum! {
        enum Lamp { Off = "off", On = "on", Broken = "broken" }
    }
    named_enum! {
        enum Hand { Press = "press", Drop = "drop" }
    }
    const LAMP: Table<Lamp, Hand> = Table(&[
        (Lamp::Off, Hand::Press, Lamp::On),
        (Lamp::On, Hand::Press, Lamp::Off),
        (Lamp::On, Hand::Drop, Lamp::Broken),
    ]);

    #[test]
    fn edges_are_found_and_others_not() {
        assert_eq!(LAMP.find(Lamp::On, Hand::Drop, Lamp::Broken), Some(2));
        assert_eq!(LAMP.find(Lamp::Off, Hand::Drop, Lamp::Broken), None);
        assert_eq!(LAMP.names(2), ["on", "drop", "broken"]);
    }
}
