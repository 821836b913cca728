//! A map that remembers what was used last.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// At most so many entries; a new one takes the place of that which was changed the longest time ago.
pub(super) struct Recent<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    last: u64,
    room: usize,
}

impl<K: Ord + Clone, V: Default> Recent<K, V> {
    pub(super) fn new(room: usize) -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), last: 0, room: room.max(1) }
    }

    pub(super) fn get<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// The entry, to be changed.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        if !self.entries.contains_key(&key)
            && self.entries.len() >= self.room
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.last += 1;
        let (used, value) = self.entries.entry(key.clone()).or_default();
        self.order.remove(used);
        *used = self.last;
        self.order.insert(self.last, key);
        value
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Some((used, _)) = self.entries.remove(key) {
            self.order.remove(&used);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.entries.len(), self.order.len());
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_was_changed_the_longest_time_ago_makes_room() {
        let mut recent: Recent<u8, u8> = Recent::new(2);
        *recent.entry(1) = 10;
        *recent.entry(2) = 20;
        *recent.entry(1) += 1;
        recent.entry(3);
        assert_eq!((recent.get(&1).copied(), recent.get(&2).copied(), recent.len()), (Some(11), None, 2));
        recent.remove(&1);
        recent.entry(4);
        assert_eq!((recent.get(&3).copied(), recent.len()), (Some(0), 2));
    }
}
