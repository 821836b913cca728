//! What can be asked of the simulator on a command line: one room for each thing.

mod bench;
mod clock;
mod files;
mod hash;
mod marks;
mod media;
mod merge;
mod plant;
mod planted;
mod progress;
mod replay;
mod run;
mod seeds;
mod shrink;
mod shrink_time;
mod summary;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use offhook_sim::oracle::Violation;

/// Plays phones and exchanges on bad networks, in virtual time.
#[derive(Parser)]
#[command(name = "sim", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Run(run::Run),
    Replay(replay::Replay),
    Shrink(shrink::Shrink),
    Planted(planted::Planted),
    Marks(marks::Marks),
    Hash(hash::Hash),
    Bench(bench::Bench),
    Merge(merge::Merge),
}

/// What was asked for cannot be done, and why.
#[derive(Debug)]
struct Misused(String);

impl Misused {
    #[cfg(not(feature = "planted"))]
    fn without_bugs() -> Self {
        Self("built without bugs to plant: `cargo sim` builds with them".to_owned())
    }
}

/// True when nothing failed.
type Clean = Result<bool, Misused>;

/// Does what the command line says. 0: all is well; 1: something failed; 2: it cannot be done.
pub(crate) fn main() -> ExitCode {
    offhook_sim::run::report_panics_by_verdict();
    let clean = match Arguments::parse().task {
        Task::Run(run) => run.go(),
        Task::Replay(replay) => replay.go(),
        Task::Shrink(shrink) => shrink.go(),
        Task::Planted(planted) => planted.go(),
        Task::Marks(marks) => marks.go(),
        Task::Hash(hash) => hash.go(),
        Task::Bench(bench) => bench.go(),
        Task::Merge(merge) => merge.go(),
    };
    match clean {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Misused(why)) => {
            eprintln!("sim: {why}");
            ExitCode::from(2)
        }
    }
}

/// What is wrong, in one line.
fn headline(violation: &Violation) -> String {
    violation.to_string().lines().next().unwrap_or_default().to_owned()
}
