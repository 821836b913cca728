//! `cargo sim run`: a sweep over seeds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use clap::Args;
use offhook_sim::oracle::Violation;
use offhook_sim::run::{self, Verdict};
use offhook_sim::scenario::Scenario;
use serde_json::json;

use super::media::Media;
use super::plant::Plant;
use super::progress::{Progress, RHYTHM};
use super::seeds::{Seeds, Shard, Wanted};
use super::shrink_time::ShrinkTime;
use super::summary::{Summary, commit};
use super::{CommandResult, UsageError, clock, files, headline, shrink};

/// The number of failures per oracle that are shrunk by default: one bug causes many failures.
const FIRST_FEW: u32 = 3;

/// Play the scenarios of many seeds, and print a command to replay each failure
///
/// A failing scenario is shrunk and written to a file. With --json, files are only written with --out, and scenarios only shrunk with
/// --shrink.
#[derive(Args)]
pub(super) struct Run {
    /// Number of seeds from 0, or a range `A..B`; with --minutes also `A..`; default: 100, or `0..` with --minutes
    #[arg(long)]
    seeds: Option<Wanted>,
    /// Play for this number of minutes
    #[arg(long, value_parser = minutes, conflicts_with = "shard")]
    minutes: Option<Duration>,
    /// Number of threads; default: number of processors
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Play one shard of the range: `0/4` to `3/4`
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// The commit for the summary; default: from git
    #[arg(long)]
    commit: Option<String>,
    /// Shrink all failing scenarios, not only the first three of each oracle
    #[arg(long)]
    shrink: bool,
    #[command(flatten)]
    time: ShrinkTime,
    /// The folder for failing scenarios [default: sim/failures]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    media: Media,
    #[command(flatten)]
    plant: Plant,
    /// Print one JSON object per line: each failed seed, then the summary
    #[arg(long)]
    json: bool,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let time = Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("the time must be positive".to_owned()) } else { Ok(time) }
}

/// The seeds to play, and the time limit.
struct Plan {
    whole: Seeds,
    part: Seeds,
    start: Instant,
    until: Option<Instant>,
}

/// The result of one seed.
struct Played {
    seed: u64,
    verdict: Verdict,
    failure: Option<Failure>,
}

struct Failure {
    scenario: Scenario,
    violation: Violation,
    /// The number of steps before shrinking.
    steps: Option<usize>,
}

