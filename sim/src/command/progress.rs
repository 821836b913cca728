//! A progress bar on standard error, if that is a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use super::summary::Summary;

/// The interval of redrawing.
pub(super) const RHYTHM: Duration = Duration::from_millis(200);

const WIDTH: usize = 12;

pub(super) struct Progress {
    start: Instant,
    drawn: Option<Instant>,
    is_wanted: bool,
}

impl Progress {
    pub(super) fn new(start: Instant, json: bool) -> Self {
        Self { start, drawn: None, is_wanted: !json && stderr().is_terminal() }
    }

    /// Draws the progress, `done` of 1, at most once per interval.
    pub(super) fn draw(&mut self, now: Instant, done: f64, summary: &Summary) {
        if self.is_wanted && self.drawn.is_none_or(|drawn| now - drawn >= RHYTHM) {
            self.drawn = Some(now);
            let line = line((now - self.start).as_secs_f64(), done, summary);
            // Errors of the bar do not matter.
            let _ = write!(stderr(), "\r\x1b[K{line}").and_then(|()| stderr().flush());
        }
    }

    /// Clears the bar.
    pub(super) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K").and_then(|()| stderr().flush());
        }
    }
}

fn line(seconds: f64, done: f64, summary: &Summary) -> String {
    let filled = (done.clamp(0.0, 1.0) * WIDTH as f64) as usize;
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH - filled));
    let Summary { seeds, failed, simulated_hours, .. } = summary;
    let (reached, all) = summary.reached();
    let rate = *seeds as f64 / seconds.max(0.001);
    format!(
        "[{bar}] {seeds} seeds, {rate:.0}/s, {simulated_hours:.0} h simulated, {failed} failed, {reached}/{all} marks"
    )
}

#[cfg(test)]
mod tests {
    use super::super::seeds::Seeds;
    use super::*;

    #[test]
    fn the_bar_fits_into_a_line() {
        let mut summary = Summary::new(Seeds { first: 0, end: 1_000_000 }, None, None);
        (summary.seeds, summary.simulated_hours) = (500_000, 70_000.4);
        let middle = line(1_000.0, 0.5, &summary);
        let known = "[######......] 500000 seeds, 500/s, 70000 h simulated, 0 failed, 0/";
        assert!(middle.starts_with(known) && middle.ends_with(" marks"), "{middle}");
        assert!(middle.len() < 80, "a wrapped bar cannot be cleared: {middle}");
        assert!(line(0.0, 7.0, &summary).starts_with("[############]"));
    }
}
