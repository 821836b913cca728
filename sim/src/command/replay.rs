//! `cargo sim replay`: one run with its ladder.

use std::path::PathBuf;

use clap::Args;
use offhook_sim::run;
use serde_json::json;

use super::media::Media;
use super::plant::Plant;
use super::{CommandResult, files};

/// Play one seed or scenario file, and print the scenario, its ladder and the verdict
#[derive(Args)]
pub(super) struct Replay {
    /// A seed, or the path of a `.scn` file
    what: String,
    /// Also write the run as an HTML page to this file
    #[arg(long)]
    html: Option<PathBuf>,
    #[command(flatten)]
    media: Media,
    #[command(flatten)]
    plant: Plant,
    /// Print only the verdict, as one JSON object
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) fn execute(self) -> CommandResult {
        let mut scenario = files::scenario(&self.what, self.media)?;
        self.plant.apply(&mut scenario)?;
        if let Some(path) = &self.html {
            files::write(path, &run::page(&scenario))?;
        }
        let (verdict, ladder) = run::replay(&scenario);
        let ok = verdict.violation.is_none();
        let hash = format!("{:016x}", verdict.hash);
        if !self.json {
            println!("{scenario}\n{ladder}");
        }
        match verdict.violation {
            None if self.json => println!("{}", json!({ "hash": hash, "ok": ok })),
            None => println!("hash {hash}: clean"),
            Some(violation) if self.json => {
                let line =
                    json!({ "hash": hash, "ok": ok, "oracle": violation.oracle, "what": violation.what });
                println!("{line}");
            }
            Some(violation) => println!("{violation}\nhash {hash}: failed"),
        }
        Ok(ok)
    }
}
