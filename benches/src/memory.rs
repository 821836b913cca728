//! Memory of a live call at one end, and of an idle registered phone.

use crate::allocations;
use crate::basic::Pair;
use crate::register::registered_phone;
use std::error::Error;

/// What to measure.
#[derive(clap::Args)]
pub struct Args {
    /// Live calls.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Idle phones.
    #[arg(long, default_value_t = 1_000)]
    phones: u32,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Counts allocated bytes, including spare capacity.
///
/// # Errors
/// When a call is not established or a phone not registered.
pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let mut pair = Pair::new("ws")?;
    let (calls, made) = allocations::held(|| (0..args.calls).try_for_each(|_| pair.call().map(drop)));
    made?;
    let (phones, made) = allocations::held(|| {
        (0..args.phones).map(|_| registered_phone(false)).collect::<Result<Vec<_>, _>>()
    });
    made?;
    let per_call = calls / i64::from(args.calls) / 2;
    let per_phone = phones / i64::from(args.phones);
    if args.json {
        let line = serde_json::json!({
            "bench": "memory", "bytes_per_live_call": per_call, "bytes_per_idle_phone": per_phone,
        });
        println!("{line}");
    } else {
        println!(
            "{per_call} bytes a live call and end ({} calls), {per_phone} bytes an idle registered phone",
            args.calls
        );
    }
    Ok(())
}
