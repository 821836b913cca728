//! BASIC: INVITE, 100, 180, 200, ACK, BYE, 200, both ends in one thread, without sockets and without media.

mod floor;
mod pair;

pub use pair::Pair;
pub(crate) use pair::offhook_counted_step;

use crate::callgrind;
use clap::Args as ClapArgs;
use std::error::Error;
use std::time::Duration;

/// What to measure.
#[derive(ClapArgs)]
pub struct Args {
    /// Calls that are made and measured.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Other calls that are up during the measurement, at both ends.
    #[arg(long, default_value_t = 100)]
    live: u32,
    /// The transport: `ws` or `udp`.
    #[arg(long, default_value = "ws")]
    transport: String,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
    /// Make calls for callgrind and print nothing.
    #[arg(long, hide = true)]
    under_callgrind: bool,
}

/// Runs BASIC in rounds, each next to a round of the lower bound, and prints the medians, and the instructions of a call if
/// valgrind is available.
///
/// # Errors
/// When a call does not proceed as expected.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    const ROUNDS: u32 = 5;
    let mut pair = Pair::new(&args.transport)?;
    for _ in 0..args.live {
        pair.call()?;
    }
    if args.under_callgrind {
        pair.calls_and_byes(COUNTED)?;
        return offhook_measured_calls(&mut pair);
    }
    let per_round = (args.calls / ROUNDS).max(1);
    pair.calls_and_byes(per_round / 4 + 1)?;
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(per_call(per_round, |n| pair.calls_and_byes(n))?);
        floors.push(per_call(per_round, floor::calls)?);
    }
    let (us, floor) = (median(ours), median(floors));
    let instructions = instructions(args)?;
    if args.json {
        let line = serde_json::json!({
            "bench": "basic", "us_per_call": round(us), "floor_us": round(floor), "ratio": round(us / floor),
            "instructions": instructions, "live": args.live, "calls": per_round * ROUNDS, "transport": args.transport,
        });
        println!("{line}");
    } else {
        println!(
            "BASIC over {}: {us:.2} µs of CPU a call, both ends, with {} calls live; the floor is {floor:.2} µs ({:.1}×)",
            args.transport,
            args.live,
            us / floor
        );
        if let Some(instructions) = instructions {
            println!("{instructions} instructions a call");
        }
    }
    Ok(())
}

/// Calls whose instructions are counted.
const COUNTED: u32 = 200;

#[inline(never)]
fn offhook_measured_calls(pair: &mut Pair) -> Result<(), Box<dyn Error>> {
    pair.calls_and_byes(COUNTED)
}

/// Instructions of a call, or `None` without valgrind.
fn instructions(args: &Args) -> Result<Option<u64>, Box<dyn Error>> {
    let live = args.live.to_string();
    let arguments = ["basic", "--under-callgrind", "--live", &live, "--transport", &args.transport];
    let totals = callgrind::measure(&offhook_measured_calls, &arguments, 1)?;
    Ok(totals.map(|totals| totals[0] as u64 / u64::from(COUNTED)))
}

pub(crate) fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Microseconds of this process' CPU per call.
fn per_call(n: u32, f: impl FnOnce(u32) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let before = cpu();
    f(n)?;
    Ok((cpu() - before).as_secs_f64() * 1e6 / f64::from(n))
}

pub(crate) fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
