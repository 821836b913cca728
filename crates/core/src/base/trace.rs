//! The trace: the last transitions and marks of a phone.

use super::machine::{Edges, StateName, Table};
use super::marks::Mark;
use super::name::Machine;
use crate::api::trace::{Record, Traced};
use offhook_wire::Instant;

/// The last lines of a phone, in a ring.
pub(crate) struct Trace {
    capacity: usize,
    ring: Vec<Line>,
    oldest: usize,
    count: u64,
    #[cfg(any(test, feature = "marks"))]
    reached: Reached,
}

/// A [`Record`] before its names are looked up: half the size.
#[derive(Copy, Clone)]
struct Line {
    at: Instant,
    machine: Option<Machine>,
    /// The index of an edge in `table`; without a table, that of a mark.
    place: u16,
    table: Option<&'static dyn Edges>,
}

impl Trace {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            ring: Vec::new(),
            oldest: 0,
            count: 0,
            #[cfg(any(test, feature = "marks"))]
            reached: Reached::default(),
        }
    }

    /// Records a mark.
    pub(crate) fn mark(&mut self, at: Instant, machine: Option<Machine>, mark: Mark) {
        #[cfg(any(test, feature = "marks"))]
        self.reached.mark(mark);
        self.push(Line { at, machine, place: mark as u16, table: None });
    }

    /// Records a transition.
    ///
    /// # Panics
    /// If the table does not have the edge: that is a bug of the machine.
    pub(crate) fn transition<S: StateName + Sync, C: StateName + Sync>(
        &mut self,
        at: Instant,
        machine: Machine,
        table: &'static Table<S, C>,
        from: S,
        trigger: C,
        to: S,
    ) {
        let Some(edge) = table.find(from, trigger, to) else {
            panic!("{machine}: no edge {} --{}--> {}", from.name(), trigger.name(), to.name())
        };
        #[cfg(any(test, feature = "marks"))]
        self.reached.edge(table, edge);
        self.push(Line { at, machine: Some(machine), place: edge as u16, table: Some(table) });
    }

    fn push(&mut self, line: Line) {
        self.count += 1;
        if self.ring.len() < self.capacity {
            self.ring.push(line);
        } else if let Some(oldest) = self.ring.get_mut(self.oldest) {
            *oldest = line;
            self.oldest = (self.oldest + 1) % self.capacity;
        }
    }

    /// The marks and edges that were reached.
    #[cfg(any(test, feature = "marks"))]
    pub(crate) fn reached(&self) -> &Reached {
        &self.reached
    }

    /// Restores the count of lines; all of them are dropped.
    pub(crate) fn restore(&mut self, count: u64) {
        self.ring.clear();
        (self.oldest, self.count) = (0, count);
    }

    /// How many lines there were, including dropped ones.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The stored lines after the first `count`, oldest first.
    pub(crate) fn records_after(&self, count: u64) -> impl Iterator<Item = Record> {
        let new =
            usize::try_from(self.count.saturating_sub(count)).unwrap_or(usize::MAX).min(self.ring.len());
        let (newer, older) = self.ring.split_at(self.oldest);
        older.iter().chain(newer).skip(self.ring.len() - new).map(|line| line.record())
    }

    /// The stored lines, oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.records_after(0)
    }
}

impl Line {
    fn record(self) -> Record {
        let what = match self.table {
            Some(table) => {
                let [from, trigger, to] = table.names(usize::from(self.place));
                Traced::Transition { from, trigger, to }
            }
            None => Traced::Mark(Mark::ALL[usize::from(self.place)]),
        };
        Record { at: self.at, machine: self.machine, what }
    }
}

/// The marks and edges that a phone reached, for the simulator to count. Tables are identified by their address: the list of all
/// tables is in a higher layer.
#[cfg(any(test, feature = "marks"))]
#[derive(Clone, Default)]
pub(crate) struct Reached {
    marks: u128,
    edges: Vec<(&'static dyn Edges, u64)>,
}

#[cfg(any(test, feature = "marks"))]
impl Reached {
    fn mark(&mut self, mark: Mark) {
        const { assert!(Mark::ALL.len() <= u128::BITS as usize) };
        self.marks |= 1 << mark as usize;
    }

