//! Files: the library touches none, the command is there to read and write them.

#![expect(clippy::disallowed_methods, reason = "what is read and written is named on the command line")]

use std::path::Path;

use offhook_sim::generate::generate;
use offhook_sim::scenario::Scenario;

use super::Misused;

/// The scenario of a seed, or of a file.
pub(super) fn scenario(what: &str) -> Result<Scenario, Misused> {
    if let Ok(seed) = what.parse() {
        return Ok(generate(seed));
    }
    let wrong = |error: &dyn std::fmt::Display| Misused(format!("{what}: {error}"));
    let text = std::fs::read_to_string(what).map_err(|error| wrong(&error))?;
    text.parse().map_err(|error| wrong(&error))
}

/// Writes a file anew.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Misused> {
    std::fs::write(path, text).map_err(|error| Misused(format!("{}: {error}", path.display())))
}
