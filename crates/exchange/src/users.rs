//! Changes of the list of users, and passwords missing in it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use offhook_wire::digest::{Algorithm, Password};

use crate::config::Config;

/// The difference between two lists of users. Names are user parts of addresses-of-record, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// Not listed before.
    pub added: Vec<String>,
    /// Not listed any more.
    pub removed: Vec<String>,
    /// Listed before and now, with different passwords.
    pub changed: Vec<String>,
}

/// A user without a password for an offered algorithm: a phone that chooses this algorithm could never register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPassword {
    /// User part of the address-of-record.
    pub user: String,
    /// The algorithm without a password.
    pub algorithm: Algorithm,
}

impl fmt::Display for MissingPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, algorithm) = (&self.user, self.algorithm.name());
        write!(
            f,
            "user {user} has no password hash for {algorithm}, which is offered: add it, or do not offer {algorithm}"
        )
    }
}

impl Error for MissingPassword {}

impl Config {
    /// Replaces [`Config::users`]. A user counts as changed if the new passwords accept different credentials for an
    /// offered algorithm: replacing a password by its own hash is no change.
    pub fn set_users(&mut self, users: BTreeMap<String, Vec<Password>>) -> UserChanges {
        let missing_in = |other: &BTreeMap<String, Vec<Password>>, name: &&String| !other.contains_key(*name);
        let changes = UserChanges {
            added: users.keys().filter(|name| missing_in(&self.users, name)).cloned().collect(),
            removed: self.users.keys().filter(|name| missing_in(&users, name)).cloned().collect(),
            changed: users
                .iter()
                .filter(|(name, new)| self.users.get(*name).is_some_and(|old| !self.is_same(name, old, new)))
                .map(|(name, _)| name.clone())
                .collect(),
        };
        self.users = users;
        changes
    }

    /// The first user without a password for one of [`Config::algorithms`]. Challenges are sent before the user is
    /// known, so each user needs a password for each algorithm.
    pub fn missing_password(&self) -> Option<MissingPassword> {
        self.users.iter().find_map(|(user, passwords)| {
            let mut offered = self.algorithms.iter();
            let algorithm = offered.find(|algorithm| serving(passwords, **algorithm).is_none())?;
            Some(MissingPassword { user: user.clone(), algorithm: *algorithm })
        })
    }

    fn is_same(&self, user: &str, old: &[Password], new: &[Password]) -> bool {
        let hash = |passwords, algorithm| {
            Some(match serving(passwords, algorithm)? {
                Password::Plain(secret) => Password::ha1(algorithm.base(), user, &self.realm, secret),
                Password::Ha1 { hex, .. } => Password::Ha1 { algorithm: algorithm.base(), hex: hex.clone() },
            })
        };
        old == new || self.algorithms.iter().all(|&offered| hash(old, offered) == hash(new, offered))
    }
}

/// The password that verifies credentials of this algorithm.
pub(crate) fn serving(passwords: &[Password], algorithm: Algorithm) -> Option<&Password> {
    passwords.iter().find(|password| password.serves(algorithm))
}
