//! The cost of recording a phone: BASIC with both ends recorded, next to BASIC without.

use crate::basic::{Pair, cpu, median, round};
use clap::Args as ClapArgs;
use offhook_tokio::{Recorder, RecorderOptions};
use std::error::Error;
use std::time::Duration;

/// Calls between two waits for the recorder.
const AT_ONCE: u32 = 100;
/// The approximate time of a wait. Runs without a recorder pause for as long, so that caches are cold for both.
const PAUSE: Duration = Duration::from_millis(5);

/// What to measure.
#[derive(ClapArgs)]
pub struct Args {
    /// Calls that are made and measured.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Runs BASIC alternately with and without a recorder, and prints the medians of the thread of the phones and of the writing thread.
///
/// # Errors
/// When a call does not proceed as expected.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    const ROUNDS: u32 = 5;
    let per_round = (args.calls / ROUNDS).next_multiple_of(AT_ONCE);
    let file = std::env::temp_dir().join(format!("offhook-bench-{}.offhook", std::process::id()));
    let recorder = Recorder::start(RecorderOptions::default().with_file(file.clone()))?;
    let mut plain = Pair::new("ws")?;
    let mut recorded = Pair::recorded("ws", &recorder)?;
    let (mut without, mut with, mut writing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(per_call(per_round, &mut plain, || std::thread::park_timeout(PAUSE))?.0);
        let (phones, all) = per_call(per_round, &mut recorded, || recorder.flush())?;
        with.push(phones);
        writing.push(all - phones);
    }
    drop(recorded);
    if recorder.dump().is_none_or(|dump| dump.contains("\nlost ")) {
        return Err("the recorder was left behind".into());
    }
    recorder.finish()?;
    let bytes = std::fs::metadata(&file)?.len();
    std::fs::remove_file(file)?;
    let (without, with, writing) = (median(without), median(with), median(writing));
    let bytes = bytes / u64::from(per_round * ROUNDS);
    if args.json {
        let line = serde_json::json!({
            "bench": "recorder", "us_per_call": round(without), "recorded_us": round(with), "ratio": round(with / without),
            "writer_us": round(writing), "bytes_per_call": bytes, "calls": per_round * ROUNDS,
        });
        println!("{line}");
    } else {
        println!(
            "a recorded call costs its phones {with:.2} µs of CPU, {:.2}× the {without:.2} µs of one that is not; the \
             thread that redacts and writes it needs {writing:.2} µs for {bytes} bytes",
            with / without
        );
    }
    Ok(())
}

/// Microseconds of CPU per call: of this thread, and of the process.
///
/// Calls are made faster than they can be written; waiting for the writer costs time but no CPU.
fn per_call(n: u32, pair: &mut Pair, wait: impl Fn()) -> Result<(f64, f64), Box<dyn Error>> {
    let before = (thread_cpu(), cpu());
    for _ in 0..n / AT_ONCE {
        pair.calls_and_byes(AT_ONCE)?;
        wait();
    }
    let us = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(n);
    Ok((us(thread_cpu() - before.0), us(cpu() - before.1)))
}

fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
