//! `--plant`: a run with a planted bug.

use clap::Args;
#[cfg(feature = "planted")]
use offhook_sim::planted::Planted;
use offhook_sim::scenario::Scenario;

use super::UsageError;

#[derive(Args, Clone)]
pub(super) struct Plant {
    /// Plant this bug in all phones or exchanges; see `cargo sim planted --list`
    #[arg(long, value_name = "BUG")]
    plant: Option<String>,
}

impl Plant {
    /// Plants the bug, if given.
    #[cfg(feature = "planted")]
    pub(super) fn apply(&self, scenario: &mut Scenario) -> Result<(), UsageError> {
        let Some(name) = &self.plant else { return Ok(()) };
        scenario.planted = Some(named(name)?);
        Ok(())
    }

    /// Without the feature no bug can be planted.
    #[cfg(not(feature = "planted"))]
    pub(super) fn apply(&self, _: &mut Scenario) -> Result<(), UsageError> {
        self.plant.as_ref().map_or(Ok(()), |_| Err(UsageError::without_bugs()))
    }

    /// The argument for a replay.
    pub(super) fn argument(&self) -> String {
        self.plant.as_ref().map_or(String::new(), |bug| format!(" --plant {bug}"))
    }
}

/// The bug of this name.
#[cfg(feature = "planted")]
pub(super) fn named(name: &str) -> Result<Planted, UsageError> {
    let known = Planted::all().find(|bug| format!("{bug:?}") == *name);
    known.ok_or_else(|| UsageError(format!("unknown bug `{name}`; see `cargo sim planted --list`")))
}
