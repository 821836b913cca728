//! The bugs that can be planted.

use std::fmt;

use offhook::Bug;
use offhook_exchange::Bug as ExchangeBug;

/// A bug in all phones, or in all exchanges.
#[derive(Copy, Clone, PartialEq, Eq)]
pub enum Planted {
    /// In the phones.
    Phone(Bug),
    /// In the exchanges.
    Exchange(ExchangeBug),
}

impl Planted {
    /// All bugs.
    pub fn all() -> impl Iterator<Item = Self> {
        let phones = Bug::ALL.iter().copied().map(Self::Phone);
        phones.chain(ExchangeBug::ALL.iter().copied().map(Self::Exchange))
    }

    /// The bug of each phone.
    pub(crate) fn of_phone(self) -> Option<Bug> {
        match self {
            Self::Phone(bug) => Some(bug),
            Self::Exchange(_) => None,
        }
    }

    /// The bug of each exchange.
    pub(crate) fn of_exchange(self) -> Option<ExchangeBug> {
        match self {
            Self::Phone(_) => None,
            Self::Exchange(bug) => Some(bug),
        }
    }
}

/// The name of the bug.
impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(bug) => bug.fmt(f),
            Self::Exchange(bug) => bug.fmt(f),
        }
    }
}

impl From<Bug> for Planted {
    fn from(bug: Bug) -> Self {
        Self::Phone(bug)
    }
}

impl From<ExchangeBug> for Planted {
    fn from(bug: ExchangeBug) -> Self {
        Self::Exchange(bug)
    }
}
