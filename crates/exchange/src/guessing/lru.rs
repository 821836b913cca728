//! A map with least-recently-used eviction.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// A map of at most `capacity` entries; a new entry replaces the one changed least recently.
pub(super) struct LruMap<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    last: u64,
    capacity: usize,
}

impl<K: Ord + Clone, V: Default> LruMap<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), order: BTreeMap::new(), last: 0, capacity: capacity.max(1) }
    }

    pub(super) fn get<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// The entry for a change, created if necessary.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        if !self.entries.contains_key(&key)
            && self.entries.len() >= self.capacity
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
    fn entry_changed_least_recently_is_evicted() {
        let mut map: LruMap<u8, u8> = LruMap::new(2);
        *map.entry(1) = 10;
        *map.entry(2) = 20;
        *map.entry(1) += 1;
        map.entry(3);
        assert_eq!((map.get(&1).copied(), map.get(&2).copied(), map.len()), (Some(11), None, 2));
        map.remove(&1);
        map.entry(4);
        assert_eq!((map.get(&3).copied(), map.len()), (Some(0), 2));
    }
}
