//! Writing a recording, line by line.

mod account;
mod agreed;
mod checkpoint;
mod command;
mod config;
mod input;

use crate::check::Check;
use crate::text::word;
use offhook::{Checkpoint, Config, Input, Instant};
use std::fmt::Write;
use std::time::Duration;

pub(crate) const HEADER: &str = "offhook-recording";
/// Earlier versions were never published.
pub(crate) const VERSION: u32 = 5;

/// The first lines of every recording.
pub(crate) fn header(out: &mut String) {
    let _ = writeln!(out, "{HEADER} {VERSION}");
    let _ = writeln!(out, "by Offhook/{}", env!("CARGO_PKG_VERSION"));
}

/// A phone with its redacted configuration, its seed, and the time of its creation, by its clock and since the recording began.
pub(crate) fn phone(
    out: &mut String,
    name: &str,
    config: &Config,
    seed: &[u8; 32],
    times: (Instant, Duration),
) -> Option<()> {
    let _ = writeln!(out, "phone {}", word(name));
    config::write(out, config, seed, times)
}

/// A redacted input. `None` for one that this version cannot write; `out` is invalid then.
pub(crate) fn input(out: &mut String, name: &str, at: Instant, input: &Input) -> Option<()> {
    input::write(out, name, at, input)
}

pub(crate) fn check(out: &mut String, name: &str, check: &Check) {
    let Check { outputs, output_hash, traced, trace_hash } = check;
    let _ = writeln!(out, "= {} {outputs} {output_hash:016x} {traced} {trace_hash:016x}", word(name));
}

/// The progress of an idle phone and its redacted state. `None` for a state that this version cannot write; `out` is invalid
/// then.
pub(crate) fn checkpoint(out: &mut String, name: &str, check: &Check, at: &Checkpoint) -> Option<()> {
    checkpoint::write(out, name, check, at)
}

pub(crate) fn forgot(out: &mut String, name: &str, inputs: u64) {
    let _ = writeln!(out, "forgot {} {inputs}", word(name));
}

pub(crate) fn lost(out: &mut String, name: &str, why: &str) {
    let _ = writeln!(out, "lost {} {}", word(name), word(why));
}

pub(crate) fn end(out: &mut String) {
    out.push_str("end\n");
}
