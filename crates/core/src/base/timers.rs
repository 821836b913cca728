use super::machine::StateName;
use super::name::{AccountTimer, Machine, Timer};
use crate::api::deadline::{Deadline, DeadlineKind, PendingTimer};
use offhook_wire::Instant;
use std::num::NonZeroU64;

impl Timer {
    fn kind(self) -> DeadlineKind {
        match self {
            Timer::Client(..) | Timer::Server(..) => DeadlineKind::Transaction,
            Timer::Account(_, AccountTimer::Register) => DeadlineKind::Registration,
            Timer::Account(..) => DeadlineKind::Connection,
            Timer::Session(..) => DeadlineKind::Session,
            Timer::Request(_) => DeadlineKind::Request,
        }
    }

    fn pending(self, at: Instant) -> PendingTimer {
        let (machine, name) = match self {
            Timer::Client(tx, timer) => (Some(tx.into()), timer.name()),
            Timer::Server(tx, timer) => (Some(tx.into()), timer.name()),
            Timer::Account(account, timer @ AccountTimer::Register) => {
                (Some(Machine::Registration(account)), timer.name())
            }
            Timer::Account(_, timer) => (None, timer.name()),
            Timer::Session(session, timer) => (Some(Machine::Session(session)), timer.name()),
            Timer::Request(request) => (Some(Machine::Request(request)), "credentials"),
        };
        PendingTimer { at, kind: self.kind(), machine, name }
    }
}

/// A pending timer, to cancel it. Cancelling a timer that has fired does nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimerId(NonZeroU64);

/// The queue of all timers of a phone: by time, and for equal times in the order of setting.
///
/// A binary heap of 16-byte entries beside a table of timers, which has the position of each in the heap. Most SIP timers are long
/// and most are cancelled: setting one usually appends to the end of the heap. Every operation costs O(log n), so that none is
/// expensive with many calls.
pub(crate) struct Timers {
    heap: Vec<Entry>,
    slots: Vec<Slot>,
    free: u32,
    sequence: u64,
}

/// The upper bits of `order` are a sequence number, the lower ones a slot, so comparing entries compares (time, order of setting).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    order: NonZeroU64,
}

enum Slot {
    Used { timer: Timer, position: u32 },
    Free { next: u32 },
}

const SLOT_BITS: u32 = 24;
const NO_SLOT: u32 = u32::MAX;

impl Timers {
    pub(crate) fn new() -> Self {
        Self { heap: Vec::new(), slots: Vec::new(), free: NO_SLOT, sequence: 0 }
    }

    pub(crate) fn set(&mut self, at: Instant, timer: Timer) -> TimerId {
        let slot = if self.free == NO_SLOT { self.slots.len() as u32 } else { self.free };
        assert!(slot < 1 << SLOT_BITS, "16 million timers: something sets them without bound");
        self.sequence += 1;
        let order =
            NonZeroU64::new(self.sequence << SLOT_BITS | u64::from(slot)).expect("sequence starts at 1");
        let position = self.heap.len();
        let used = Slot::Used { timer, position: position as u32 };
        match self.slots.get_mut(slot as usize) {
            None => self.slots.push(used),
            Some(slot) => {
                let Slot::Free { next } = *slot else { unreachable!("the free list has free slots only") };
                self.free = next;
                *slot = used;
            }
        }
        self.heap.push(Entry { at, order });
        self.rise(position);
        TimerId(order)
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        let Some(Slot::Used { position, .. }) = self.slots.get(slot_of(id.0)) else { return };
        // The slot may be that of a later timer.
        if self.heap[*position as usize].order == id.0 {
            self.remove(*position as usize);
        }
    }

