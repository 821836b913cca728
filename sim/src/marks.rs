//! How many runs of a sweep reached each mark of the core.
//!
//! A clean sweep without a glare does not test glares. [`offhook::Marks`] has the marks that one run reached; a [`Tally`] counts those of
//! a sweep.

use std::collections::BTreeSet;

use offhook::Marks;

/// Why a non-INVITE server transaction never waits for its response.
const IMMEDIATE: &str = "the phone responds to non-INVITE requests immediately";

/// Why a phone never has too many pending requests.
const A_MILLION: &str = "requests result from commands, and no user gives a million in half a minute";

/// Why no INVITE has a Session-Expires.
const NO_SESSION_TIMER: &str = "only header fields of a user name a session interval, and no user adds any";

/// Why no BYE comes during the check of an offer.
const NO_TAG: &str = "no message has the tag of the phone before the check of the offer ends";

/// Marks that no phone of a simulated world can reach, and the reason.
pub const UNREACHABLE: &[(&str, &str)] = &[
    ("request: not sent, too many client transactions", A_MILLION),
    ("INVITE: 422, sent again with the Min-SE", NO_SESSION_TIMER),
    ("Call: checking --bye--> ended", NO_TAG),
    ("Other server transactions: trying --request again--> trying", IMMEDIATE),
    ("Other server transactions: trying --1xx sent--> proceeding", IMMEDIATE),
    ("Other server transactions: trying --connection lost--> terminated", IMMEDIATE),
    ("Other server transactions: proceeding --request again--> proceeding", IMMEDIATE),
    ("Other server transactions: proceeding --1xx sent--> proceeding", IMMEDIATE),
    ("Other server transactions: proceeding --200-699 sent--> completed", IMMEDIATE),
    ("Other server transactions: proceeding --connection lost--> terminated", IMMEDIATE),
];

/// The number of marks that a world can reach.
pub fn reachable() -> usize {
    Marks::catalogue().len() - UNREACHABLE.len()
}

/// The reachable marks that are not among these.
pub fn missing(reached: &Marks) -> Vec<String> {
    let catalogue = Marks::catalogue().into_iter().enumerate();
    let never =
        catalogue.filter(|(count, words)| !reached.has(*count) && unreachable_because(words).is_none());
    never.map(|(_, words)| words).collect()
}

/// All reachable marks except these: the inverse of [`missing`].
///
/// # Errors
/// If there is no mark of a name.
pub fn all_but<'w>(missing: impl IntoIterator<Item = &'w str>) -> Result<Marks, String> {
    let catalogue = Marks::catalogue();
    let mut places: BTreeSet<usize> =
        (0..catalogue.len()).filter(|&n| unreachable_because(&catalogue[n]).is_none()).collect();
    for words in missing {
        let count = catalogue.iter().position(|known| known == words);
        places.remove(&count.ok_or_else(|| format!("unknown mark `{words}`"))?);
    }
    let mut marks = Marks::default();
    places.into_iter().for_each(|count| marks.set(count));
    Ok(marks)
}

/// The reason why a mark is unreachable, if it is.
fn unreachable_because(words: &str) -> Option<&'static str> {
    UNREACHABLE.iter().find(|(count, _)| words == *count).map(|(_, why)| *why)
}

/// The number of runs that reached each mark.
#[derive(Clone, Debug)]
pub struct Tally {
    counts: Vec<MarkCount>,
}

/// The count of one mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkCount {
    /// The text of the mark.
    pub words: String,
    /// The number of runs that reached it.
    pub runs: u64,
    /// The lowest seed of these runs.
    pub first: Option<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let count = |words| MarkCount { words, runs: 0, first: None };
        Self { counts: Marks::catalogue().into_iter().map(count).collect() }
    }
}

impl Tally {
    /// Adds the run of a seed.
    pub fn count(&mut self, seed: u64, marks: &Marks) {
        for (_, count) in self.counts.iter_mut().enumerate().filter(|(n, _)| marks.has(*n)) {
            count.runs += 1;
            count.first = Some(count.first.map_or(seed, |first| first.min(seed)));
        }
    }

    /// All marks, in the order of the catalogue.
    pub fn counts(&self) -> &[MarkCount] {
        &self.counts
    }

    /// The number of reached marks.
    pub fn reached(&self) -> usize {
        self.counts.iter().filter(|count| count.runs > 0).count()
    }

    /// Reachable marks that were not reached.
    pub fn never(&self) -> impl Iterator<Item = &MarkCount> {
        self.counts.iter().filter(|count| count.runs == 0 && count.unreachable_because().is_none())
    }
}

impl MarkCount {
    /// The reason why it is unreachable, if it is.
    pub fn unreachable_because(&self) -> Option<&'static str> {
        unreachable_because(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreachable_marks_are_in_the_catalogue() {
        let catalogue = Marks::catalogue();
        for (words, why) in UNREACHABLE {
            assert!(catalogue.iter().any(|count| count == words), "{words}");
            assert!(!why.is_empty());
        }
    }

    #[test]
    fn all_but_is_the_inverse_of_missing() {
        let marks = crate::run::run(&crate::generate::generate(1)).marks;
        let never = missing(&marks);
        assert!(!never.is_empty() && never.len() < reachable());
        let again = all_but(never.iter().map(String::as_str)).expect("they are of the catalogue");
        assert_eq!(missing(&again), never);
        assert!(all_but(["nonsense"]).is_err());
    }

    #[test]
    fn a_tally_counts_runs_and_the_first_seed() {
        let mut tally = Tally::default();
        for seed in [7, 5] {
            tally.count(seed, &crate::run::run(&crate::generate::generate(seed)).marks);
        }
        let count = tally.counts().iter().find(|p| p.words == "Connection: connecting --connected--> up");
        assert_eq!(count.map(|count| (count.runs, count.first)), Some((2, Some(5))));
        assert!(tally.reached() > 20 && tally.never().count() > 0);
        assert!(tally.reached() + tally.never().count() <= tally.counts().len());
    }
}
