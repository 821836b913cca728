//! What it costs a phone to be recorded: BASIC with a recorder on board of both ends, next to BASIC without.

use crate::basic::{Pair, cpu, median, round};
use clap::Args as ClapArgs;
use offhook_recorder::{Notice, Ring, Scribe, Sink, Taken, TrackId};
use std::error::Error;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// What to measure.
#[derive(ClapArgs)]
pub struct Args {
    /// Calls that are made and measured.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// One JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Lays notices for the thread that writes. It waits when there are too many, which costs time but no CPU.
pub struct Desk(SyncSender<(TrackId, Vec<Notice>)>);

impl Sink for Desk {
    fn take(&mut self, track: TrackId, notices: &mut Vec<Notice>) -> Taken {
        if self.0.send((track, std::mem::take(notices))).is_ok() { Taken::Yes } else { Taken::Over }
    }
}

/// Runs BASIC with and without a recorder, in turns, and prints the medians of the phones' thread, and what the thread that
/// redacts and writes needs beside it.
///
/// # Errors
/// When a call of the bench is not what it should be.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    const ROUNDS: u32 = 5;
    let per_round = (args.calls / ROUNDS).max(1);
    let (desk, notices) = sync_channel(4096);
    let writer = std::thread::spawn(move || write(&notices));
    let mut plain = Pair::new("ws")?;
    let mut recorded = Pair::recorded("ws", || Desk(desk.clone()))?;
    drop(desk);
    let (mut without, mut with, mut writing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(per_call(per_round, &mut plain)?.0);
        let (phones, all) = per_call(per_round, &mut recorded)?;
        with.push(phones);
        writing.push(all - phones);
    }
    drop(recorded);
    let bytes = writer.join().map_err(|_| "the writer panicked")?;
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

/// Writes as the recorder of `offhook-tokio` does, into memory. How many bytes in all.
fn write(notices: &Receiver<(TrackId, Vec<Notice>)>) -> u64 {
    let (mut scribe, mut ring, mut bytes) = (Scribe::default(), Ring::new(1 << 20), 0);
    let mut text = String::new();
    for (track, notices) in notices {
        for notice in notices {
            text.clear();
            scribe.note(track, &notice, &mut text);
            bytes += text.len() as u64;
            match notice {
                Notice::Made { name, .. } => ring.made(track, &name, &text),
                notice => ring.push(track, &text, matches!(notice, Notice::Given { .. })),
            }
        }
    }
    bytes
}

/// Microseconds of CPU per call: of this thread, and of the process.
fn per_call(n: u32, pair: &mut Pair) -> Result<(f64, f64), Box<dyn Error>> {
    let before = (thread_cpu(), cpu());
    pair.calls_and_byes(n)?;
    let us = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(n);
    Ok((us(thread_cpu() - before.0), us(cpu() - before.1)))
}

fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
