//! Commands for accounts.

use crate::phone::Phone;
use crate::{AccountCommand, AccountId, Command, Input, Instant, Misuse};

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
        self.known(account)?;
        match command {
            AccountCommand::Register => {
                self.with_account(account, |account, cx, txs| account.register(cx, txs))
            }
            AccountCommand::Unregister => {
                self.with_account(account, |account, cx, txs| account.unregister(cx, txs))
            }
            _ => return Err(Misuse::UnknownAccount(account)),
        }
        Ok(())
    }

    pub(super) fn known(&self, account: AccountId) -> Result<(), Misuse> {
        if usize::from(account.0) < self.accounts.len() {
            Ok(())
        } else {
            Err(Misuse::UnknownAccount(account))
        }
    }
}
