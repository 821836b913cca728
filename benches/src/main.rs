//! The `offhook-benches` command: one subcommand for each thing that is measured.

use clap::{Parser, Subcommand};
use offhook_benches::{allocations, wire};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: &allocations::Counting = allocations::COUNTING;

/// Measures what Offhook costs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Parsing, reading and writing SIP, against a lower bound.
    Wire(wire::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().bench {
        Bench::Wire(args) => wire::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
