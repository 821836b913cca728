//! An account at rest.

use super::Line;
use crate::api::checkpoint::{AccountCheckpoint, FlowCheckpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::timers::TimerId;
use crate::connection::Flow;

impl Line {
    /// How it is; `None` while a REGISTER is on its way.
    pub(crate) fn checkpoint(&self) -> Option<AccountCheckpoint> {
        let registration = self.registration.checkpoint()?;
        let (flow, turn, flow_failures) = self.flow.checkpoint();
        let (cseq, expires, failures, bound, spent) = self.registration.counts();
        let (user, proxy) = self.auth.remembered();
        Some(AccountCheckpoint {
            contact: String::from_utf8(self.identity.contact().to_vec()).ok()?,
            flow,
            turn,
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

    /// Goes on where another one was. It is as it was made.
    pub(crate) fn resume(
        &mut self,
        line: &AccountCheckpoint,
        flows: u32,
        timer: impl Fn(AccountTimer) -> Option<TimerId>,
    ) -> Result<(), InvalidCheckpoint> {
        let transport = match line.flow {
            FlowCheckpoint::Up { transport, .. } => Some(transport),
            _ => None,
        };
        let sent_by = self
            .identity
            .resume(transport, &line.contact)
            .ok_or(InvalidCheckpoint("the Contact is not ours"))?;
        self.flow = Flow::resume(self.id, line, sent_by, flows, &timer)?;
        self.registration.resume(line, timer(AccountTimer::Register))?;
        self.auth.recall(line.user.as_ref(), line.proxy.as_ref())
    }
}