    /// Removes and returns the first timer that is due, if there is one.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Timer> {
        let first = self.heap.first()?;
        (first.at <= now).then(|| self.remove(0))
    }

    /// The time of the first timer, and its kind.
    pub(crate) fn next(&self) -> Option<Deadline> {
        let first = self.heap.first()?;
        Some(Deadline { at: first.at, kind: self.timer(first).kind() })
    }

    /// The pending timers, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PendingTimer> {
        self.heap.iter().map(|entry| self.timer(entry).pending(entry.at))
    }

    /// The pending timers, in the order in which they will fire.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (Instant, Timer)> {
        let mut entries = self.heap.clone();
        entries.sort_unstable();
        entries.into_iter().map(|entry| (entry.at, self.timer(&entry)))
    }

    /// How many pending timers are of calls.
    pub(crate) fn of_calls(&self) -> usize {
        self.heap.iter().filter(|entry| matches!(self.timer(entry), Timer::Session(..))).count()
    }

    /// How many timers are pending.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    fn timer(&self, entry: &Entry) -> Timer {
        let Slot::Used { timer, .. } = self.slots[slot_of(entry.order)] else {
            unreachable!("an entry has a used slot")
        };
        timer
    }

    fn remove(&mut self, position: usize) -> Timer {
        let entry = self.heap.swap_remove(position);
        let timer = self.timer(&entry);
        self.slots[slot_of(entry.order)] = Slot::Free { next: self.free };
        self.free = slot_of(entry.order) as u32;
        if let Some(moved) = self.heap.get(position) {
            if *moved < entry { self.rise(position) } else { self.sink(position) }
        }
        timer
    }

    /// Puts an entry at a position of the heap.
    fn place(&mut self, at: usize, entry: Entry) {
        self.heap[at] = entry;
        if let Slot::Used { position, .. } = &mut self.slots[slot_of(entry.order)] {
            *position = at as u32;
        }
    }

    fn rise(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= entry {
                break;
            }
            self.place(at, self.heap[parent]);
            at = parent;
        }
        self.place(at, entry);
    }

    fn sink(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let left = 2 * at + 1;
            let Some(mut least) = self.heap.get(left).map(|_| left) else { break };
            if self.heap.get(left + 1).is_some_and(|right| *right < self.heap[left]) {
                least = left + 1;
            }
            if entry <= self.heap[least] {
                break;
            }
            self.place(at, self.heap[least]);
            at = least;
        }
        self.place(at, entry);
    }
}

fn slot_of(order: NonZeroU64) -> usize {
    (order.get() & ((1 << SLOT_BITS) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionId;
    use crate::base::name::SessionTimer;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn timer(n: u32) -> Timer {
        Timer::Session(SessionId::new(n as usize, n), SessionTimer::NoAnswer)
    }

    #[test]
    fn a_timer_is_small() {
        assert!(size_of::<Timer>() <= 16, "{}", size_of::<Timer>());
        assert_eq!(size_of::<Option<TimerId>>(), 8);
        assert_eq!(size_of::<Entry>(), 16);
    }

    #[test]
    fn equal_times_fire_in_the_order_of_setting() {
        let mut timers = Timers::new();
        let at = Instant::from_nanos(5);
        for n in 0..9 {
            timers.set(at, timer(n));
        }
        let fired: Vec<Timer> = std::iter::from_fn(|| timers.due(at)).collect();
        assert_eq!(fired, (0..9).map(timer).collect::<Vec<_>>());
    }

    #[test]
    fn the_deadline_is_never_that_of_a_cancelled_timer() {
        let mut timers = Timers::new();
        let first = timers.set(Instant::from_nanos(1), timer(1));
        timers.set(Instant::from_nanos(2), timer(2));
        timers.cancel(first);
        timers.cancel(first);
        assert_eq!(timers.next().map(|d| d.at), Some(Instant::from_nanos(2)));
        assert_eq!(timers.len(), 1);
        assert_eq!(timers.due(Instant::from_nanos(1)), None);
    }

    #[test]
    fn cancelled_timers_do_not_accumulate() {
        let mut timers = Timers::new();
        timers.set(Instant::ZERO, timer(0));
        for n in 1..10_000 {
            let id = timers.set(Instant::from_nanos(u64::from(n)), timer(n));
            timers.cancel(id);
        }
        assert!(timers.heap.len() == 1 && timers.slots.len() == 2);
    }

    proptest! {
        /// Compared with a simple model: a map by (time, order of setting).
        #[test]
        fn behaves_like_a_sorted_map(steps in prop::collection::vec((0u8..4, 0u64..50), 1..400)) {
            let mut timers = Timers::new();
            let mut model: BTreeMap<(u64, u32), TimerId> = BTreeMap::new();
            for (n, (step, value)) in steps.into_iter().enumerate() {
                let n = n as u32;
                match step {
                    0 | 1 => {
                        let id = timers.set(Instant::from_nanos(value), timer(n));
                        model.insert((value, n), id);
                    }
                    2 => {
                        let nth = model.keys().nth(value as usize % model.len().max(1)).copied();
                        if let Some(id) = nth.and_then(|key| model.remove(&key)) {
                            timers.cancel(id);
                        }
                    }
                    _ => {
                        let expected = model.first_key_value().filter(|((at, _), _)| *at <= value).map(|(key, _)| *key);
                        if let Some(key) = expected {
                            model.remove(&key);
                        }
                        prop_assert_eq!(timers.due(Instant::from_nanos(value)), expected.map(|(_, n)| timer(n)));
                    }
                }
                prop_assert_eq!(timers.len(), model.len());
                let mut set: Vec<u64> = timers.iter().map(|pending| pending.at.as_nanos()).collect();
                set.sort_unstable();
                prop_assert_eq!(set, model.keys().map(|(at, _)| *at).collect::<Vec<_>>());
                let first = model.first_key_value().map(|((at, _), _)| Instant::from_nanos(*at));
                prop_assert_eq!(timers.next().map(|d| d.at), first);
            }
        }
    }
}
