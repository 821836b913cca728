//! `cargo sim planted`: whether the oracles see.

use clap::Args;

use super::Clean;

/// Break rules on purpose, one after another, and count the seeds until an oracle objects
#[derive(Args)]
pub(super) struct Planted {
    /// Most seeds for each bug
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Threads to play on
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Planted {
    /// Clean when each bug was found.
    #[cfg(feature = "planted")]
    pub(super) fn go(self) -> Clean {
        use offhook_sim::planted::{Search, search_all};
        use serde_json::json;
        let print = |search: &Search| {
            let Search { bug, oracle, median_seeds } = search;
            let bug = format!("{bug:?}");
            if self.json {
                let found = oracle.is_some();
                println!(
                    "{}",
                    json!({ "bug": bug, "found": found, "oracle": oracle, "median_seeds": median_seeds })
                );
            } else {
                println!("{bug:24} {:14} {median_seeds:6}", oracle.unwrap_or("NOT FOUND"));
            }
        };
        Ok(search_all(self.seeds, self.jobs, print).iter().all(|search| search.oracle.is_some()))
    }

    #[cfg(not(feature = "planted"))]
    pub(super) fn go(self) -> Clean {
        Err(super::Misused::without_bugs())
    }
}
