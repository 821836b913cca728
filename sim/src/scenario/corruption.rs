//! What middleboxes do to messages, and the words for it.

use std::fmt;

/// What is done to a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Some of its bits are flipped.
    Flips,
    /// Its end is cut off.
    Cuts,
    /// Random bytes follow it.
    Junk,
    /// It is made longer than anybody takes.
    Bulk,
    /// One of its headers is there twice.
    Doubles,
    /// One of its headers is gone.
    Strips,
    /// It has a header that its sender did not write.
    Injects,
}

impl Corruption {
    /// All of them, the plainest first.
    pub const ALL: [Self; 7] =
        [Self::Flips, Self::Cuts, Self::Junk, Self::Bulk, Self::Doubles, Self::Strips, Self::Injects];

    pub(super) fn read(word: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|corruption| corruption.to_string() == word);
        named.ok_or_else(|| format!("nobody knows how to harm by `{word}`"))
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
