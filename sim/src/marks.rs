//! How often a sweep was at the places of the core that a good test reaches.
//!
//! A clean sweep that never met a glare says nothing about glares. [`offhook::Marks`] says which places one run reached; a
//! [`Tally`] adds up a sweep.

use std::collections::BTreeSet;

use offhook::Marks;

/// Why a request that is no INVITE never waits for its answer.
const AT_ONCE: &str = "the phone answers all but INVITEs in the moment in which they come";

/// Why a phone never has too many requests of its own on the way.
const A_MILLION: &str = "only its user makes a phone ask, and none asks a million things in half a minute";

/// Places that no phone of a simulated world can come to, and why.
pub const UNREACHABLE: &[(&str, &str)] = &[
    ("request: not sent, too many client transactions", A_MILLION),
    ("Other server transactions: trying --request again--> trying", AT_ONCE),
    ("Other server transactions: trying --1xx sent--> proceeding", AT_ONCE),
    ("Other server transactions: trying --flow lost--> terminated", AT_ONCE),
    ("Other server transactions: proceeding --request again--> proceeding", AT_ONCE),
    ("Other server transactions: proceeding --1xx sent--> proceeding", AT_ONCE),
    ("Other server transactions: proceeding --200-699 sent--> completed", AT_ONCE),
    ("Other server transactions: proceeding --flow lost--> terminated", AT_ONCE),
];

/// How many places there are that a world can come to.
pub fn reachable() -> usize {
    Marks::catalogue().len() - UNREACHABLE.len()
}

/// The places that a world can come to, and that are not among these.
pub fn missing(reached: &Marks) -> Vec<String> {
    let catalogue = Marks::catalogue().into_iter().enumerate();
    let never =
        catalogue.filter(|(count, words)| !reached.has(*count) && unreachable_because(words).is_none());
    never.map(|(_, words)| words).collect()
}

/// What was reached when only these places were missing: the inverse of [`missing`].
///
/// # Errors
/// When there is no place of such a name.
pub fn all_but<'w>(missing: impl IntoIterator<Item = &'w str>) -> Result<Marks, String> {
    let catalogue = Marks::catalogue();
    let mut places: BTreeSet<usize> =
        (0..catalogue.len()).filter(|&n| unreachable_because(&catalogue[n]).is_none()).collect();
    for words in missing {
        let count = catalogue.iter().position(|known| known == words);
        places.remove(&count.ok_or_else(|| format!("no mark `{words}`"))?);
    }
    let mut marks = Marks::default();
    places.into_iter().for_each(|count| marks.set(count));
    Ok(marks)
}

/// Why no world comes to the place of these words, if none does.
fn unreachable_because(words: &str) -> Option<&'static str> {
    UNREACHABLE.iter().find(|(count, _)| words == *count).map(|(_, why)| *why)
}

/// The runs that reached each place.
#[derive(Clone, Debug)]
pub struct Tally {
    counts: Vec<MarkCount>,
}

/// One place of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkCount {
    /// What is there, in words.
    pub words: String,
    /// How many runs reached it.
    pub runs: u64,
    /// The least seed of them.
    pub first: Option<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let count = |words| MarkCount { words, runs: 0, first: None };
        Self { counts: Marks::catalogue().into_iter().map(count).collect() }
    }
}

impl Tally {
    /// Counts the run of a seed.
    pub fn count(&mut self, seed: u64, marks: &Marks) {
        for (_, count) in self.counts.iter_mut().enumerate().filter(|(n, _)| marks.has(*n)) {
            count.runs += 1;
            count.first = Some(count.first.map_or(seed, |first| first.min(seed)));
        }
    }

    /// All places, in the order of the catalogue.
    pub fn counts(&self) -> &[MarkCount] {
        &self.counts
    }

    /// How many were reached.
    pub fn reached(&self) -> usize {
        self.counts.iter().filter(|count| count.runs > 0).count()
    }

    /// Those that were not, though a world can come to them.
    pub fn never(&self) -> impl Iterator<Item = &MarkCount> {
        self.counts.iter().filter(|count| count.runs == 0 && count.unreachable_because().is_none())
    }
}

impl MarkCount {
    /// Why no world comes here, if none does.
    pub fn unreachable_because(&self) -> Option<&'static str> {
        unreachable_because(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_world_comes_to_is_in_the_catalogue() {
        let catalogue = Marks::catalogue();
        for (words, why) in UNREACHABLE {
            assert!(catalogue.iter().any(|count| count == words), "{words}");
            assert!(!why.is_empty());
        }
    }

    #[test]
    fn what_is_missing_says_what_was_reached() {
        let marks = crate::run::run(&crate::generate::generate(1)).marks;
        let never = missing(&marks);
        assert!(!never.is_empty() && never.len() < reachable());
        let again = all_but(never.iter().map(String::as_str)).expect("they are of the catalogue");
        assert_eq!(missing(&again), never);
        assert!(all_but(["nonsense"]).is_err());
    }

    #[test]
    fn a_sweep_is_counted() {
        let mut tally = Tally::default();
        for seed in [7, 5] {
            tally.count(seed, &crate::run::run(&crate::generate::generate(seed)).marks);
        }
        let count = tally.counts().iter().find(|p| p.words == "Flow: connecting --connected--> up");
        assert_eq!(count.map(|count| (count.runs, count.first)), Some((2, Some(5))));
        assert!(tally.reached() > 20 && tally.never().count() > 0);
        assert!(tally.reached() + tally.never().count() <= tally.counts().len());
    }
}
