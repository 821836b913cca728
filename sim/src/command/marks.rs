//! `cargo sim marks`: whether the worlds come to where the rare decisions are made.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use offhook_sim::generate::generate;
use offhook_sim::marks::Tally;
use offhook_sim::run::run;
use serde_json::json;

use super::seeds::{Seeds, Wanted};
use super::{CommandResult, UsageError};

/// Play seeds and count those that reach each rare place of the core; fails when one was never reached
#[derive(Args)]
pub(super) struct Marks {
    /// How many seeds from 0, or a range `A..B`
    #[arg(long, default_value = "20000")]
    seeds: Wanted,
    /// Threads to play on
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Marks {
    /// Clean when each place was reached that a world can come to.
    pub(super) fn execute(self) -> CommandResult {
        let Wanted { first, end: Some(end) } = self.seeds else {
            return Err(UsageError("seeds without an end are for `run --minutes`".to_owned()));
        };
        let seeds = Seeds { first, end };
        let tally = self.tally(seeds);
        for place in tally.counts() {
            let (words, runs) = (&place.words, place.runs);
            if self.json {
                println!(
                    "{}",
                    json!({ "mark": words, "seeds": runs, "first": place.first, "beyond": place.unreachable_because() })
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
                        tally.lock().expect("no thread panics with the tally in hand").count(seed, &marks);
                    }
                });
            }
        });
        tally.into_inner().expect("no thread panicked")
    }
}
