use crate::{Account, Password};

/// A command for an account.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AccountCommand {
    /// Add an account, which connects and registers as its configuration says. Its identifier is that of
    /// [`Phone::next_account`](crate::Phone::next_account).
    Add(Box<Account>),
    /// Replace the configuration of an account. If its address of record or its servers change, the binding at the old registrar
    /// is removed first, and then the phone connects to the new servers. Calls continue, over the new connection.
    Replace(Box<Account>),
    /// Remove an account: its calls are ended, its binding is removed, its connection is closed, and then
    /// [`AccountEvent::Removed`](crate::AccountEvent::Removed) is emitted.
    Remove,
    /// Register: again after a failure or an unregistration, or now instead of after the back-off.
    Register,
    /// Unregister. Calls continue.
    Unregister,
    /// Set the credentials, from now on. Requests that wait for credentials are sent with them. A registration that has failed
    /// is retried by [`Register`](Self::Register).
    SetCredentials(Credentials),
}

/// The name and password for digest authentication.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The user name, if it is not [`Account::username`](crate::Account::username) or the user part of the address of record.
    pub username: Option<String>,
    /// The password, or its hash.
    pub password: Password,
}

impl Credentials {
    /// Credentials with the user name of the account.
    pub fn new(password: Password) -> Self {
        Self { username: None, password }
    }

    /// With this user name.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }
}
