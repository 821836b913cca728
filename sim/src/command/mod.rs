//! The command line of the simulator: one module per subcommand.

mod bench;
mod clock;
mod files;
mod hash;
mod marks;
mod media;
mod merge;
mod outcome;
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

use outcome::{CommandResult, UsageError, headline};

/// Simulate phones and exchanges on bad networks, in virtual time
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

/// Executes the command line. Exit status 0: no failure; 1: a failure; 2: invalid usage.
pub(crate) fn main() -> ExitCode {
    offhook_sim::run::report_panics_as_violations();
    let clean = match Arguments::parse().task {
        Task::Run(run) => run.execute(),
        Task::Replay(replay) => replay.execute(),
        Task::Shrink(shrink) => shrink.execute(),
        Task::Planted(planted) => planted.execute(),
        Task::Marks(marks) => marks.execute(),
        Task::Hash(hash) => hash.execute(),
        Task::Bench(bench) => bench.execute(),
        Task::Merge(merge) => merge.execute(),
    };
    match clean {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(UsageError(why)) => {
            eprintln!("sim: {why}");
            ExitCode::from(2)
        }
    }
}
