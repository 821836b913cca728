//! Credentials that the host is asked for, and the requests that wait for them.

use super::ActiveAccount;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::Owner;
use crate::{AccountEffect, EffectId};
use std::collections::BTreeSet;

impl ActiveAccount {
    /// A request waits for credentials: asks the host for them, unless it was asked already. The owner keeps the challenge, and
    /// evaluates it again when the answer is there.
    pub(crate) fn credentials_needed(&mut self, cx: &mut Cx<'_>, owner: Owner, realm: String) {
        self.waiting.insert(owner);
        if self.credentials.is_none() {
            cx.mark(None, Mark::CredentialsAwaited);
            let effect = AccountEffect::Credentials { realm };
            self.credentials = Some(cx.out.account_effect(self.id, effect));
        }
    }

    /// A request that waited has ended.
    pub(crate) fn credentials_not_needed(&mut self, owner: Owner) {
        self.waiting.remove(&owner);
    }

    /// Whether this effect is the pending one; it is pending no longer.
    pub(crate) fn take_credentials_effect(&mut self, effect: EffectId) -> bool {
        self.credentials.take_if(|pending| *pending == effect).is_some()
    }

    /// The name or the password may have changed. Returns the owners of the requests that are to be evaluated again; some of them may
    /// wait no longer. There are none while the host is still asked and there is no password.
    pub(crate) fn credentials_changed(&mut self, cx: &Cx<'_>) -> BTreeSet<Owner> {
        let password = cx.config.accounts[usize::from(self.id.0)].password.as_ref();
        self.realms.credentials_changed(password);
        if password.is_none() && self.credentials.is_some() {
            return BTreeSet::new();
        }
        // Other credentials answer the host's question: a later result is of an earlier question.
        self.credentials = None;
        self.take_waiting()
    }

    /// The owners of the requests that wait for credentials.
    pub(crate) fn take_waiting(&mut self) -> BTreeSet<Owner> {
        std::mem::take(&mut self.waiting)
    }
}
