//! `cargo sim`: plays seeds and scenarios.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Parser, Subcommand};
use offhook_sim::run::{self, Verdict};
use offhook_sim::scenario::Scenario;
use serde_json::json;

/// Plays phones and exchanges on bad networks, in virtual time.
#[derive(Parser)]
#[command(name = "sim", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Play the scenarios of many seeds; one replay line for each that fails
    Run {
        /// How many seeds from 0, or a range `A..B`
        #[arg(long, default_value = "100", value_parser = parse_seeds)]
        seeds: Seeds,
        /// Threads to play on
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
        jobs: u8,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a failing scenario small, and print it
    Shrink {
        /// A number, or the path of a `.scn` file
        what: String,
    },
    /// Play one seed or one scenario file: prints the scenario, its ladder and the verdict
    Replay {
        /// A number, or the path of a `.scn` file
        what: String,
        /// Only the verdict, as one JSON object
        #[arg(long)]
        json: bool,
    },
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

fn main() -> ExitCode {
    run::report_panics_by_verdict();
    let clean = match Arguments::parse().task {
        Task::Run { seeds, jobs, json } => sweep(seeds, jobs, json),
        Task::Shrink { what } => match read(&what) {
            Ok(scenario) => shrink(&scenario),
            Err(wrong) => return misused(&what, &wrong),
        },
        Task::Replay { what, json } => match read(&what) {
            Ok(scenario) => replay(&scenario, json),
            Err(wrong) => return misused(&what, &wrong),
        },
    };
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Totals {
    failed: u64,
    simulated: Duration,
    messages: u64,
}

fn sweep(seeds: Seeds, jobs: u8, json: bool) -> bool {
    let next = AtomicU64::new(seeds.first);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let (scenario, verdict) = run::run_seed(seed);
                    let mut totals = totals.lock().expect("no thread panics with the totals in hand");
                    totals.simulated += verdict.simulated;
                    totals.messages += verdict.messages;
                    if verdict.violation.is_some() {
                        totals.failed += 1;
                        report(seed, &scenario, &verdict, json);
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().expect("no thread panicked");
    let played = seeds.end.saturating_sub(seeds.first);
    let hours = totals.simulated.as_secs_f64() / 3600.0;
    let ok = totals.failed == 0;
    if json {
        let range = format!("{}..{}", seeds.first, seeds.end);
        println!("{}", json!({ "run": range, "ok": ok, "seeds": played, "simulated_hours": hours }));
    } else {
        let Totals { failed, messages, .. } = totals;
        println!("{played} seeds, {failed} failed, {hours:.1} simulated hours, {messages} messages");
    }
    ok
}

fn report(seed: u64, scenario: &Scenario, verdict: &Verdict, json: bool) {
    let Some(violation) = &verdict.violation else { return };
    if json {
        let line = json!({ "seed": seed, "oracle": violation.oracle, "scenario": scenario.to_json() });
        println!("{line}");
    } else {
        let what = violation.to_string();
        println!("cargo sim replay {seed}   # {}", what.lines().next().unwrap_or_default());
    }
}

fn read(what: &str) -> Result<Scenario, String> {
    if let Ok(seed) = what.parse() {
        return Ok(offhook_sim::generate::generate(seed));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the library touches no files, the command is there to read one"
    )]
    let text = std::fs::read_to_string(what).map_err(|error| error.to_string())?;
    text.parse().map_err(|error| format!("{error}"))
}

fn misused(what: &str, wrong: &str) -> ExitCode {
    eprintln!("sim: {what}: {wrong}");
    ExitCode::from(2)
}

/// True when there is nothing to make small.
fn shrink(scenario: &Scenario) -> bool {
    let small = offhook_sim::shrink::shrink(scenario);
    let verdict = run::run(&small);
    match &verdict.violation {
        Some(violation) => {
            println!("# {}\n{small}", violation.to_string().lines().next().unwrap_or_default())
        }
        None => eprintln!("sim: no oracle objects to this scenario"),
    }
    verdict.violation.is_none()
}

fn replay(scenario: &Scenario, json: bool) -> bool {
    let (verdict, ladder) = run::replay(scenario);
    let ok = verdict.violation.is_none();
    let hash = format!("{:016x}", verdict.hash);
    if !json {
        println!("{scenario}\n{ladder}");
    }
    match verdict.violation {
        None if json => println!("{}", json!({ "hash": hash, "ok": ok })),
        None => println!("hash {hash}: clean"),
        Some(violation) if json => {
            println!(
                "{}",
                json!({ "hash": hash, "ok": ok, "oracle": violation.oracle, "what": violation.what })
            );
        }
        Some(violation) => println!("{violation}\nhash {hash}: failed"),
    }
    ok
}
