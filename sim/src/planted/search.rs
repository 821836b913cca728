//! The search for planted bugs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Planted;
use crate::generate::generate;
use crate::run::run;
use crate::scenario::Scenario;
use crate::shrink::{Budget, shrink};

/// The number of tries per bug, each from a different first seed.
pub const TRIES: u64 = 5;

/// The distance between the first seeds of two tries.
const FAR: u64 = 1_000_000;

/// The limits of a search.
#[derive(Copy, Clone)]
pub struct Effort<'a> {
    /// The maximum number of seeds per try.
    pub seeds: u64,
    /// The number of threads.
    pub jobs: u8,
    /// A monotonic clock of the host.
    pub clock: &'a (dyn Fn() -> Duration + Sync),
    /// The time limit of shrinking one scenario.
    pub shrink_limit: Duration,
}

/// The search for one bug.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The bug.
    pub bug: Planted,
    /// The tries, by number of seeds; those that found nothing are last.
    pub tries: Vec<Try>,
}

/// One try.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// Its first seed.
    pub first: u64,
    /// The number of seeds it played, including the failing one.
    pub seeds: u64,
    /// The result.
    pub found: Option<Find>,
}

/// A scenario with a violation.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// The oracle.
    pub oracle: &'static str,
    /// The shrunk scenario.
    pub scenario: Scenario,
    /// The time of shrinking.
    pub took: Duration,
}

impl Search {
    /// Whether the bug was found in most tries.
    pub fn is_found(&self) -> bool {
        self.median().found.is_some()
    }

    /// The median number of seeds.
    pub fn median_seeds(&self) -> u64 {
        self.median().seeds
    }

    /// The oracle that found it most often.
    pub fn oracle(&self) -> Option<&'static str> {
        let mut often: BTreeMap<&str, (usize, &'static str)> = BTreeMap::new();
        for find in self.finds() {
            often.entry(find.oracle).or_insert((0, find.oracle)).0 += 1;
        }
        often.into_values().max_by_key(|(times, _)| *times).map(|(_, oracle)| oracle)
    }

    /// The median number of steps of the shrunk scenarios.
    pub fn shrunk_steps(&self) -> Option<usize> {
        let mut steps: Vec<usize> = self.finds().map(|find| find.scenario.steps.len()).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied()
    }

    /// The median time of shrinking.
    pub fn shrink_time(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = self.finds().map(|find| find.took).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    fn median(&self) -> &Try {
        &self.tries[self.tries.len() / 2]
    }

    fn finds(&self) -> impl Iterator<Item = &Find> {
        self.tries.iter().filter_map(|one| one.found.as_ref())
    }
}

/// Searches for these bugs. Calls `found` after each search.
pub fn search(bugs: &[Planted], effort: &Effort<'_>, found: impl Fn(&Search) + Sync) -> Vec<Search> {
    let next = AtomicUsize::new(0);
    let searches = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..effort.jobs {
            scope.spawn(|| {
                while let Some(&bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let search = search_one(bug, effort);
                    found(&search);
                    searches.lock().expect("no thread panics while it holds the list").push(search);
                }
            });
        }
    });
    let mut searches = searches.into_inner().expect("no thread panicked");
    searches.sort_by_key(|search| bugs.iter().position(|bug| *bug == search.bug));
    searches
}

fn search_one(bug: Planted, effort: &Effort<'_>) -> Search {
    let mut tries: Vec<Try> = Vec::new();
    for n in 0..TRIES {
        // If most tries find nothing, the median is known.
        let lost = tries.iter().filter(|one| one.found.is_none()).count() as u64;
        if lost > TRIES / 2 {
            break;
        }
        tries.push(try_one(bug, n * FAR, effort));
    }
    tries.sort_by_key(|one| (one.found.is_none(), one.seeds));
    Search { bug, tries }
}

fn try_one(bug: Planted, first: u64, effort: &Effort<'_>) -> Try {
    let (seeds, scenario) = hunt(bug, first, effort.seeds);
    let found = scenario.and_then(|scenario| {
        let start = (effort.clock)();
        let is_over = || (effort.clock)().saturating_sub(start) >= effort.shrink_limit;
        let small = shrink(&scenario, &Budget { is_over: &is_over, ..Budget::default() })?;
        let took = (effort.clock)().saturating_sub(start);
        Some(Find { oracle: small.violation.oracle, scenario: small.scenario, took })
    });
    Try { first, seeds, found }
}

/// Plays seeds from `first` with a bug until a violation. Returns the number of seeds, and the failing scenario.
pub fn hunt(bug: impl Into<Planted>, first: u64, most: u64) -> (u64, Option<Scenario>) {
    let bug = bug.into();
    for played in 0..most {
        let mut scenario = generate(first + played);
        scenario.planted = Some(bug);
        if run(&scenario).violation.is_some() {
            return (played + 1, Some(scenario));
        }
    }
    (most, None)
}

/// Plays all seeds of these searches without a bug. Returns the number of seeds, and the first one with a violation.
pub fn control(searches: &[Search], jobs: u8) -> (u64, Option<u64>) {
    let mut most: BTreeMap<u64, u64> = BTreeMap::new();
    for one in searches.iter().flat_map(|search| &search.tries) {
        let seeds = most.entry(one.first).or_insert(0);
        *seeds = one.seeds.max(*seeds);
    }
    let seeds: Vec<u64> = most.iter().flat_map(|(first, count)| *first..*first + *count).collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if run(&generate(seed)).violation.is_some() {
                        let mut failed = failed.lock().expect("no thread panics while it holds the seed");
                        *failed = Some(failed.map_or(seed, |before: u64| before.min(seed)));
                    }
                }
            });
        }
    });
    (seeds.len() as u64, failed.into_inner().expect("no thread panicked"))
}
