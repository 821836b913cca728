//! Errors of reading a recording.

use crate::write::{HEADER, VERSION};

/// The error of a recording that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ReadError {
    /// The number of the line, from 1.
    pub line: usize,
    /// The reason.
    pub why: Unreadable,
}

/// The reason why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The first line is not that of a recording.
    #[error("not a recording: it does not start with `{HEADER} {VERSION}`")]
    NotARecording,
    /// A recording of a later version of the format.
    #[error("version {0} of the format, written by a newer offhook; this one reads version {VERSION}")]
    Newer(u32),
    /// A recording of an earlier version of the format.
    #[error("version {0} of the format, written by an older offhook; this one reads version {VERSION}")]
    Older(u32),
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotText,
    /// A limit was exceeded.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// An invalid line.
    #[error("{0}")]
    Line(String),
}

impl From<String> for Unreadable {
    fn from(why: String) -> Self {
        Unreadable::Line(why)
    }
}

impl From<&str> for Unreadable {
    fn from(why: &str) -> Self {
        Unreadable::Line(why.to_owned())
    }
}

/// The first 60 characters of a text, for an error.
pub(super) fn excerpt(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    &text[..end]
}
