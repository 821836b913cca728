//! The replacement and the removal of an account at run time.

use super::ActiveAccount;
use super::retirement::Retirement;
use crate::base::cx::Cx;
use crate::planted::planted;
use crate::transaction::Transactions;
use crate::{Account, Config, ConnectionId};

impl ActiveAccount {
    /// Whether it is being replaced or removed.
    pub(crate) fn is_retiring(&self) -> bool {
        self.retirement.is_some()
    }

    /// Whether it is being removed.
    pub(crate) fn is_being_removed(&self) -> bool {
        matches!(self.retirement, Some(Retirement::Remove))
    }

    /// The configuration that will replace it, if one will.
    pub(crate) fn replacement(&mut self) -> Option<&mut Account> {
        match &mut self.retirement {
            Some(Retirement::Replace(account)) => Some(account),
            _ => None,
        }
    }

    /// Begins to retire: removes the binding.
    pub(crate) fn retire(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions, retirement: Retirement) {
        self.retirement = Some(retirement);
        // Without a connection the binding expires: none is opened to remove it.
        let (registration, mut registration_cx) = self.registration_cx(cx, txs);
        let _ = registration.unregister(&mut registration_cx);
    }

    /// Whether it retires and has no binding any more. A removed account also waits for the end of its calls.
    pub(crate) fn has_retired(&self, config: &Config) -> bool {
        let left = !self.is_being_removed() || self.calls == 0;
        self.is_retiring() && self.registration.is_over() && left && !planted!(config, RemovalNeverEnds)
    }

    /// This account follows `before`, which had the same identifier: it has the same calls, whose sets of realms are empty now, and the
    /// same flood budget, because the server may be the same.
    pub(crate) fn follow(&mut self, before: &Self) {
        self.calls = before.calls;
        self.realms.follow(&before.realms);
        self.registration.follow(&before.registration);
    }

    /// A call of the account begins.
    pub(crate) fn call_begins(&mut self) {
        self.calls += 1;
    }

    /// A call of the account has ended.
    pub(crate) fn call_ended(&mut self) {
        self.calls = self.calls.saturating_sub(1);
    }

    pub(crate) fn take_retirement(&mut self) -> Option<Retirement> {
        self.retirement.take()
    }

    /// Closes the connection and cancels all timers. Returns the connection that was up.
    pub(crate) fn stop(&mut self, cx: &mut Cx<'_>) -> Option<ConnectionId> {
        if planted!(cx.config, RemovedConnectionKept) {
            return None;
        }
        self.connection.stop(cx)
    }

    /// Takes a configuration with the same address of record and servers.
    pub(crate) fn reconfigure(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions, account: &Account) {
        self.identity.reconfigure(account);
        self.registration.reconfigure(account);
        match (account.register, self.registration.is_over()) {
            (true, true) => self.register(cx, txs),
            (false, false) => self.unregister(cx, txs),
            _ => {}
        }
    }
}
