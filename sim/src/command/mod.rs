//! What can be asked of the simulator on a command line: one room for each thing.

mod files;
mod marks;
mod planted;
mod replay;
mod run;
mod shrink;

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
}

/// What was asked for cannot be done, and why.
#[derive(Debug)]
struct Misused(String);

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
