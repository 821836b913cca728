//! `cargo sim`: plays seeds and scenarios.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
