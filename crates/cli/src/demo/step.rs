//! A step of the demonstration: its result, and its line of output.

use crate::output::Output;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Instant;

/// The result of a step: a sentence, and fields for JSON.
pub(super) struct Proof {
    pub(super) text: String,
    pub(super) fields: Value,
}

/// Why a step failed.
pub(super) struct Failure(pub(super) String);

/// Runs a step and prints its result. The returned value is for later steps.
pub(super) async fn show<T>(
    output: Output,
    name: &'static str,
    action: impl Future<Output = Result<(T, Proof), Failure>>,
) -> Result<T, (&'static str, Failure)> {
    let begun = Instant::now();
    let (given, proof) = action.await.map_err(|why| (name, why))?;
    let mut fields = proof.fields;
    fields["ms"] = json!(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    step(output, name, true, fields, &proof.text);
    Ok(given)
}

pub(super) fn step(output: Output, name: &str, ok: bool, mut fields: Value, text: &str) {
    fields["ok"] = json!(ok);
    let tick = if ok { '✓' } else { '✗' };
    let shown = name.replace('_', " ");
    output.line("step", name, &fields, format_args!("{tick} {shown:<14} {text}"));
}

pub(super) fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

impl Proof {
    pub(super) fn new(text: impl Into<String>, fields: Value) -> Self {
        Self { text: text.into(), fields }
    }
}
