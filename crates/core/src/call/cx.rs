use crate::SessionId;
use crate::account::ActiveAccount;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::Machine;
use crate::transaction::Transactions;

/// What a call touches besides itself.
pub(crate) struct CallCx<'e, 'c> {
    pub(crate) base: &'e mut Cx<'c>,
    pub(crate) txs: &'e mut Transactions,
    pub(crate) account: &'e mut ActiveAccount,
    pub(crate) actions: &'e mut Vec<CallAction>,
    /// The call, if it is known already.
    pub(crate) session: Option<SessionId>,
}

impl CallCx<'_, '_> {
    /// Records a rare decision of the call.
    pub(crate) fn mark(&mut self, mark: Mark) {
        self.base.mark(self.session.map(Machine::Session), mark);
    }
}

/// What a call wants of the phone that owns it.
pub(crate) enum CallAction {
    /// A peer asked us to call `target` (RFC 3515).
    Refer { by: Referrer, target: Vec<u8>, referred_by: Option<Vec<u8>> },
    /// The call that a REFER made has moved: a SIP status code for the NOTIFY.
    Report { to: Referrer, code: u16 },
}

/// Who asked for a call: the call in which he did, and the `id` of his subscription to what becomes of it (RFC 3515 §2.4.6).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) session: SessionId,
    pub(crate) id: Option<u32>,
}
