//! Accounts at run time: added, replaced, removed, and their late credentials.

use super::{Parts, Phone};
use crate::account::{ActiveAccount, Retirement};
use crate::base::name::Owner;
use crate::planted::planted;
use crate::{Account, AccountEvent, AccountId, Credentials, EffectId, EffectResult};
use std::collections::BTreeSet;

impl Phone {
    /// The identifier of the next account.
    pub fn next_account(&self) -> AccountId {
        AccountId(u16::try_from(self.accounts.len()).unwrap_or(u16::MAX))
    }

    /// Makes the configured account with this identifier active.
    pub(super) fn activate(&mut self, id: AccountId) {
        let Parts { mut cx, accounts, .. } = self.parts();
        let index = usize::from(id.0);
        let mut account = ActiveAccount::new(id, &cx.config.accounts[index], &mut cx);
        if let Some(Some(before)) = accounts.get(index) {
            account.follow(before);
        }
        if self.accounts.len() <= index {
            self.accounts.resize_with(index + 1, || None);
        }
        self.accounts[index] = Some(account);
    }

    pub(super) fn start_account(&mut self, id: AccountId) {
        self.with_account(id, |account, cx, txs| account.start(cx, txs));
    }

    pub(super) fn insert_account(&mut self, id: AccountId, account: Account) {
        self.config.accounts.push(account);
        self.activate(id);
        self.start_account(id);
    }

    pub(super) fn apply_replacement(&mut self, id: AccountId, account: Box<Account>) {
        let before = &mut self.config.accounts[usize::from(id.0)];
        let moves = before.aor != account.aor || before.servers != account.servers;
        if let Some(replacement) = self.accounts[usize::from(id.0)].as_mut().and_then(|a| a.replacement()) {
            *replacement = *account;
        } else if moves {
            self.retire(id, Retirement::Replace(account));
        } else {
            *before = *account;
            let Parts { mut cx, txs, accounts, .. } = self.parts();
            if let Some(active) = &mut accounts[usize::from(id.0)] {
                let config = cx.config;
                active.reconfigure(&mut cx, txs, &config.accounts[usize::from(id.0)]);
            }
            self.credentials_changed(id);
        }
    }

    pub(super) fn begin_removal(&mut self, id: AccountId) {
        self.retire(id, Retirement::Remove);
        self.each_session_of(id, |session, cx| session.hang_up(cx));
        self.drop_requests_of(id);
    }

    fn retire(&mut self, id: AccountId, retirement: Retirement) {
        if self.active(id).is_some_and(|account| !account.is_retiring()) {
            self.retiring += 1;
        }
        self.with_account(id, |account, cx, txs| account.retire(cx, txs, retirement));
    }

    /// Replaces and removes the accounts that have retired.
    pub(super) fn finish_retirements(&mut self) {
        let ready: Vec<AccountId> = (self.accounts.iter().flatten())
            .filter(|account| account.has_retired(&self.config))
            .map(ActiveAccount::id)
            .collect();
        for id in ready {
            self.retiring -= 1;
            let retirement = self.with_account(id, |account, _, _| account.take_retirement());
            let connection = self.with_account(id, |account, cx, _| account.stop(cx));
            if let Some(connection) = connection {
                self.connection_lost(id, connection);
            }
            match retirement {
                Some(Retirement::Replace(account)) => {
                    let waiting = self.with_account(id, |account, _, _| account.take_waiting());
                    self.config.accounts[usize::from(id.0)] = *account;
                    self.activate(id);
                    // The realms of the servers before are not those of this account any more.
                    self.retry_with_credentials(waiting);
                    self.start_account(id);
                }
                Some(Retirement::Remove) | None => {
                    // Its password is not needed any more.
                    self.config.accounts[usize::from(id.0)] = Account::removed();
                    self.accounts[usize::from(id.0)] = None;
                    self.out.account_event(id, AccountEvent::Removed);
                }
            }
        }
    }

    pub(super) fn apply_credentials(&mut self, id: AccountId, credentials: Credentials) {
        let active = self.accounts[usize::from(id.0)].as_mut();
        let replacement = active.and_then(ActiveAccount::replacement);
        for account in replacement.into_iter().chain([&mut self.config.accounts[usize::from(id.0)]]) {
            account.password = Some(credentials.password.clone());
            if credentials.username.is_some() {
                account.username.clone_from(&credentials.username);
            }
        }
        self.credentials_changed(id);
    }

    /// The host has found credentials, or there are none.
    pub(super) fn credentials_found(&mut self, id: AccountId, effect: EffectId, result: EffectResult) {
        if !self.with_account(id, |account, _, _| account.take_credentials_effect(effect)) {
            return;
        }
        match result {
            EffectResult::Credentials(Some(credentials)) => self.apply_credentials(id, credentials),
            _ => self.credentials_changed(id),
        }
    }

    /// Evaluates again the challenges that wait for credentials. Without credentials their requests fail.
    fn credentials_changed(&mut self, id: AccountId) {
        let waiting = self.with_account(id, |account, cx, _| account.credentials_changed(cx));
        if !planted!(self.config, LateCredentialsIgnored) {
            self.retry_with_credentials(waiting);
        }
    }

    fn retry_with_credentials(&mut self, waiting: BTreeSet<Owner>) {
        for owner in waiting {
            match owner {
                Owner::Session(session) => {
                    self.with_session(session, |session, cx| session.retry_with_credentials(cx));
                }
                Owner::Account(id) => {
                    let change =
                        self.with_account(id, |account, cx, txs| account.register_with_credentials(cx, txs));
                    self.on_connection_change(id, change);
                }
                Owner::Request(id) => {
                    self.with_request(id, |request, cx| request.retry_with_credentials(cx));
                }
                Owner::None => {}
            }
        }
    }
}
