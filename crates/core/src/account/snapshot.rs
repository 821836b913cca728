//! Snapshots of an account.

use super::ActiveAccount;
use crate::api::checkpoint::{AccountCheckpoint, FlowCheckpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::timers::TimerId;
use crate::connection::Flow;

impl ActiveAccount {
    /// The snapshot; `None` while a REGISTER is pending.
    pub(crate) fn checkpoint(&self) -> Option<AccountCheckpoint> {
        let registration = self.registration.checkpoint()?;
        let (flow, next_server, flow_failures) = self.flow.checkpoint();
        let (cseq, expires, failures, bound, spent) = self.registration.counts();
        let (user, proxy) = self.auth.snapshot();
        Some(AccountCheckpoint {
            contact: String::from_utf8(self.identity.contact().to_vec()).ok()?,
            flow,
            next_server,
            flow_failures,
            registration,
            cseq,
            expires,
            failures,
            bound,
            spent,
            user,
            proxy,
        })
    }

    /// Restores a snapshot into a new account.
    pub(crate) fn restore(
        &mut self,
        at: &AccountCheckpoint,
        flows: u32,
        timer: impl Fn(AccountTimer) -> Option<TimerId>,
    ) -> Result<(), InvalidCheckpoint> {
        let transport = match at.flow {
            FlowCheckpoint::Up { transport, .. } => Some(transport),
            _ => None,
        };
        let sent_by = self
            .identity
            .restore(transport, &at.contact)
            .ok_or(InvalidCheckpoint("the Contact is not ours"))?;
        self.flow = Flow::restore(self.id, at, sent_by, flows, &timer)?;
        self.registration.restore(at, timer(AccountTimer::Register))?;
        self.auth.restore(at.user.as_ref(), at.proxy.as_ref())
    }
}
