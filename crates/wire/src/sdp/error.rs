//! Errors and limits of session descriptions.

/// The longest description that is read, in octets: as long as a whole message.
pub const MAX_TEXT: usize = 64 * 1024;

/// The most lines that a description may have. A browser's offer of ten streams has some 600.
pub const MAX_LINES: usize = 2048;

/// The most media that a description may have.
pub const MAX_MEDIA: usize = 64;

/// Why and where a description cannot be read. Contains no text of the peer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the session description {kind}")]
pub struct SdpError {
    /// The reason.
    pub kind: SdpFault,
    /// The line, counted from one; zero for the whole description.
    pub line: u32,
}

/// The kinds of [`SdpError`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// Longer than [`MAX_TEXT`], more lines than [`MAX_LINES`] or more media than [`MAX_MEDIA`].
    #[error("is beyond the limit")]
    TooLong,
    /// The first line is not `v=0`.
    #[error("is not the version 0")]
    Version,
    /// Not a letter, an equals sign and text without NUL and CR.
    #[error("is not of the form letter=text")]
    Line,
    /// A field is missing, superfluous or has a value that its grammar does not allow.
    #[error("has an invalid {0}")]
    Field(&'static str),
    /// A line that may occur once occurs again.
    #[error("is a repeated {0}")]
    Repeated(&'static str),
}
