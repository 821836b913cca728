//! Bugs planted on purpose: how many seeds it takes until an oracle objects to each of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use offhook::Bug;

use crate::generate::generate;
use crate::run::run;

/// How often a bug is looked for, each time from a seed far from the others.
const TRIES: u64 = 5;

/// The distance between the first seeds of two tries.
const FAR: u64 = 1_000_000;

/// How a bug was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The bug.
    pub bug: Bug,
    /// The oracle that objected most often; `None` when the median try found nothing.
    pub oracle: Option<&'static str>,
    /// How many seeds the median try played, the failing one included.
    pub median_seeds: u64,
}

/// Looks for all bugs, in order; each try plays at most `most` seeds.
pub fn search_all(most: u64, jobs: u8, found: impl Fn(&Search) + Sync) -> Vec<Search> {
    let next = AtomicUsize::new(0);
    let searches = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(&bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let search = search(bug, most);
                    found(&search);
                    searches.lock().expect("no thread panics with the list in hand").push(search);
                }
            });
        }
    });
    let mut searches = searches.into_inner().expect("no thread panicked");
    searches.sort_by_key(|search| Bug::ALL.iter().position(|bug| *bug == search.bug));
    searches
}

/// Looks for one bug.
pub fn search(bug: Bug, most: u64) -> Search {
    let mut tries: Vec<_> = (0..TRIES).map(|n| hunt(bug, n * FAR, most)).collect();
    tries.sort_by_key(|(played, oracle)| (oracle.is_none(), *played));
    let (median_seeds, median) = tries[tries.len() / 2];
    let often = |oracle: &&str| tries.iter().filter(|(_, found)| *found == Some(*oracle)).count();
    let oracle = median.and_then(|_| tries.iter().filter_map(|(_, oracle)| *oracle).max_by_key(often));
    Search { bug, oracle, median_seeds }
}

/// Plays seeds from `first` until an oracle objects: how many, and which oracle.
pub fn hunt(bug: Bug, first: u64, most: u64) -> (u64, Option<&'static str>) {
    for played in 0..most {
        let mut scenario = generate(first + played);
        scenario.planted = Some(bug);
        if let Some(violation) = run(&scenario).violation {
            return (played + 1, Some(violation.oracle));
        }
    }
    (most, None)
}
