use crate::machine::{Edges, Table, Word};
use crate::marks::Mark;
use crate::{AccountId, FlowId, SessionId};
use offhook_wire::Instant;
use std::fmt;

/// One transition of one state machine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Which machine.
    pub machine: Machine,
    /// The state before.
    pub from: &'static str,
    /// What moved it.
    pub cause: &'static str,
    /// The state after.
    pub to: &'static str,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, machine, from, cause, to } = self;
        let micros = at.as_nanos() / 1000;
        write!(f, "{:>6}.{:06} {machine}: {from} --{cause}--> {to}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A state machine of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// A client transaction, by its place; places are used again.
    Client(u32),
    /// A server transaction, by its place; places are used again.
    Server(u32),
    /// A connection.
    Flow(FlowId),
    /// The registration of an account.
    Registration(AccountId),
    /// A call.
    Session(SessionId),
    /// Offer and answer of a call.
    Negotiation(SessionId),
    /// A transfer of a call.
    Transfer(SessionId),
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Machine::Client(place) => write!(f, "client {place}"),
            Machine::Server(place) => write!(f, "server {place}"),
            Machine::Flow(flow) => write!(f, "flow {}", flow.0),
            Machine::Registration(account) => write!(f, "registration {}", account.0),
            Machine::Session(session) => write!(f, "session {session}"),
            Machine::Negotiation(session) => write!(f, "negotiation {session}"),
            Machine::Transfer(session) => write!(f, "transfer {session}"),
        }
    }
}

/// The last transitions of a phone: a ring that forgets the oldest.
pub(crate) struct Trace {
    capacity: usize,
    ring: Vec<Step>,
    oldest: usize,
    count: u64,
    #[cfg(any(test, feature = "marks"))]
    marks: crate::marks::Marks,
}

/// A [`Record`] before its words are looked up, half the size.
#[derive(Copy, Clone)]
struct Step {
    at: Instant,
    machine: Machine,
    edge: u16,
    table: &'static dyn Edges,
}

impl Trace {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            ring: Vec::new(),
            oldest: 0,
            count: 0,
            #[cfg(any(test, feature = "marks"))]
            marks: crate::marks::Marks::default(),
        }
    }

    /// Notes that this place was reached, where marks are counted.
    #[inline]
    pub(crate) fn mark(&mut self, mark: Mark) {
        #[cfg(any(test, feature = "marks"))]
        self.marks.reach(mark);
        #[cfg(not(any(test, feature = "marks")))]
        let _ = mark;
    }

    #[cfg(any(test, feature = "marks"))]
    pub(crate) fn marks(&self) -> &crate::marks::Marks {
        &self.marks
    }

    /// Records a transition. An edge that the machine's table does not have is a bug of ours, and stops it here.
    pub(crate) fn step<S: Word + Sync, C: Word + Sync>(
        &mut self,
        at: Instant,
        machine: Machine,
        table: &'static Table<S, C>,
        from: S,
        cause: C,
        to: S,
    ) {
        let Some(edge) = table.find(from, cause, to) else {
            panic!("{machine}: no edge {} --{}--> {}", from.word(), cause.word(), to.word())
        };
        #[cfg(any(test, feature = "marks"))]
        self.marks.reach_edge(table, edge);
        self.count += 1;
        let step = Step { at, machine, edge: edge as u16, table };
        if self.ring.len() < self.capacity {
            self.ring.push(step);
        } else if let Some(oldest) = self.ring.get_mut(self.oldest) {
            *oldest = step;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// Goes on after so many that are forgotten.
    pub(crate) fn resume(&mut self, count: u64) {
        self.ring.clear();
        (self.oldest, self.count) = (0, count);
    }

    /// How many there were, those that are forgotten included.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// What is remembered of those after the first `count`, oldest first.
    pub(crate) fn records_after(&self, count: u64) -> impl Iterator<Item = Record> {
        let new =
            usize::try_from(self.count.saturating_sub(count)).unwrap_or(usize::MAX).min(self.ring.len());
        let (newer, older) = self.ring.split_at(self.oldest);
        older.iter().chain(newer).skip(self.ring.len() - new).map(|step| step.record())
    }

    /// What is remembered, oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.records_after(0)
    }
}

impl Step {
    fn record(self) -> Record {
        let [from, cause, to] = self.table.words(usize::from(self.edge));
        Record { at: self.at, machine: self.machine, from, cause, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::words;

    words! {
        enum Door { Open = "open", Shut = "shut" }
    }
    words! {
        enum Wind { Blow = "blow" }
    }
    static DOOR: Table<Door, Wind> =
        Table(&[(Door::Open, Wind::Blow, Door::Shut), (Door::Shut, Wind::Blow, Door::Open)]);

    #[test]
    fn the_ring_keeps_the_last_ones_in_order() {
        let mut trace = Trace::new(2);
        for n in 0..5 {
            let (from, to) = if n % 2 == 0 { (Door::Open, Door::Shut) } else { (Door::Shut, Door::Open) };
            trace.step(Instant::from_nanos(n * 1000), Machine::Client(n as u32), &DOOR, from, Wind::Blow, to);
        }
        let lines: Vec<String> = trace.records().map(|r| r.to_string()).collect();
        assert_eq!(
            lines,
            ["     0.000003 client 3: shut --blow--> open", "     0.000004 client 4: open --blow--> shut"]
        );
        for (count, remembered) in [(0, 2), (3, 2), (4, 1), (5, 0), (6, 0)] {
            assert_eq!(trace.records_after(count).count(), remembered);
            assert!(trace.records_after(count).eq(trace.records().skip(2 - remembered)));
        }
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let mut trace = Trace::new(0);
        trace.step(Instant::ZERO, Machine::Server(0), &DOOR, Door::Open, Wind::Blow, Door::Shut);
        assert_eq!((trace.records().count(), trace.count()), (0, 1));
    }

    #[test]
    #[should_panic(expected = "server 1: no edge open --blow--> open")]
    fn an_edge_outside_the_table_is_a_bug() {
        Trace::new(1).step(Instant::ZERO, Machine::Server(1), &DOOR, Door::Open, Wind::Blow, Door::Open);
    }
}
