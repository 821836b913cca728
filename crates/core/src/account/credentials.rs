//! Credentials that the host is asked for.

use super::ActiveAccount;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::Owner;
use crate::{AccountEffect, EffectId};

/// The question to the host, and the requests that wait for its answer.
#[derive(Default)]
pub(super) struct AwaitedCredentials {
    /// The effect; at most one is pending.
    effect: Option<EffectId>,
    /// Each once: a call, a request outside of a dialog, or the registration.
    owners: Vec<Owner>,
}

impl ActiveAccount {
    /// A request waits for credentials: asks the host for them, unless it was asked already. Its owner keeps the challenge, and
    /// evaluates it again when the answer is there.
    pub(crate) fn credentials_needed(&mut self, cx: &mut Cx<'_>, owner: Owner, realm: String) {
        cx.mark(None, Mark::CredentialsAwaited);
        if !self.awaited.owners.contains(&owner) {
            self.awaited.owners.push(owner);
        }
        if self.awaited.effect.is_none() {
            self.awaited.effect = Some(cx.out.account_effect(self.id, AccountEffect::Credentials { realm }));
        }
    }

    /// Whether the host is asked for credentials: then there is no checkpoint.
    pub(super) fn awaits_credentials(&self) -> bool {
        self.awaited.effect.is_some()
    }

    /// The host has answered this effect. Returns the owners that waited, in order; `None` if it is another effect. Some may wait no
    /// longer.
    pub(crate) fn credentials_answered(&mut self, effect: EffectId) -> Option<Vec<Owner>> {
        self.awaited.effect.take_if(|awaited| *awaited == effect)?;
        Some(std::mem::take(&mut self.awaited.owners))
    }

    /// The name or the password of the account has changed.
    pub(crate) fn credentials_changed(&mut self, cx: &Cx<'_>) {
        let password = cx.config.accounts[usize::from(self.id.0)].password.as_ref();
        self.realms.credentials_changed(password);
    }
}
