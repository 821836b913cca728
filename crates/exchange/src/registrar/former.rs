//! The users of contacts that were lost with their connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use offhook_wire::Instant;
use sha2::{Digest, Sha256};

/// How long the user of a lost contact is remembered: most calls are shorter.
const MEMORY: Duration = Duration::from_secs(3600);
/// How many lost contacts of each user are remembered.
const PER_USER: usize = 16;

type Key = [u8; 16];

/// The last users of lost contacts, for lookups of a contact without a user.
#[derive(Default)]
pub(super) struct FormerOwners {
    owners: BTreeMap<Key, Former>,
    of_user: BTreeMap<String, VecDeque<Key>>,
}

struct Former {
    user: String,
    /// The serial of its first registration of the contact.
    since: u64,
    until: Instant,
}

impl FormerOwners {
    /// The user that lost this contact within the last hour.
    pub(super) fn of(&self, now: Instant, contact: &[u8]) -> Option<&str> {
        self.get(now, contact).map(|former| former.user.as_str())
    }

    /// The serial of this user's first registration of a contact that it lost.
    pub(super) fn since(&self, now: Instant, contact: &[u8], user: &str) -> Option<u64> {
        self.get(now, contact).filter(|former| former.user == user).map(|former| former.since)
    }

    fn get(&self, now: Instant, contact: &[u8]) -> Option<&Former> {
        self.owners.get(&key(contact)).filter(|former| now < former.until)
    }

    /// Records that a user lost a contact. An earlier user of the contact keeps it.
    pub(super) fn lost(&mut self, now: Instant, contact: &[u8], user: &str, since: u64) {
        if self.of(now, contact).is_some_and(|former| former != user) {
            return;
        }
        let key = key(contact);
        let former = Former { user: user.to_owned(), since, until: now + MEMORY };
        if let Some(before) = self.owners.insert(key, former) {
            self.forget(&before.user, key);
        }
        let keys = self.of_user.entry(user.to_owned()).or_default();
        keys.push_back(key);
        if keys.len() > PER_USER
            && let Some(oldest) = keys.pop_front()
        {
            self.owners.remove(&oldest);
        }
    }

    /// Records that a user removed a contact.
    pub(super) fn released(&mut self, contact: &[u8], user: &str) {
        let key = key(contact);
        if self.owners.get(&key).is_some_and(|former| former.user == user) {
            self.owners.remove(&key);
            self.forget(user, key);
        }
    }

    fn forget(&mut self, user: &str, key: Key) {
        if let Some(keys) = self.of_user.get_mut(user) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.of_user.remove(user);
            }
        }
    }
}

fn key(contact: &[u8]) -> Key {
    let hash = Sha256::digest(contact);
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::ZERO;

    #[test]
    fn contact_stays_with_the_user_that_lost_it_first() {
        let mut former = FormerOwners::default();
        former.lost(START, b"contact", "bob", 7);
        former.lost(START, b"contact", "carol", 8);
        assert_eq!(former.of(START, b"contact"), Some("bob"));
        assert_eq!(former.since(START, b"contact", "bob"), Some(7));
        assert_eq!(former.since(START, b"contact", "carol"), None);
        assert_eq!(former.of(START + MEMORY, b"contact"), None);
        former.lost(START + MEMORY, b"contact", "carol", 9);
        assert_eq!(former.of(START + MEMORY, b"contact"), Some("carol"));
        assert_eq!(former.of_user.len(), 1);
    }

    #[test]
    fn only_its_user_releases_a_contact() {
        let mut former = FormerOwners::default();
        former.lost(START, b"contact", "bob", 1);
        former.released(b"contact", "carol");
        assert_eq!(former.of(START, b"contact"), Some("bob"));
        former.released(b"contact", "bob");
        assert_eq!((former.owners.len(), former.of_user.len()), (0, 0));
    }

    #[test]
    fn bound_of_one_user_does_not_affect_another() {
        let mut former = FormerOwners::default();
        former.lost(START, b"contact", "bob", 1);
        for index in 0..100_u8 {
            former.lost(START, &[index], "carol", 2);
        }
        assert_eq!(former.of(START, b"contact"), Some("bob"));
        assert_eq!(former.of(START, &[83]), None);
        assert_eq!(former.of(START, &[84]), Some("carol"));
        assert_eq!(former.owners.len(), 1 + PER_USER);
    }
}
