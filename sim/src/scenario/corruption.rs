//! Corruption of messages by middleboxes.

use std::fmt;

/// A kind of corruption.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Some bits are flipped.
    Flips,
    /// The message is truncated.
    Cuts,
    /// Random bytes are appended.
    Junk,
    /// The message is made longer than all size limits.
    Bulk,
    /// A header row is duplicated.
    Doubles,
    /// A header row is removed.
    Strips,
    /// A header row is inserted.
    Injects,
}

impl Corruption {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Flips, Self::Cuts, Self::Junk, Self::Bulk, Self::Doubles, Self::Strips, Self::Injects];

    pub(super) fn read(word: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|corruption| corruption.to_string() == word);
        named.ok_or_else(|| format!("unknown corruption `{word}`"))
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flips => "flips",
            Self::Cuts => "cuts",
            Self::Junk => "junk",
            Self::Bulk => "bulk",
            Self::Doubles => "doubles",
            Self::Strips => "strips",
            Self::Injects => "injections",
        })
    }
}
