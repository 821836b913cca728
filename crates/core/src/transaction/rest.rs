//! What is left when all transactions are over.

use super::Transactions;
use super::taken::Taken;
use crate::Instant;
use crate::api::checkpoint::InvalidCheckpoint;

/// Digests of requests, and until when they are remembered.
type ResponderSnapshot = Vec<(Instant, u128)>;

impl Transactions {
    /// The last serial number, what was taken lately, and what was refused. `None` for half a minute after a flood, while what there
    /// was no room for may come again.
    pub(crate) fn remembered(&self) -> Option<(u32, ResponderSnapshot, ResponderSnapshot)> {
        let all = || (self.serial, self.taken.remembered(), self.refused.remembered());
        self.crowded_out.is_empty().then(all)
    }

    /// Goes on where others were.
    pub(crate) fn resume(
        &mut self,
        serial: u32,
        taken: &[(Instant, u128)],
        refused: &[(Instant, u128)],
    ) -> Result<(), InvalidCheckpoint> {
        let recall =
            |keys| Taken::recall(keys).ok_or(InvalidCheckpoint("it cannot remember so many requests"));
        self.serial = serial;
        (self.taken, self.refused) = (recall(taken)?, recall(refused)?);
        Ok(())
    }
}
