//! What can be asked of the simulator on a command line: one room for each thing.

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

/// Does what the command line says. 0: all is well; 1: something failed; 2: it cannot be done.
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
