//! Files. The library accesses none.

#![expect(clippy::disallowed_methods, reason = "the files are named on the command line")]

use std::fmt;
use std::path::{Path, PathBuf};

use offhook_sim::hash::Digest;
use offhook_sim::scenario::Scenario;

use super::UsageError;
use super::media::Media;

/// The scenario of a seed or file.
pub(super) fn scenario(what: &str, media: Media) -> Result<Scenario, UsageError> {
    if let Ok(seed) = what.parse() {
        return Ok(media.generate(seed));
    }
    text(Path::new(what))?.parse().map_err(|error| wrong(Path::new(what), &error))
}

/// The text of a file; `-` is standard input.
pub(super) fn text(path: &Path) -> Result<String, UsageError> {
    let text =
        if path == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(path) };
    text.map_err(|error| wrong(path, &error))
}

/// Writes a file.
pub(super) fn write(path: &Path, text: &str) -> Result<(), UsageError> {
    std::fs::write(path, text).map_err(|error| wrong(path, &error))
}

/// Writes a scenario to a folder. The name of the file has the oracle and a hash of the text.
pub(super) fn keep(folder: &Path, oracle: &str, text: &str) -> Result<PathBuf, UsageError> {
    std::fs::create_dir_all(folder).map_err(|error| wrong(folder, &error))?;
    let hash = Digest::new(0).bytes(text.as_bytes()).finish();
    let path = folder.join(format!("{oracle}-{hash:016x}.scn"));
    write(&path, text).map(|()| path)
}

fn wrong(path: &Path, error: &dyn fmt::Display) -> UsageError {
    UsageError(format!("{}: {error}", path.display()))
}
