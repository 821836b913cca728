//! What can be wrong with one header value.

use crate::HeaderName;
use crate::scan::NumberError;

/// Why a header cannot be read, and where. Carries no content of the message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header}: {kind} at byte {offset} of the value")]
pub struct HeaderError {
    /// The header.
    pub header: HeaderName,
    /// What is wrong with it.
    pub kind: SyntaxKind,
    /// Bytes from the start of the value.
    pub offset: u32,
}

/// Why and where a value cannot be read; becomes a [`HeaderError`] with the name of the header.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} of the value")]
pub struct ValueError {
    /// What is wrong.
    pub kind: SyntaxKind,
    /// Bytes from the start of the value.
    pub offset: u32,
}

/// The kinds of [`ValueError`] and [`HeaderError`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxKind {
    /// There is no such header.
    #[error("missing")]
    Missing,
    /// The value is empty where it may not be.
    #[error("empty value")]
    Empty,
    /// A byte that the grammar does not have there.
    #[error("unexpected byte")]
    Unexpected,
    /// A quoted string without an end.
    #[error("unbalanced quote")]
    Quote,
    /// An angle or square bracket without its partner.
    #[error("unbalanced bracket")]
    Bracket,
    /// No number where one must be.
    #[error("not a number")]
    NotANumber,
    /// A number above what its header allows.
    #[error("number out of range")]
    OutOfRange,
    /// Not a URI.
    #[error("malformed URI")]
    Uri,
}

impl SyntaxKind {
    pub(crate) fn at(self, offset: usize) -> ValueError {
        ValueError { kind: self, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }
}

impl ValueError {
    pub(crate) fn of(self, header: HeaderName) -> HeaderError {
        HeaderError { header, kind: self.kind, offset: self.offset }
    }

    /// The same error in a value that starts `bytes` earlier.
    pub(crate) fn shifted(self, bytes: usize) -> Self {
        self.kind.at(self.offset as usize + bytes)
    }
}

impl From<NumberError> for SyntaxKind {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::NoDigits => Self::NotANumber,
            NumberError::TooLarge => Self::OutOfRange,
        }
    }
}
