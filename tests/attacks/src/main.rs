//! Attacks an exchange (`offhook exchange`) over loopback and prints figures. `tests/attacks/run` builds and starts it;
//! `docs/robustness.md` describes the attacks and the defences.

mod args;
mod attacks;
mod capacity;
mod descriptors;
mod exchange;
mod figure;
mod peer;
mod report;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use args::Args;
use attacks::{Attack, Context};
use exchange::Program;
use report::{Figures, Report};

/// The time limit of an attack, including its wait for others.
const LONGEST: Duration = Duration::from_secs(400);

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("attacks: {why}");
            ExitCode::from(2)
        }
    }
}

/// True if all limits are met.
async fn run(args: &Args) -> io::Result<bool> {
    let before = match &args.before_exchange {
        Some(path) => attack(path, &args.attacks()).await?,
        None => Figures::read_if_exists(&args.before_figures)?,
    };
    let after = match (&args.figures, &args.exchange) {
        (Some(path), _) => Figures::read(path)?,
        (None, Some(path)) => attack(path, &args.attacks()).await?,
        (None, None) => Figures::default(),
    };
    let report = Report::new(before, after);
    match (&args.markdown, args.json) {
        (Some(Some(file)), _) => report.rewrite(file)?,
        (Some(None), _) => print!("{}", report.markdown()),
        (None, true) => print!("{}", report.json()),
        (None, false) => print!("{}", report.text()),
    }
    Ok(report.is_met())
}

/// Runs the attacks; those on capacity one by one.
async fn attack(path: &Path, attacks: &[&'static Attack]) -> io::Result<Figures> {
    descriptors::check()?;
    let start = Instant::now();
    let context = Context::new(Program::examine(path).await?);
    eprintln!("attacking {} on loopback", path.display());
    let mut running = JoinSet::new();
    for (index, attack) in attacks.iter().enumerate() {
        let attack: &'static Attack = attack;
        let future = (attack.run)(context.clone());
        running.spawn(async move { (index, attack.name, timeout(LONGEST, future).await) });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = running.join_next().await {
        let (index, name, outcome) = outcome?;
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let shown = outcome.as_ref().map_or_else(ToString::to_string, |_| "done".to_owned());
        eprintln!("{:6.1} s  {name}: {shown}", start.elapsed().as_secs_f64());
        outcomes.push((index, name, outcome));
    }
    outcomes.sort_by_key(|&(index, ..)| index);
    let mut figures = Figures::default();
    for (_, name, outcome) in outcomes {
        figures.add(name, outcome);
    }
    Ok(figures)
}
