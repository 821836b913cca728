//! What is left when all transactions are over.

use super::Transactions;
use super::recent::RecentRequests;
use crate::Instant;
use crate::api::checkpoint::InvalidCheckpoint;

/// Digests of requests, and until when they are remembered.
type ResponderSnapshot = Vec<(Instant, u128)>;

impl Transactions {
    /// The last serial number, what was recent lately, and what was refused. `None` for half a minute after a flood, while what there
    /// was no room for may come again.
    pub(crate) fn snapshot(&self) -> Option<(u32, ResponderSnapshot, ResponderSnapshot)> {
        let all = || (self.serial, self.recent.snapshot(), self.refused_cancels.snapshot());
        self.overloaded.is_empty().then(all)
    }

    /// Goes on where others were.
    pub(crate) fn restore(
        &mut self,
        serial: u32,
        recent: &[(Instant, u128)],
        refused: &[(Instant, u128)],
    ) -> Result<(), InvalidCheckpoint> {
        let restore = |keys| {
            RecentRequests::restore(keys).ok_or(InvalidCheckpoint("it cannot remember so many requests"))
        };
        self.serial = serial;
        (self.recent, self.refused_cancels) = (restore(recent)?, restore(refused)?);
        Ok(())
    }
}
