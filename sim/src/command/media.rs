//! `--media`: the fidelity of media.

use clap::Args;
use offhook_sim::generate;
use offhook_sim::scenario::{Fidelity, Scenario};

#[derive(Args, Copy, Clone)]
pub(super) struct Media {
    /// Override the fidelity of media: `model`, or `real` (needs the feature `media`)
    #[arg(long, value_name = "FIDELITY")]
    media: Option<Fidelity>,
}

impl Media {
    /// The scenario of a seed, with additional steps for real media.
    pub(super) fn generate(self, seed: u64) -> Scenario {
        let mut scenario = generate::generate(seed);
        self.apply(&mut scenario);
        if scenario.media != Fidelity::Model {
            generate::enliven(&mut scenario);
        }
        scenario
    }

    /// Sets the fidelity, if given.
    pub(super) fn apply(self, scenario: &mut Scenario) {
        scenario.media = self.media.unwrap_or(scenario.media);
    }

    /// The argument for a replay.
    pub(super) fn argument(self) -> String {
        self.media.map_or(String::new(), |media| format!(" --media {media}"))
    }
}
