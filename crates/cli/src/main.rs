//! The `offhook` command: a phone, an exchange and a demonstration of both.
#![forbid(unsafe_code)]

mod account;
mod args;
mod calls;
mod commands;
mod demo;
mod exchange;
mod exit;
mod hangup;
mod output;
mod record;
mod replay;
mod stop;
mod terminal;

use args::{Args, Job};
use clap::Parser;
use exit::Exit;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return output.failed(Exit::Failed, &format!("cannot start the runtime: {why}")).into(),
    };
    let exit = runtime.block_on(async {
        match args.job {
            Job::Demo(args) => demo::run(args, output).await,
            Job::Exchange(args) => exchange::run(args, output).await,
            Job::Register(args) => calls::register(args, output).await,
            Job::Call(args) => calls::call(args, output).await,
            Job::Answer(args) => calls::answer(args, output).await,
            Job::Message(args) => calls::message(args, output).await,
            Job::Options(args) => calls::options(args, output).await,
            Job::Replay(args) => replay::run(&args, output),
        }
    });
    exit.into()
}
