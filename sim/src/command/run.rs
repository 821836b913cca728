//! `cargo sim run`: a sweep over seeds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use offhook_sim::run::{self, Verdict};
use offhook_sim::scenario::Scenario;
use offhook_sim::shrink::Shrunk;
use serde_json::json;

use super::{Clean, headline, shrink};

/// Play the scenarios of many seeds; one replay line for each that fails
#[derive(Args)]
pub(super) struct Run {
    /// How many seeds from 0, or a range `A..B`
    #[arg(long, default_value = "100", value_parser = parse_seeds)]
    seeds: Seeds,
    /// Threads to play on
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Make the scenario of each seed that fails small
    #[arg(long)]
    shrink: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Copy, Clone)]
struct Seeds {
    first: u64,
    end: u64,
}

fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    match text.split_once("..") {
        Some((first, end)) => Ok(Seeds { first: number(first)?, end: number(end)? }),
        None => Ok(Seeds { first: 0, end: number(text)? }),
    }
}

#[derive(Default)]
struct Totals {
    failed: u64,
    simulated: Duration,
    messages: u64,
}

impl Run {
    pub(super) fn go(self) -> Clean {
        let seeds = self.seeds;
        let next = AtomicU64::new(seeds.first);
        let totals = Mutex::new(Totals::default());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let (scenario, verdict) = run::run_seed(seed);
                        let failed = verdict.violation.is_some();
                        let small = (self.shrink && failed).then(|| shrink::in_time(&scenario).0);
                        let mut totals = totals.lock().expect("no thread panics with the totals in hand");
                        totals.simulated += verdict.simulated;
                        totals.messages += verdict.messages;
                        if failed {
                            totals.failed += 1;
                            self.report(seed, &scenario, &verdict, small.flatten().as_ref());
                        }
                    }
                });
            }
        });
        let totals = totals.into_inner().expect("no thread panicked");
        let played = seeds.end.saturating_sub(seeds.first);
        let hours = totals.simulated.as_secs_f64() / 3600.0;
        let ok = totals.failed == 0;
        if self.json {
            let range = format!("{}..{}", seeds.first, seeds.end);
            println!("{}", json!({ "run": range, "ok": ok, "seeds": played, "simulated_hours": hours }));
        } else {
            let Totals { failed, messages, .. } = totals;
            println!("{played} seeds, {failed} failed, {hours:.1} simulated hours, {messages} messages");
        }
        Ok(ok)
    }

    fn report(&self, seed: u64, scenario: &Scenario, verdict: &Verdict, small: Option<&Shrunk>) {
        let Some(violation) = &verdict.violation else { return };
        if self.json {
            let scenario = small.map_or(scenario, |small| &small.scenario).to_json();
            println!("{}", json!({ "seed": seed, "oracle": violation.oracle, "scenario": scenario }));
            return;
        }
        println!("cargo sim replay {seed}   # {}", headline(violation));
        if let Some(small) = small {
            println!("# {}\n{}", headline(&small.violation), small.scenario);
        }
    }
}
