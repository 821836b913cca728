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

        impl $crate::base::machine::Word for $name {
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

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        enum Lamp { Off = "off", On = "on", Broken = "broken" }
    }
    words! {
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
        assert_eq!(LAMP.words(2), ["on", "drop", "broken"]);
    }
}
