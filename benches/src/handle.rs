//! The most expensive step of a phone: the maximum of the instructions of one `handle`, or of one `poll` with the `handle` of the
//! effect result that the media engine returns, with many established calls.

use crate::basic::{Pair, offhook_counted_step};
use crate::callgrind;
use clap::Args as ClapArgs;
use std::error::Error;

/// What to measure.
#[derive(ClapArgs)]
pub struct Args {
    /// Calls that are established meanwhile, at both ends.
    #[arg(long, default_value_t = 20_000)]
    live: u32,
    /// The transport: `ws` or `udp`.
    #[arg(long, default_value = "ws")]
    transport: String,
    /// Fail if a step takes more instructions.
    #[arg(long, default_value_t = 100_000)]
    limit: u64,
    /// Make some calls for callgrind and print nothing.
    #[arg(long, hide = true)]
    under_callgrind: bool,
}

/// Calls that are made and ended while steps are counted.
const CALLS: u32 = 200;

/// Prints the maximum and the mean of the instructions of a step.
///
/// # Errors
/// If a call fails, there is no valgrind, or a step is over the limit.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if args.under_callgrind {
        let mut pair = Pair::new(&args.transport)?;
        for _ in 0..args.live {
            pair.call()?;
        }
        pair.count_steps();
        return pair.calls_and_byes(CALLS);
    }
    let live = args.live.to_string();
    let arguments = ["handle", "--under-callgrind", "--live", &live, "--transport", &args.transport];
    let totals = callgrind::measure_all(&offhook_counted_step, &arguments)?.ok_or("needs valgrind")?;
    let (count, sum) = (totals.len(), totals.iter().sum::<f64>());
    let most = totals.into_iter().fold(0.0, f64::max) as u64;
    let mean = sum as u64 / count.max(1) as u64;
    println!(
        "handle over {}: at most {most} instructions a step (limit {}), {mean} in the mean of {count} steps, with {live} calls established",
        args.transport, args.limit
    );
    if most > args.limit { Err("a step takes more instructions than the limit".into()) } else { Ok(()) }
}
