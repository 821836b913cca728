//! The actions of users on their accounts.

use offhook::{AccountCommand, AccountId, Command, EffectId, EffectResult, Input, RegistrationState};

use super::World;
use crate::node::credentials;
use crate::oracle::Observation;
use crate::scenario::{GivenPassword, Replacement, UserAction};

impl World {
    pub(super) fn perform_on_account(&mut self, phone: usize, action: &UserAction) {
        let id = self.phones[phone].account.id;
        match (action, id) {
            (UserAction::AddAccount, None) => self.adds_account(phone),
            (UserAction::RemoveAccount, Some(id)) => self.removes_account(phone, id),
            (UserAction::ReplaceAccount(how), Some(id)) => self.replaces_account(phone, id, *how),
            (UserAction::GivePassword(given), Some(id)) => self.gives_password(phone, id, *given),
            (UserAction::Register, Some(id)) => {
                self.phones[phone].should_be_registered = true;
                self.give_to_account(phone, id, AccountCommand::Register);
            }
            (UserAction::Unregister, Some(id)) => {
                self.phones[phone].should_be_registered = false;
                self.give_to_account(phone, id, AccountCommand::Unregister);
            }
            _ => {}
        }
    }

    fn give_to_account(&mut self, phone: usize, account: AccountId, command: AccountCommand) {
        self.give(phone, Command::Account { account, command });
    }

    fn adds_account(&mut self, phone: usize) {
        let node = &mut self.phones[phone];
        let (id, config) = (node.next_account(), node.account.config());
        node.account.id = Some(id);
        node.should_be_registered = true;
        self.give_to_account(phone, id, AccountCommand::Add(Box::new(config)));
    }

    fn removes_account(&mut self, phone: usize, id: AccountId) {
        let node = &mut self.phones[phone];
        (node.account.id, node.account.asked) = (None, None);
        (node.connection, node.registration, node.should_be_registered) = (None, None, false);
        self.give_to_account(phone, id, AccountCommand::Remove);
    }

    fn replaces_account(&mut self, phone: usize, id: AccountId, how: Replacement) {
        let node = &mut self.phones[phone];
        node.account.replace(how);
        let mut config = node.account.config();
        config.register = node.should_be_registered;
        self.give_to_account(phone, id, AccountCommand::Replace(Box::new(config)));
    }

    /// Gives credentials to a phone that asks for them, or without being asked. With the right ones a registration that has failed
    /// begins again.
    fn gives_password(&mut self, phone: usize, id: AccountId, given: GivenPassword) {
        let node = &mut self.phones[phone];
        if given != GivenPassword::Nothing {
            node.account.password = given;
            node.account.guessed |= given == GivenPassword::Wrong;
        }
        match (node.account.asked.take(), credentials(given)) {
            (Some(effect), credentials) => {
                self.note_phone(phone, || UserAction::GivePassword(given).to_string());
                let result = EffectResult::Credentials(credentials);
                self.phone_input(phone, Input::Done { effect, result });
            }
            (None, Some(credentials)) => {
                self.give_to_account(phone, id, AccountCommand::SetCredentials(credentials));
            }
            (None, None) => {}
        }
        let node = &self.phones[phone];
        let failed = matches!(node.registration, Some(RegistrationState::Failed(_)));
        if failed && given == GivenPassword::Right && node.should_be_registered {
            self.give_to_account(phone, id, AccountCommand::Register);
        }
    }

    /// In the end each user gives the right password.
    pub(super) fn give_late_passwords(&mut self) {
        for phone in 0..self.phones.len() {
            let node = &self.phones[phone];
            if node.setup.late_password && node.alive && !node.account.has_right_password() {
                self.perform_on_account(phone, &UserAction::GivePassword(GivenPassword::Right));
            }
        }
    }

    /// A phone asks for credentials: its user may give them later.
    pub(super) fn credentials_asked(
        &mut self,
        phone: usize,
        account: AccountId,
        effect: EffectId,
        realm: &str,
    ) {
        self.observe(&Observation::CredentialsAsked { phone, account, realm });
        let node = &mut self.phones[phone];
        if node.account.id == Some(account) {
            node.account.asked = Some(effect);
        }
        self.note_phone(phone, || "asks for credentials".to_owned());
    }
}
