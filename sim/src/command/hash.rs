//! `cargo sim hash`: detects changes of the sent messages.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use offhook_sim::generate::generate;
use offhook_sim::hash::Digest;
use offhook_sim::run::run;
use serde_json::json;

use super::seeds::{Seeds, Wanted};
use super::{CommandResult, UsageError};

/// Print the hash of the messages of each seed, and a hash over all seeds
///
/// The hash covers the time, connection and bytes of each message. A change of the code without a change of behaviour keeps all hashes.
#[derive(Args)]
pub(super) struct Hash {
    /// Number of seeds from 0, or a range `A..B`
    #[arg(long, default_value = "1000")]
    seeds: Wanted,
    /// Number of threads
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Hash {
    /// True without a violation.
    pub(super) fn execute(self) -> CommandResult {
        let Wanted { first, end: Some(end) } = self.seeds else {
            return Err(UsageError("`cargo sim hash` needs a range with an end".to_owned()));
        };
        let seeds = Seeds { first, end };
        let hashes = self.hashes(seeds);
        let mut all = Digest::new(0);
        for (seed, (hash, _)) in (first..).zip(&hashes) {
            all = all.word(*hash);
            if self.json {
                println!("{}", json!({ "seed": seed, "hash": format!("{hash:016x}") }));
            } else {
                println!("{seed} {hash:016x}");
            }
        }
        let (all, failed) = (all.finish(), hashes.iter().filter(|(_, failed)| *failed).count());
        if self.json {
            println!(
                "{}",
                json!({ "run": seeds.to_string(), "hash": format!("{all:016x}"), "failed": failed })
            );
        } else {
            println!("{seeds} {all:016x}, {failed} failed");
        }
        Ok(failed == 0)
    }

    /// The hash of each seed, and whether it failed.
    fn hashes(&self, seeds: Seeds) -> Vec<(u64, bool)> {
        let next = AtomicU64::new(seeds.first);
        let played = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let verdict = run(&generate(seed));
                        let one = (seed, (verdict.hash, verdict.violation.is_some()));
                        played.lock().expect("no thread panics while it holds the list").push(one);
                    }
                });
            }
        });
        let mut played = played.into_inner().expect("no thread panicked");
        played.sort_unstable();
        played.into_iter().map(|(_, played)| played).collect()
    }
}
