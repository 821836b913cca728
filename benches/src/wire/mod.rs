//! `wire`: the cost of parsing, reading and writing SIP, as ratios to a lower bound.
//!
//! The figure is the geometric mean over eight typical messages of instructions divided by the
//! instructions of [`bound`], which does little more than split. Instructions are counted by callgrind, so they
//! do not depend on the load of the machine; without valgrind the unit is time.

pub mod bound;
mod clock;
mod messages;
mod scaling;
mod work;

pub use messages::MESSAGES;
pub use work::{Bench, Work, bound_work, offhook_work};

use crate::{allocations, callgrind};
use serde_json::json;
use std::error::Error;
use std::hint::black_box;

/// Arguments of `wire`.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Do not use valgrind; measure time.
    #[arg(long)]
    cpu: bool,
    /// Run the work once for callgrind and print nothing.
    #[arg(long, hide = true)]
    under_callgrind: bool,
}

/// Measures and prints.
///
/// # Errors
///
/// When valgrind is there and fails.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    if args.under_callgrind {
        all_work().iter_mut().for_each(sample);
        return Ok(());
    }
    let measured = if args.cpu { None } else { instructions()? };
    let (unit, costs) = match measured {
        Some(instructions) => ("instructions", instructions),
        None => ("cpu", clock::measure(&mut all_work())),
    };
    let mut costs = costs.into_iter();
    for bench in Bench::ALL {
        report_bench(bench, unit, &mut costs, args.json);
    }
    for shape in scaling::SHAPES {
        let [small, large] = [(); 2].map(|()| costs.next().expect("a cost for all work"));
        report_scaling(shape.name, unit, large / small, args.json);
    }
    Ok(())
}

/// Runs of one sample; the cost is their mean.
const RUNS: u32 = 16;

/// Runs `work` to warm up, then inside the function that callgrind measures.
fn sample(work: &mut Work) {
    for _ in 0..4 {
        work();
    }
    offhook_measured_work(work);
}

#[inline(never)]
fn offhook_measured_work(work: &mut Work) {
    for _ in 0..RUNS {
        black_box(&mut *work)();
    }
}

/// Instructions of each piece of work, or `None` without valgrind.
fn instructions() -> Result<Option<Vec<f64>>, Box<dyn Error>> {
    let arguments = ["wire", "--under-callgrind"];
    let totals = callgrind::measure(&offhook_measured_work, &arguments, all_work().len())?;
    Ok(totals.map(|totals| totals.into_iter().map(|total| total / f64::from(RUNS)).collect()))
}

/// Everything that is measured, in the order of the report.
fn all_work() -> Vec<Work> {
    let mut all = Vec::new();
    for bench in Bench::ALL {
        for message in MESSAGES {
            all.push(bound_work(bench, message.bytes));
            all.push(offhook_work(bench, message.bytes));
        }
    }
    for shape in scaling::SHAPES {
        all.push(shape.work(1));
        all.push(shape.work(2));
    }
    all
}

fn report_bench(bench: Bench, unit: &str, costs: &mut impl Iterator<Item = f64>, as_json: bool) {
    let mut logarithms = 0.0;
    let mut most_allocations = 0;
    let mut details = Vec::new();
    for message in MESSAGES {
        let [bound, ours] = [(); 2].map(|()| costs.next().expect("a cost for all work"));
        logarithms += (ours / bound).ln();
        let mut work = offhook_work(bench, message.bytes);
        work();
        let allocations = allocations::during(work);
        most_allocations = most_allocations.max(allocations);
        details.push(json!({
            "message": message.name, "bound": bound.round(), "offhook": ours.round(),
            "ratio": rounded(ours / bound), "allocations": allocations,
        }));
    }
    let ratio = rounded((logarithms / MESSAGES.len() as f64).exp());
    if as_json {
        let messages = &details;
        println!(
            "{}",
            json!({ "bench": bench.name(), "ratio": ratio, "allocations": most_allocations,
                "goal": bench.goal(), "unit": unit, "messages": messages })
        );
        return;
    }
    println!(
        "{}: {ratio:.2}x of the lower bound (goal {}x), {most_allocations} allocations",
        bench.name(),
        bench.goal()
    );
    for detail in details {
        println!(
            "  {:18} {:>8} / {:>8} {unit}  {}x",
            detail["message"].as_str().unwrap_or_default(),
            detail["offhook"],
            detail["bound"],
            detail["ratio"]
        );
    }
}

/// Reports the cost of twice the input, which should be about twice.
fn report_scaling(shape: &str, unit: &str, ratio: f64, as_json: bool) {
    let ratio = rounded(ratio);
    if as_json {
        println!(
            "{}",
            json!({ "bench": "scaling", "shape": shape, "ratio": ratio, "goal": 2.2, "unit": unit })
        );
    } else {
        println!("scaling {shape:34} {ratio:.2}x for twice the input (goal 2.2x)");
    }
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}
