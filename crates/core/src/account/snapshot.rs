//! Snapshots of an account.

use super::ActiveAccount;
use crate::Account;
use crate::api::checkpoint::{AccountCheckpoint, ConnectionCheckpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::timers::TimerId;
use crate::connection::Connection;

impl ActiveAccount {
    /// The snapshot; `None` while a REGISTER is pending, credentials are awaited, or the account retires.
    pub(crate) fn checkpoint(&self, config: &Account) -> Option<AccountCheckpoint> {
        if self.retirement.is_some() || self.credentials.is_some() {
            return None;
        }
        let registration = self.registration.checkpoint()?;
        let (connection, next_server, connection_failures) = self.connection.checkpoint();
        let (cseq, expires, failures, bound, spent) = self.registration.counts();
        Some(AccountCheckpoint {
            id: self.id,
            config: config.clone(),
            drawn: self.drawn,
            contact: String::from_utf8(self.identity.contact().to_vec()).ok()?,
            connection,
            next_server,
            connection_failures,
            registration,
            cseq,
            expires,
            failures,
            bound,
            spent,
            servers_refused: self.registration.servers_refused(),
            realms: self.realms.snapshot(),
        })
    }

    /// Restores a snapshot into a new account.
    pub(crate) fn restore(
        &mut self,
        at: &AccountCheckpoint,
        connections: u32,
        timer: impl Fn(AccountTimer) -> Option<TimerId>,
    ) -> Result<(), InvalidCheckpoint> {
        let transport = match at.connection {
            ConnectionCheckpoint::Up { transport, .. } => Some(transport),
            _ => None,
        };
        let sent_by = self
            .identity
            .restore(transport, &at.contact)
            .ok_or(InvalidCheckpoint("the Contact is not ours"))?;
        self.connection = Connection::restore(self.id, at, sent_by, connections, &timer)?;
        self.registration.restore(at, timer(AccountTimer::Register))?;
        self.realms.restore(&at.realms)
    }
}
