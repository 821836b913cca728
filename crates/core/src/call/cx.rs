use crate::SessionId;
use crate::account::ActiveAccount;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::Machine;
use crate::transaction::Transactions;

/// The context of a call.
pub(crate) struct CallCx<'e, 'c> {
    pub(crate) base: &'e mut Cx<'c>,
    pub(crate) txs: &'e mut Transactions,
    pub(crate) account: &'e mut ActiveAccount,
    pub(crate) actions: &'e mut Vec<CallAction>,
    /// The call, unless it is only being created.
    pub(crate) session: Option<SessionId>,
}

impl CallCx<'_, '_> {
    /// Records a mark of the call.
    pub(crate) fn mark(&mut self, mark: Mark) {
        self.base.mark(self.session.map(Machine::Session), mark);
    }
}

/// An action of a call on the phone that owns it.
pub(crate) enum CallAction {
    /// Create the call that a REFER requests (RFC 3515).
    Refer { by: Referrer, target: Vec<u8>, referred_by: Option<Vec<u8>> },
    /// Report the progress of the call that a REFER created: a SIP status code for the NOTIFY.
    Report { to: Referrer, code: u16 },
}

/// The call in which a REFER was received, and the `id` of its subscription (RFC 3515 §2.4.6).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) session: SessionId,
    pub(crate) id: Option<u32>,
}
