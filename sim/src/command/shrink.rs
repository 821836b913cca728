//! `cargo sim shrink`: the smallest scenario that still fails.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use offhook_sim::run;
use offhook_sim::scenario::Scenario;
use offhook_sim::shrink::{self, Budget, Shrunk};
use serde_json::json;

use super::media::Media;
use super::plant::Plant;
use super::shrink_time::ShrinkTime;
use super::{CommandResult, clock, files, headline};

/// Shrink the scenario of a failing seed or file, and print the result and its ladder
#[derive(Args)]
pub(super) struct Shrink {
    /// A seed, or the path of a `.scn` file
    what: String,
    /// Also write the shrunk scenario to this file
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    time: ShrinkTime,
    #[command(flatten)]
    media: Media,
    #[command(flatten)]
    plant: Plant,
    /// Print only the result and its cost, as one JSON object
    #[arg(long)]
    json: bool,
}

impl Shrink {
    /// True if the scenario does not fail.
    pub(super) fn execute(self) -> CommandResult {
        let mut scenario = files::scenario(&self.what, self.media)?;
        self.plant.apply(&mut scenario)?;
        let (Some(small), seconds) = in_time(&scenario, self.time.limit) else {
            eprintln!("sim: this scenario does not fail");
            return Ok(true);
        };
        let Shrunk { scenario: story, violation, runs, ended } = &small;
        let kept = format!("# {}\n{story}", headline(violation));
        let (before, after) = (scenario.steps.len(), story.steps.len());
        if self.json {
            let line = json!({
                "seed": story.seed, "oracle": violation.oracle, "what": violation.what, "scenario": story.to_json(),
                "steps_before": before, "steps": after, "runs": runs, "seconds": seconds, "ended": ended.as_str(),
            });
            println!("{line}");
        } else {
            println!("{kept}\n{}\n{violation}", run::replay(story).1);
            println!(
                "shrunk from {before} to {after} steps in {runs} runs and {seconds:.2} s ({})",
                ended.as_str()
            );
        }
        if let Some(path) = &self.out {
            files::write(path, &kept)?;
        }
        Ok(false)
    }
}

/// Shrinks a scenario within a time limit. Also returns the time in seconds. The number of runs has no limit: the time of a run differs by a
/// factor of a thousand between the model of media and real media.
pub(super) fn in_time(scenario: &Scenario, limit: Duration) -> (Option<Shrunk>, f64) {
    let start = clock::now();
    let is_over = || start.elapsed() >= limit;
    let small = shrink::shrink(scenario, &Budget { runs: u32::MAX, is_over: &is_over });
    (small, start.elapsed().as_secs_f64())
}