impl Run {
    /// True without a failure.
    pub(super) fn execute(self) -> CommandResult {
        self.plant.apply(&mut Scenario::new(0))?;
        let plan = self.plan()?;
        let mut summary = Summary::new(plan.whole, self.shard, commit(self.commit.clone()));
        let mut progress = Progress::new(plan.start, self.json);
        let (next, shrunk) = (AtomicU64::new(plan.part.first), Mutex::new(BTreeMap::new()));
        std::thread::scope(|scope| {
            let (sender, played) = channel();
            for _ in 0..self.jobs() {
                let sender = sender.clone();
                let (run, plan, next, shrunk) = (&self, &plan, &next, &shrunk);
                scope.spawn(move || run.work(plan, next, shrunk, &sender));
            }
            drop(sender);
            loop {
                match played.recv_timeout(RHYTHM) {
                    Ok(played) => {
                        summary.seeds += 1;
                        summary.messages += played.verdict.messages;
                        summary.marks.add(&played.verdict.marks);
                        summary.simulated_hours += played.verdict.simulated.as_secs_f64() / 3600.0;
                        if let Some(failure) = &played.failure {
                            summary.failed += 1;
                            progress.clear();
                            self.report(played.seed, failure, summary.commit.as_deref())?;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
                let now = clock::now();
                progress.draw(now, plan.done(now, summary.seeds), &summary);
            }
        })?;
        progress.clear();
        if plan.until.is_some() {
            // Seeds are taken in order, and each started run is finished.
            summary.run.end = summary.run.first + summary.seeds;
        }
        if self.json {
            println!("{}", summary.to_json());
        } else {
            println!("{summary}");
        }
        Ok(summary.ok())
    }

    fn jobs(&self) -> u16 {
        let all =
            || std::thread::available_parallelism().map_or(1, |count| count.get().try_into().unwrap_or(1));
        self.jobs.unwrap_or_else(all)
    }

    fn plan(&self) -> Result<Plan, UsageError> {
        let start = clock::now();
        let wanted = match (self.seeds, self.minutes) {
            (Some(wanted), _) => wanted,
            (None, None) => Wanted { first: 0, end: Some(100) },
            (None, Some(_)) => Wanted { first: 0, end: None },
        };
        let end = match (wanted.end, self.minutes) {
            (Some(end), _) => end,
            (None, Some(_)) => u64::MAX,
            (None, None) => {
                return Err(UsageError(format!(
                    "`--seeds {}..` has no end: give one, or --minutes",
                    wanted.first
                )));
            }
        };
        let whole = Seeds { first: wanted.first, end };
        let until = match self.minutes {
            Some(time) => {
                Some(start.checked_add(time).ok_or_else(|| UsageError("too many minutes".to_owned()))?)
            }
            None => None,
        };
        Ok(Plan { whole, part: self.shard.map_or(whole, |shard| whole.part(shard)), start, until })
    }

    fn work(
        &self,
        plan: &Plan,
        next: &AtomicU64,
        shrunk: &Mutex<BTreeMap<&'static str, u32>>,
        sender: &Sender<Played>,
    ) {
        let more = |seed: u64| (seed < plan.part.end).then(|| seed + 1);
        while plan.until.is_none_or(|until| clock::now() < until)
            && let Ok(seed) = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
        {
            let mut scenario = self.media.generate(seed);
            self.plant.apply(&mut scenario).expect("the bug was checked before");
            let verdict = run::run_checking_determinism(&scenario);
            let failure = verdict.violation.clone().map(|violation| {
                let few = || {
                    let mut shrunk = shrunk.lock().expect("no thread panics while it holds the counts");
                    let count = shrunk.entry(violation.oracle).or_insert(0);
                    *count += 1;
                    !self.json && *count <= FIRST_FEW
                };
                let small =
                    (self.shrink || few()).then(|| shrink::in_time(&scenario, self.time.limit).0).flatten();
                match small {
                    Some(small) => {
                        let steps = Some(scenario.steps.len());
                        Failure { scenario: small.scenario, violation: small.violation, steps }
                    }
                    None => Failure { scenario, violation, steps: None },
                }
            });
            // The receiver is dropped if a report could not be written.
            if sender.send(Played { seed, verdict, failure }).is_err() {
                return;
            }
        }
    }

    fn report(&self, seed: u64, failure: &Failure, commit: Option<&str>) -> Result<(), UsageError> {
        let Failure { scenario, violation, steps } = failure;
        if self.json {
            println!(
                "{}",
                json!({ "seed": seed, "oracle": violation.oracle, "scenario": scenario.to_json() })
            );
        }
        let plant = self.plant.argument();
        let again = format!("cargo sim replay {seed}{}{plant}", self.media.argument());
        if !self.json {
            println!("{again}   # {}", headline(violation));
        }
        let place = match (&self.out, steps) {
            (Some(out), _) => out.clone(),
            (None, Some(_)) if !self.json => PathBuf::from("sim/failures"),
            _ => return Ok(()),
        };
        let at = commit.map_or(String::new(), |commit| format!(" at {commit}"));
        let text = format!("# {}\n# {again}{at}\n{scenario}", headline(violation));
        let path = files::keep(&place, violation.oracle, &text)?;
        if !self.json {
            let of = steps.map_or(String::new(), |steps| format!(" of {steps}"));
            println!("cargo sim replay {}{plant}   # {}{of} steps", path.display(), scenario.steps.len());
        }
        Ok(())
    }
}

impl Plan {
    /// The progress, from 0 to 1.
    fn done(&self, now: Instant, seeds: u64) -> f64 {
        match self.until {
            Some(until) => (now - self.start).as_secs_f64() / (until - self.start).as_secs_f64(),
            None => seeds as f64 / self.part.count() as f64,
        }
    }
}
