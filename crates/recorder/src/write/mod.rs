//! Writing a recording, line by line.

mod config;
mod input;
mod rest;

use crate::check::Check;
use crate::text::word;
use offhook::{Checkpoint, Config, Input, Instant};
use std::fmt::Write;
use std::time::Duration;

pub(crate) const HEADER: &str = "offhook-recording";
/// Those before it were never published.
pub(crate) const VERSION: u32 = 3;

/// The first lines of every recording.
pub(crate) fn header(out: &mut String) {
    let _ = writeln!(out, "{HEADER} {VERSION}");
    let _ = writeln!(out, "by Offhook/{}", env!("CARGO_PKG_VERSION"));
}

/// A phone and what it is made from, and when: by its clock, and since the recording began. The configuration has been
/// redacted.
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

/// An input, which has been redacted. `None` for one that this version has no words for; `out` is garbage then.
pub(crate) fn input(out: &mut String, name: &str, at: Instant, input: &Input) -> Option<()> {
    input::write(out, name, at, input)
}

pub(crate) fn check(out: &mut String, name: &str, check: &Check) {
    let Check { outputs, output_hash, traced, trace_hash } = check;
    let _ = writeln!(out, "= {} {outputs} {output_hash:016x} {traced} {trace_hash:016x}", word(name));
}

/// How far a phone was when it rested, and what it had become, without its secrets. `None` for one that this version has no
/// words for; `out` is garbage then.
pub(crate) fn rest(out: &mut String, name: &str, check: &Check, at: &Checkpoint) -> Option<()> {
    rest::write(out, name, check, at)
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
