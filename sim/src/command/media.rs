//! `--media real`: the scenarios of seeds with the real media engine, which the generator leaves out.

use clap::Args;
use offhook_sim::generate;
use offhook_sim::scenario::{Fidelity, Scenario};

#[derive(Args, Copy, Clone)]
pub(super) struct Media {
    /// Play with a `model` of media, or with `real` media (needs the feature `media`), whatever the scenario says
    #[arg(long, value_name = "FIDELITY")]
    media: Option<Fidelity>,
}

impl Media {
    /// The scenario of a seed. Real media has troubles of its own, which are added.
    pub(super) fn generate(self, seed: u64) -> Scenario {
        let mut scenario = generate::generate(seed);
        self.apply(&mut scenario);
        if scenario.media != Fidelity::Model {
            generate::enliven(&mut scenario);
        }
        scenario
    }

    /// Sets the fidelity, if one was asked for.
    pub(super) fn apply(self, scenario: &mut Scenario) {
        scenario.media = self.media.unwrap_or(scenario.media);
    }

    /// What a replay line says of it.
    pub(super) fn argument(self) -> String {
        self.media.map_or(String::new(), |media| format!(" --media {media}"))
    }
}
