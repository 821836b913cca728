//! The list of users: what a new one changes, and whether its passwords serve the algorithms that are offered.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use offhook_wire::digest::{Algorithm, Password};

use crate::config::Config;

/// What a new list of users changed. Names are user parts of addresses-of-record, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChanges {
    /// Not listed before.
    pub added: Vec<String>,
    /// Not listed any more.
    pub removed: Vec<String>,
    /// Listed before and now, with different passwords.
    pub changed: Vec<String>,
}

/// A user without a password for an algorithm that is offered: a phone that chooses it could never register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// User part of the address-of-record.
    pub user: String,
    /// What none of the passwords serves.
    pub algorithm: Algorithm,
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, algorithm) = (&self.user, self.algorithm.name());
        write!(
            f,
            "the user {user} has no password hash for {algorithm}, which is offered: add it, or offer less"
        )
    }
}

impl Error for Uncovered {}

impl Config {
    /// Replaces [`Config::users`]. A user is changed if the new passwords accept other credentials than the old ones did for some
    /// algorithm that is offered: a hash in the place of the password it was made from changes nothing.
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

    /// The first user without a password for one of [`Config::algorithms`]. The challenges are written before it is known which user
    /// answers them, so each user needs a password for each.
    pub fn uncovered(&self) -> Option<Uncovered> {
        self.users.iter().find_map(|(user, passwords)| {
            let mut offered = self.algorithms.iter();
            let algorithm = offered.find(|algorithm| serving(passwords, **algorithm).is_none())?;
            Some(Uncovered { user: user.clone(), algorithm: *algorithm })
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

/// The password that can check an answer to a challenge with this algorithm.
pub(crate) fn serving(passwords: &[Password], algorithm: Algorithm) -> Option<&Password> {
    passwords.iter().find(|password| password.serves(algorithm))
}
