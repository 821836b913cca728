//! The runtime's part of the accounts of a phone: their registrations, and the local addresses of their connections.

use offhook::{AccountId, Config, RegistrationState};
use std::collections::BTreeMap;
use std::net::IpAddr;
use tokio::sync::watch;

/// The registrations of all accounts, for the handle of the phone.
pub(crate) type Registrations = BTreeMap<AccountId, Registration>;

/// The registration of an account.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Registration {
    /// Whether its configuration requests one.
    pub(crate) wanted: bool,
    pub(crate) state: RegistrationState,
}

pub(super) struct Accounts {
    registrations: watch::Sender<Registrations>,
    /// The local address of each account's latest connection.
    local_addresses: BTreeMap<AccountId, IpAddr>,
}

impl Accounts {
    /// The accounts of a configuration.
    pub(super) fn new(config: &Config) -> (Self, watch::Receiver<Registrations>) {
        let list = (0..).map(AccountId).zip(&config.accounts);
        let list = list.map(|(id, account)| (id, Registration::new(account.register)));
        let (registrations, watched) = watch::channel(list.collect());
        (Self { registrations, local_addresses: BTreeMap::new() }, watched)
    }

    /// An account was added, or its configuration was replaced.
    pub(super) fn set_wanted(&self, account: AccountId, wanted: bool) {
        self.registrations.send_modify(|list| {
            list.entry(account).or_insert_with(|| Registration::new(wanted)).wanted = wanted;
        });
    }

    /// The registration of an account changed.
    pub(super) fn set_state(&self, account: AccountId, state: RegistrationState) {
        self.registrations.send_modify(|list| {
            if let Some(registration) = list.get_mut(&account) {
                registration.state = state;
            }
        });
    }

    pub(super) fn remove(&mut self, account: AccountId) {
        self.local_addresses.remove(&account);
        self.registrations.send_modify(|list| {
            list.remove(&account);
        });
    }

    pub(super) fn set_local_address(&mut self, account: AccountId, local: Option<IpAddr>) {
        match local {
            Some(local) => self.local_addresses.insert(account, local),
            None => self.local_addresses.remove(&account),
        };
    }

    /// The local address of the connection to the account's server.
    pub(super) fn local_address(&self, account: AccountId) -> Option<IpAddr> {
        self.local_addresses.get(&account).copied()
    }

    pub(super) fn ids(&self) -> Vec<AccountId> {
        self.registrations.borrow().keys().copied().collect()
    }

    /// Whether no account is registered or being registered.
    pub(super) fn are_unregistered(&self) -> bool {
        use RegistrationState::{Failed, Unregistered};
        self.registrations.borrow().values().all(|one| matches!(one.state, Unregistered | Failed(_)))
    }
}

impl Registration {
    fn new(wanted: bool) -> Self {
        Self { wanted, state: RegistrationState::Unregistered }
    }
}
