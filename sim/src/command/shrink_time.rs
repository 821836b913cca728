//! `--shrink-seconds`: the time limit of shrinking.

use std::time::Duration;

use clap::Args;

#[derive(Args, Copy, Clone)]
pub(super) struct ShrinkTime {
    /// Time limit of shrinking one scenario, in seconds; the smallest one found by then is kept
    ///
    /// A scenario with real media takes up to a minute per run, and up to a thousand runs to shrink.
    #[arg(long = "shrink-seconds", value_name = "N", default_value = "20", value_parser = seconds)]
    pub(super) limit: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
