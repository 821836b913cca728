//! `--record FILE`: the ending of the file says what is recorded.

use offhook_tokio::{Recorder, RecorderOptions};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What to record, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// What is heard.
    Sound(PathBuf),
    /// All that happens to the phones, to be replayed.
    Flight(PathBuf),
}

impl FromStr for Record {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "wav" => Ok(Self::Sound(text.into())),
            "offhook" => Ok(Self::Flight(text.into())),
            _ => Err("expected FILE.wav for the sound, or FILE.offhook for all that happens"),
        }
    }
}

/// The file for the sound, if one is wanted.
pub(crate) fn sound(records: &[Record]) -> Option<&Path> {
    records.iter().find_map(|record| match record {
        Record::Sound(file) => Some(file.as_path()),
        Record::Flight(_) => None,
    })
}

/// Starts the recorder, if one is wanted.
pub(crate) fn flight(records: &[Record]) -> Result<Option<Recorder>, String> {
    let file = records.iter().find_map(|record| match record {
        Record::Sound(_) => None,
        Record::Flight(file) => Some(file),
    });
    let Some(file) = file else { return Ok(None) };
    // Nobody asks for what is in memory: the file has it all.
    let keep = RecorderOptions { memory: 0, file: Some(file.clone()) };
    Recorder::start(keep).map(Some).map_err(|why| format!("{}: {why}", file.display()))
}

/// Ends the recording, if there is one.
pub(crate) fn finish(recorder: Option<Recorder>) -> Result<(), String> {
    recorder.map_or(Ok(()), |recorder| recorder.finish().map_err(|why| format!("the recording: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides() {
        assert_eq!("a/b.WAV".parse(), Ok(Record::Sound("a/b.WAV".into())));
        assert_eq!("x.offhook".parse(), Ok(Record::Flight("x.offhook".into())));
        for other in ["x", "x.mp3", "", ".offhook"] {
            assert!(other.parse::<Record>().is_err(), "{other}");
        }
    }
}
