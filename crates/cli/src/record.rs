//! `--record FILE`: the extension of the file determines the kind of recording.

use offhook_tokio::{Recorder, RecorderOptions};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A kind of recording and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The received audio.
    Sound(PathBuf),
    /// A flight recording.
    Flight(PathBuf),
}

impl FromStr for Record {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "wav" => Ok(Self::Sound(text.into())),
            "offhook" => Ok(Self::Flight(text.into())),
            _ => Err("expected FILE.wav for the audio, or FILE.offhook for a flight recording"),
        }
    }
}

/// The file for the audio, if requested.
pub(crate) fn sound(records: &[Record]) -> Option<&Path> {
    records.iter().find_map(|record| match record {
        Record::Sound(file) => Some(file.as_path()),
        Record::Flight(_) => None,
    })
}

/// Starts the flight recorder, if requested.
pub(crate) fn flight(records: &[Record]) -> Result<Option<Recorder>, String> {
    let file = records.iter().find_map(|record| match record {
        Record::Sound(_) => None,
        Record::Flight(file) => Some(file),
    });
    let Some(file) = file else { return Ok(None) };
    // The file has everything; the memory is not used.
    let keep = RecorderOptions::default().with_memory(0).with_file(file);
    Recorder::start(keep).map(Some).map_err(|why| format!("{}: {why}", file.display()))
}

/// Finishes the flight recording, if there is one.
pub(crate) fn finish(recorder: Option<Recorder>) -> Result<(), String> {
    recorder
        .map_or(Ok(()), |recorder| recorder.finish().map_err(|why| format!("the flight recording: {why}")))
}

/// `heard.wav` for the first call, `heard-2.wav` for the second.
pub(crate) fn numbered(file: &Path, count: u32) -> PathBuf {
    if count < 2 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    file.with_file_name(format!("{stem}-{count}{}", extension.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_determines_the_kind() {
        assert_eq!("a/b.WAV".parse(), Ok(Record::Sound("a/b.WAV".into())));
        assert_eq!("x.offhook".parse(), Ok(Record::Flight("x.offhook".into())));
        for other in ["x", "x.mp3", "", ".offhook"] {
            assert!(other.parse::<Record>().is_err(), "{other}");
        }
    }

    #[test]
    fn later_recordings_do_not_overwrite_the_first() {
        assert_eq!(numbered(Path::new("/a/heard.wav"), 1), Path::new("/a/heard.wav"));
        assert_eq!(numbered(Path::new("/a/heard.wav"), 2), Path::new("/a/heard-2.wav"));
        assert_eq!(numbered(Path::new("heard"), 3), Path::new("heard-3"));
    }
}
