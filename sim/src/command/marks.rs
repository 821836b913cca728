//! `cargo sim marks`: the coverage of rare decisions of the core.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use offhook_sim::generate::generate;
use offhook_sim::marks::Tally;
use offhook_sim::run::run;
use serde_json::json;

use super::seeds::{Seeds, Wanted};
use super::{CommandResult, UsageError};

/// Play seeds and count those that reach each mark, a rare decision of the core; fails if a mark is never reached
#[derive(Args)]
pub(super) struct Marks {
    /// Number of seeds from 0, or a range `A..B`
    #[arg(long, default_value = "20000")]
    seeds: Wanted,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Marks {
    /// True if all reachable marks were reached.
    pub(super) fn execute(self) -> CommandResult {
        let Wanted { first, end: Some(end) } = self.seeds else {
            return Err(UsageError("`cargo sim marks` needs a range with an end".to_owned()));
        };
        let seeds = Seeds { first, end };
        let tally = self.tally(seeds);
        for place in tally.counts() {
            let (words, runs) = (&place.words, place.runs);
            if self.json {
                println!(
                    "{}",
                    json!({ "mark": words, "seeds": runs, "first": place.first, "unreachable": place.unreachable_because() })
                );
            } else {
                let first =
                    place.first.map(|seed| format!("   # cargo sim replay {seed}")).unwrap_or_default();
                println!("{runs:7} {words}{first}");
            }
        }
        let never: Vec<&str> = tally.never().map(|place| place.words.as_str()).collect();
        let (all, reached) = (tally.counts().len(), tally.reached());
        if self.json {
            println!(
                "{}",
                json!({ "marks": all, "reached": reached, "seeds": seeds.count(), "never": never })
            );
        } else {
            println!("{reached} of {all} marks reached in {} seeds; {} never", seeds.count(), never.len());
        }
        Ok(never.is_empty())
    }

    fn tally(&self, seeds: Seeds) -> Tally {
        let next = AtomicU64::new(seeds.first);
        let tally = Mutex::new(Tally::default());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let marks = run(&generate(seed)).marks;
                        tally.lock().expect("no thread panics while it holds the tally").count(seed, &marks);
                    }
                });
            }
        });
        tally.into_inner().expect("no thread panicked")
    }
}
