//! `cargo sim`: plays seeds and scenarios.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use offhook_sim::oracle::Violation;
use offhook_sim::run::{self, Verdict};
use offhook_sim::scenario::Scenario;
use offhook_sim::shrink::{self, Budget, Shrunk};
use serde_json::json;

/// How long a scenario may take to become small.
const PATIENCE: Duration = Duration::from_secs(20);

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
        /// Make the scenario of each seed that fails small
        #[arg(long)]
        shrink: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make the scenario of a failing seed or file small: prints what is left of it, and its ladder
    Shrink {
        /// A number, or the path of a `.scn` file
        what: String,
        /// Also write what is left to this file
        #[arg(long)]
        out: Option<PathBuf>,
        /// Only what is left and what it took, as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Break rules on purpose, one after another, and count the seeds until an oracle objects
    Planted {
        /// Most seeds for each bug
        #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
        seeds: u64,
        /// Threads to play on
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
        jobs: u8,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Play one seed or one scenario file: prints the scenario, its ladder and the verdict
    Replay {
        /// A number, or the path of a `.scn` file
        what: String,
        /// Also draw the run as an HTML page in this file
        #[arg(long)]
        html: Option<PathBuf>,
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
        Task::Run { seeds, jobs, shrink, json } => sweep(seeds, jobs, shrink, json),
        Task::Shrink { what, out, json } => {
            match read(&what).and_then(|scenario| shrink(&scenario, out.as_deref(), json)) {
                Ok(clean) => clean,
                Err(wrong) => return misused(&what, &wrong),
            }
        }
        Task::Planted { seeds, jobs, json } => planted(seeds, jobs, json),
        Task::Replay { what, html, json } => {
            match read(&what).and_then(|scenario| replay(&scenario, html.as_deref(), json)) {
                Ok(clean) => clean,
                Err(wrong) => return misused(&what, &wrong),
            }
        }
    };
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Totals {
    failed: u64,
    simulated: Duration,
    messages: u64,
}

fn sweep(seeds: Seeds, jobs: u8, shrink: bool, json: bool) -> bool {
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
                    let small = (shrink && verdict.violation.is_some()).then(|| shrink_in_time(&scenario).0);
                    let mut totals = totals.lock().expect("no thread panics with the totals in hand");
                    totals.simulated += verdict.simulated;
                    totals.messages += verdict.messages;
                    if verdict.violation.is_some() {
                        totals.failed += 1;
                        report(seed, &scenario, &verdict, small.flatten().as_ref(), json);
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

fn report(seed: u64, scenario: &Scenario, verdict: &Verdict, small: Option<&Shrunk>, json: bool) {
    let Some(violation) = &verdict.violation else { return };
    if json {
        let scenario = small.map_or(scenario, |small| &small.scenario).to_json();
        println!("{}", json!({ "seed": seed, "oracle": violation.oracle, "scenario": scenario }));
        return;
    }
    println!("cargo sim replay {seed}   # {}", headline(violation));
    if let Some(small) = small {
        println!("# {}\n{}", headline(&small.violation), small.scenario);
    }
}

fn headline(violation: &Violation) -> String {
    violation.to_string().lines().next().unwrap_or_default().to_owned()
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

/// Makes a scenario small, and says how many seconds it took.
#[expect(clippy::disallowed_methods, reason = "the library has no clock, somebody waits for the command")]
fn shrink_in_time(scenario: &Scenario) -> (Option<Shrunk>, f64) {
    let start = Instant::now();
    let is_over = || start.elapsed() >= PATIENCE;
    let small = shrink::shrink(scenario, &Budget { is_over: &is_over, ..Budget::default() });
    (small, start.elapsed().as_secs_f64())
}

/// True when there is nothing to make small.
fn shrink(scenario: &Scenario, out: Option<&Path>, json: bool) -> Result<bool, String> {
    let (Some(small), seconds) = shrink_in_time(scenario) else {
        eprintln!("sim: no oracle objects to this scenario");
        return Ok(true);
    };
    let Shrunk { scenario: story, violation, runs, ended } = &small;
    let kept = format!("# {}\n{story}", headline(violation));
    let (before, after) = (scenario.steps.len(), story.steps.len());
    if json {
        let line = json!({
            "seed": story.seed, "oracle": violation.oracle, "what": violation.what, "scenario": story.to_json(),
            "steps_before": before, "steps": after, "runs": runs, "seconds": seconds, "ended": ended.as_str(),
        });
        println!("{line}");
    } else {
        println!("{kept}\n{}\n{violation}", run::replay(story).1);
        println!("{before} steps became {after} in {runs} runs and {seconds:.2} s ({})", ended.as_str());
    }
    out.map_or(Ok(false), |path| write(path, &kept).map(|()| false))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the library touches no files, the command is there to write one"
)]
fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn replay(scenario: &Scenario, html: Option<&Path>, json: bool) -> Result<bool, String> {
    if let Some(path) = html {
        write(path, &run::page(scenario))?;
    }
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
    Ok(ok)
}

/// True when each bug was found.
#[cfg(feature = "planted")]
fn planted(seeds: u64, jobs: u8, json: bool) -> bool {
    use offhook_sim::planted::{Search, search_all};
    let print = |search: &Search| {
        let Search { bug, oracle, median_seeds } = search;
        let bug = format!("{bug:?}");
        if json {
            let found = oracle.is_some();
            println!(
                "{}",
                json!({ "bug": bug, "found": found, "oracle": oracle, "median_seeds": median_seeds })
            );
        } else {
            println!("{bug:24} {:14} {median_seeds:6}", oracle.unwrap_or("NOT FOUND"));
        }
    };
    search_all(seeds, jobs, print).iter().all(|search| search.oracle.is_some())
}

#[cfg(not(feature = "planted"))]
fn planted(_seeds: u64, _jobs: u8, _json: bool) -> bool {
    eprintln!("sim: built without bugs to plant; try `cargo sim-planted`");
    false
}