    fn edge(&mut self, table: &'static dyn Edges, edge: usize) {
        assert!(edge < u64::BITS as usize, "a machine has fewer than 64 edges");
        match self.edges.iter_mut().find(|(known, _)| std::ptr::addr_eq(*known, table)) {
            Some((_, edges)) => *edges |= 1 << edge,
            None => self.edges.push((table, 1 << edge)),
        }
    }

    /// Whether the mark at this index of [`Mark::ALL`] was reached.
    pub(crate) fn has_mark(&self, place: usize) -> bool {
        self.marks & 1 << place != 0
    }

    /// Whether this edge of a table was reached.
    pub(crate) fn has_edge(&self, table: &'static dyn Edges, edge: usize) -> bool {
        let of_table = |(known, edges): &(&'static dyn Edges, u64)| {
            std::ptr::addr_eq(*known, table) && edges & 1 << edge != 0
        };
        self.edges.iter().any(of_table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::machine::named_enum;

    named_enum! {
        enum Door { Open = "open", Shut = "shut" }
    }
    named_enum! {
        enum Wind { Blow = "blow" }
    }
    static DOOR: Table<Door, Wind> =
        Table(&[(Door::Open, Wind::Blow, Door::Shut), (Door::Shut, Wind::Blow, Door::Open)]);

    #[test]
    fn the_ring_has_the_last_lines_in_order() {
        let mut trace = Trace::new(2);
        for n in 0..5 {
            let (from, to) = if n % 2 == 0 { (Door::Open, Door::Shut) } else { (Door::Shut, Door::Open) };
            trace.transition(
                Instant::from_nanos(n * 1000),
                Machine::Client(n as u32),
                &DOOR,
                from,
                Wind::Blow,
                to,
            );
        }
        let lines: Vec<String> = trace.records().map(|r| r.to_string()).collect();
        assert_eq!(
            lines,
            ["     0.000003 client 3: shut --blow--> open", "     0.000004 client 4: open --blow--> shut"]
        );
        trace.mark(Instant::from_nanos(5000), Some(Machine::Client(4)), Mark::Glare);
        trace.mark(Instant::from_nanos(6000), None, Mark::ClockBackwards);
        let lines: Vec<String> = trace.records().map(|r| r.to_string()).collect();
        assert_eq!(
            lines,
            [
                "     0.000005 client 4: renegotiation: our offer got 491",
                "     0.000006 clock: earlier than the last input"
            ]
        );
        trace.restore(3);
        for n in [3, 4] {
            let (from, to) = if n % 2 == 0 { (Door::Open, Door::Shut) } else { (Door::Shut, Door::Open) };
            trace.transition(
                Instant::from_nanos(n * 1000),
                Machine::Client(n as u32),
                &DOOR,
                from,
                Wind::Blow,
                to,
            );
        }
        for (count, remembered) in [(0, 2), (3, 2), (4, 1), (5, 0), (6, 0)] {
            assert_eq!(trace.records_after(count).count(), remembered);
            assert!(trace.records_after(count).eq(trace.records().skip(2 - remembered)));
        }
    }

    #[test]
    fn a_trace_without_capacity_stores_no_line() {
        let mut trace = Trace::new(0);
        trace.transition(Instant::ZERO, Machine::Server(0), &DOOR, Door::Open, Wind::Blow, Door::Shut);
        assert_eq!((trace.records().count(), trace.count()), (0, 1));
    }

    #[test]
    #[should_panic(expected = "server 1: no edge open --blow--> open")]
    fn an_edge_outside_the_table_panics() {
        Trace::new(1).transition(
            Instant::ZERO,
            Machine::Server(1),
            &DOOR,
            Door::Open,
            Wind::Blow,
            Door::Open,
        );
    }
}
