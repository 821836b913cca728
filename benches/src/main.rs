//! The `offhook-benches` command: one subcommand for each benchmark.

use clap::{Parser, Subcommand};
use offhook_benches::{allocations, basic, handle, memory, recorder, wire};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: &allocations::Counting = allocations::COUNTING;

/// Measures the costs of Offhook.
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
    /// A whole call between two phones, against the cost of moving its bytes.
    Basic(basic::Args),
    /// The most expensive step of a phone, with many calls.
    Handle(handle::Args),
    /// Bytes of a live call, and of an idle phone.
    Memory(memory::Args),
    /// The cost of recording a phone.
    Recorder(recorder::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().bench {
        Bench::Wire(args) => wire::run(&args),
        Bench::Basic(args) => basic::run(&args),
        Bench::Handle(args) => handle::run(&args),
        Bench::Memory(args) => memory::run(&args),
        Bench::Recorder(args) => recorder::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("offhook-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
