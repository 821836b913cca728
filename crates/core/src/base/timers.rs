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
            Timer::Account(..) => DeadlineKind::Flow,
            Timer::Session(..) => DeadlineKind::Session,
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
        };
        PendingTimer { at, kind: self.kind(), machine, name }
    }
}

/// A pending timer, to cancel it. Cancelling a timer that has fired does nothing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimerId(NonZeroU64);

/// The queue of all timers of a phone: by time, and for equal times in the order of setting.
///
/// A binary heap of 16-byte entries beside a table of timers. Most SIP timers are long and most are cancelled:
/// setting one appends to the end of the heap, cancelling one only frees its slot in the table, and the dead entry
/// is removed when it comes to the top, or with all others when there are more dead entries than live ones.
pub(crate) struct Timers {
    heap: Vec<Entry>,
    places: Vec<Place>,
    free: u32,
    live: usize,
    sequence: u64,
}

/// The upper bits of `order` are a sequence number, the lower ones a slot, so comparing entries compares (time, order of setting).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    order: NonZeroU64,
}

enum Place {
    Live { order: NonZeroU64, timer: Timer },
    Free { next: u32 },
}

const PLACE_BITS: u32 = 24;
const NO_PLACE: u32 = u32::MAX;

impl Timers {
    pub(crate) fn new() -> Self {
        Self { heap: Vec::new(), places: Vec::new(), free: NO_PLACE, live: 0, sequence: 0 }
    }

    pub(crate) fn set(&mut self, at: Instant, timer: Timer) -> TimerId {
        let place = if self.free == NO_PLACE { self.places.len() as u32 } else { self.free };
        assert!(place < 1 << PLACE_BITS, "16 million timers: something sets them without bound");
        self.sequence += 1;
        let order =
            NonZeroU64::new(self.sequence << PLACE_BITS | u64::from(place)).expect("sequence starts at 1");
        match self.places.get_mut(place as usize) {
            None => self.places.push(Place::Live { order, timer }),
            Some(slot) => {
                let Place::Free { next } = *slot else { unreachable!("the free list has free slots only") };
                self.free = next;
                *slot = Place::Live { order, timer };
            }
        }
        self.live += 1;
        self.heap.push(Entry { at, order });
        self.rise(self.heap.len() - 1);
        TimerId(order)
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        if self.release(id.0).is_none() {
            return;
        }
        if self.heap.len() > 16 && self.live < self.heap.len() / 2 {
            let places = &self.places;
            self.heap.retain(|entry| is_live(places, entry.order));
            self.heap.sort_unstable();
        } else {
            self.settle();
        }
    }

    /// Removes and returns the first timer that is due, if there is one.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Timer> {
        let first = *self.heap.first()?;
        if first.at > now {
            return None;
        }
        let timer = self.release(first.order).expect("the top of the heap is live");
        self.settle();
        Some(timer)
    }

    /// The time of the first timer, and its kind.
    pub(crate) fn next(&self) -> Option<Deadline> {
        let first = self.heap.first()?;
        let Place::Live { timer, .. } = &self.places[place_of(first.order)] else {
            unreachable!("the top of the heap is live")
        };
        Some(Deadline { at: first.at, kind: timer.kind() })
    }

    /// The pending timers, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PendingTimer> {
        self.heap.iter().filter_map(|entry| match &self.places[place_of(entry.order)] {
            Place::Live { order, timer } if *order == entry.order => Some(timer.pending(entry.at)),
            _ => None,
        })
    }

    /// The pending timers, in the order in which they will fire.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (Instant, Timer)> {
        let mut entries = self.heap.clone();
        entries.sort_unstable();
        entries.into_iter().filter_map(|entry| match &self.places[place_of(entry.order)] {
            Place::Live { order, timer } if *order == entry.order => Some((entry.at, *timer)),
            _ => None,
        })
    }

    /// How many pending timers are of calls.
    pub(crate) fn of_calls(&self) -> usize {
        let of_call = |place: &&Place| matches!(place, Place::Live { timer: Timer::Session(..), .. });
        self.places.iter().filter(of_call).count()
    }

    /// How many timers are pending.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    fn release(&mut self, order: NonZeroU64) -> Option<Timer> {
        let place = place_of(order);
        match &self.places[place] {
            Place::Live { order: current, timer } if *current == order => {
                let timer = *timer;
                self.places[place] = Place::Free { next: self.free };
                self.free = place as u32;
                self.live -= 1;
                Some(timer)
            }
            _ => None,
        }
    }

    /// Restores the invariant that the top of the heap is live.
    fn settle(&mut self) {
        while let Some(first) = self.heap.first()
            && !is_live(&self.places, first.order)
        {
            self.heap.swap_remove(0);
            self.sink(0);
        }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= self.heap[at] {
                return;
            }
            self.heap.swap(parent, at);
            at = parent;
        }
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let right = left + 1;
            let Some(mut least) = self.heap.get(left).map(|_| left) else { return };
            if right < self.heap.len() && self.heap[right] < self.heap[left] {
                least = right;
            }
            if self.heap[at] <= self.heap[least] {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }
}

fn place_of(order: NonZeroU64) -> usize {
    (order.get() & ((1 << PLACE_BITS) - 1)) as usize
}

fn is_live(places: &[Place], order: NonZeroU64) -> bool {
    matches!(&places[place_of(order)], Place::Live { order: current, .. } if *current == order)
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
        assert!(timers.heap.len() <= 17 && timers.places.len() <= 2);
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
