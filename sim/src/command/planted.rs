//! `cargo sim planted`: searches for planted bugs.

use clap::Args;

use super::shrink_time::ShrinkTime;

/// Plant bugs, one after another: the number of seeds until an oracle finds each, and the size of the shrunk scenario
///
/// Succeeds if each bug is found, and the same seeds are clean without a bug.
#[derive(Args)]
pub(super) struct Planted {
    /// The bugs; default: all
    bugs: Vec<String>,
    /// Maximum number of seeds per try
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    #[command(flatten)]
    time: ShrinkTime,
    /// Print the shrunk scenarios of each bug
    #[arg(long, conflicts_with = "json")]
    scenarios: bool,
    /// Only list the names of all bugs
    #[arg(long, conflicts_with = "json")]
    list: bool,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Planted {
    #[cfg(not(feature = "planted"))]
    pub(super) fn execute(self) -> super::CommandResult {
        Err(super::UsageError::without_bugs())
    }
}

#[cfg(feature = "planted")]
mod built {
    use std::time::Duration;

    use offhook_sim::planted::{Effort, Planted as Bugs, Search, control, search};
    use serde_json::json;

    use super::super::plant::named;
    use super::super::{CommandResult, UsageError, clock};
    use super::Planted;

    impl Planted {
        pub(in super::super) fn execute(self) -> CommandResult {
            if self.list {
                Bugs::all().for_each(|bug| println!("{bug:?}"));
                return Ok(true);
            }
            let bugs = self.bugs.iter().map(|name| named(name)).collect::<Result<Vec<Bugs>, UsageError>>()?;
            let bugs = if bugs.is_empty() { Bugs::all().collect() } else { bugs };
            let start = clock::now();
            let clock = || start.elapsed();
            let effort =
                Effort { seeds: self.seeds, jobs: self.jobs, clock: &clock, shrink_limit: self.time.limit };
            if !self.json {
                println!("{:24} {:14} {:>6} {:>6} {:>9}", "bug", "oracle", "seeds", "steps", "shrink");
            }
            let searches = search(&bugs, &effort, |search| self.print(search));
            let found = searches.iter().filter(|search| search.is_found()).count();
            let (played, failed) = control(&searches, self.jobs);
            self.print_end(&searches, found, played, failed);
            Ok(found == searches.len() && failed.is_none())
        }

        fn print(&self, search: &Search) {
            let bug = format!("{:?}", search.bug);
            let (found, oracle, seeds) = (search.is_found(), search.oracle(), search.median_seeds());
            let (steps, seconds) =
                (search.shrunk_steps(), search.shrink_time().map(|time| time.as_secs_f64()));
            if self.json {
                println!(
                    "{}",
                    json!({
                        "bug": bug, "found": found, "oracle": oracle, "median_seeds": seeds,
                        "shrunk_steps": steps, "shrink_s": seconds,
                    })
                );
                return;
            }
            let oracle = oracle.filter(|_| found).unwrap_or("NOT FOUND");
            let steps = steps.map(|steps| steps.to_string()).unwrap_or_default();
            let seconds = seconds.map(|seconds| format!("{seconds:.2} s")).unwrap_or_default();
            println!("{bug:24} {oracle:14} {seeds:6} {steps:>6} {seconds:>9}");
            if self.scenarios {
                for find in search.tries.iter().filter_map(|one| one.found.as_ref()) {
                    println!("{}", find.scenario);
                }
            }
        }

        fn print_end(&self, searches: &[Search], found: usize, played: u64, failed: Option<u64>) {
            let clean = failed.is_none();
            let mut steps: Vec<usize> = searches.iter().filter_map(Search::shrunk_steps).collect();
            let mut times: Vec<Duration> = searches.iter().filter_map(Search::shrink_time).collect();
            steps.sort_unstable();
            times.sort_unstable();
            let steps = steps.get(steps.len() / 2).copied();
            let seconds = times.get(times.len() / 2).map(Duration::as_secs_f64);
            let planted = searches.len();
            if self.json {
                println!(
                    "{}",
                    json!({
                        "planted": planted, "found": found, "clean": clean, "control_seeds": played, "failed": failed,
                        "median_steps": steps, "median_shrink_s": seconds,
                    })
                );
                return;
            }
            let (steps, seconds) = (steps.unwrap_or_default(), seconds.unwrap_or_default());
            println!("{found} of {planted} found; median: shrunk to {steps} steps in {seconds:.2} s");
            match failed {
                None => println!("the same {played} seeds are clean without a bug"),
                Some(seed) => println!("seed {seed} fails without a bug"),
            }
        }
    }
}
