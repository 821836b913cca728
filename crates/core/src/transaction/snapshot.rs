//! Snapshots of the transaction layer without transactions.

use super::Transactions;
use super::recent::RecentRequests;
use crate::Instant;
use crate::api::checkpoint::InvalidCheckpoint;

/// Digests of requests, with their expiry.
type ResponderSnapshot = Vec<(Instant, u128)>;

impl Transactions {
    /// The last serial number, the recent requests, and the refused CANCELs. `None` for 32 s after a MESSAGE, a merged request or an
    /// overload, whose requests may be retransmitted.
    pub(crate) fn snapshot(&self) -> Option<(u32, ResponderSnapshot, ResponderSnapshot)> {
        let all = || (self.serial, self.recent.snapshot(), self.refused_cancels.snapshot());
        let others = [&self.accepted_messages, &self.merged, &self.overloaded];
        others.iter().all(|list| list.is_empty()).then(all)
    }

    /// Restores a snapshot.
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
