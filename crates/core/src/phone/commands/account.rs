//! Commands for accounts.

use crate::phone::Phone;
use crate::{Account, AccountCommand, AccountId, Command, Credentials, Input, Instant, Misuse};

/// Each method handles the [`AccountCommand`] with its name, so that a recording has it.
impl Phone {
    /// Handles a command for an account.
    ///
    /// # Errors
    /// As for the method with the command's name.
    pub fn account(
        &mut self,
        now: Instant,
        account: AccountId,
        command: AccountCommand,
    ) -> Result<(), Misuse> {
        self.handle(now, Input::Command(Command::Account { account, command }))
    }

    /// Adds an account, which connects and registers as its configuration says.
    ///
    /// # Errors
    /// [`Misuse::TooManyAccounts`] after 65,535 accounts: identifiers are never reused.
    pub fn add_account(&mut self, now: Instant, account: Account) -> Result<AccountId, Misuse> {
        let id = self.next_account();
        self.account(now, id, AccountCommand::Add(Box::new(account)))?;
        Ok(id)
    }

    /// Replaces the configuration of an account; see [`AccountCommand::Replace`].
    ///
    /// # Errors
    /// If there is no such account, or it is being removed.
    pub fn replace_account(&mut self, now: Instant, id: AccountId, account: Account) -> Result<(), Misuse> {
        self.account(now, id, AccountCommand::Replace(Box::new(account)))
    }

    /// Removes an account; [`AccountEvent::Removed`](crate::AccountEvent::Removed) follows.
    ///
    /// # Errors
    /// If there is no such account, or it is being removed.
    pub fn remove_account(&mut self, now: Instant, id: AccountId) -> Result<(), Misuse> {
        self.account(now, id, AccountCommand::Remove)
    }

    /// Sets the credentials of an account. Requests that wait for credentials are sent with them.
    ///
    /// # Errors
    /// If there is no such account, or it is being removed.
    pub fn set_credentials(
        &mut self,
        now: Instant,
        id: AccountId,
        credentials: Credentials,
    ) -> Result<(), Misuse> {
        self.account(now, id, AccountCommand::SetCredentials(credentials))
    }

    /// Registers: again after a failure or an unregistration, or now instead of after the back-off.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn register(&mut self, now: Instant, account: AccountId) -> Result<(), Misuse> {
        self.account(now, account, AccountCommand::Register)
    }

    /// Unregisters. Calls continue.
    ///
    /// # Errors
    /// If there is no such account.
    pub fn unregister(&mut self, now: Instant, account: AccountId) -> Result<(), Misuse> {
        self.account(now, account, AccountCommand::Unregister)
    }
}

/// The commands, checked.
impl Phone {
    pub(super) fn account_command(
        &mut self,
        account: AccountId,
        command: AccountCommand,
    ) -> Result<(), Misuse> {
        match command {
            AccountCommand::Add(config) => {
                if account != self.next_account() {
                    return Err(Misuse::NotNextAccount(account));
                }
                if account == AccountId(u16::MAX) {
                    return Err(Misuse::TooManyAccounts);
                }
                self.insert_account(account, *config);
            }
            AccountCommand::Replace(config) => {
                self.known(account)?;
                self.apply_replacement(account, config);
            }
            AccountCommand::Remove => {
                self.known(account)?;
                self.begin_removal(account);
            }
            AccountCommand::Register => {
                self.known(account)?;
                self.with_account(account, |account, cx, txs| match account.replacement() {
                    Some(replacement) => replacement.register = true,
                    None => account.register(cx, txs),
                });
            }
            AccountCommand::Unregister => {
                self.known(account)?;
                self.with_account(account, |account, cx, txs| match account.replacement() {
                    Some(replacement) => replacement.register = false,
                    None => account.unregister(cx, txs),
                });
            }
            AccountCommand::SetCredentials(credentials) => {
                self.known(account)?;
                self.apply_credentials(account, credentials);
            }
        }
        Ok(())
    }

    /// Whether there is such an account that is not being removed.
    pub(super) fn known(&self, account: AccountId) -> Result<(), Misuse> {
        match self.active(account) {
            Some(active) if !active.is_being_removed() => Ok(()),
            _ => Err(Misuse::UnknownAccount(account)),
        }
    }
}
