//! Transitions and timers of the state machines of phones, for drawings. Oracles do not see them.

use offhook::{Machine, PendingTimer, Record, Traced};
use offhook_wire::Instant;

use crate::node::PhoneNode;

/// A point of a run: a time, and the index of the next entry of the tape.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: Instant,
    pub(crate) entry: usize,
}

/// A transition of a state machine.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Transition {
    pub(crate) phone: usize,
    pub(crate) point: Point,
    pub(crate) machine: Machine,
    pub(crate) from: &'static str,
    pub(crate) trigger: &'static str,
    pub(crate) to: &'static str,
}

/// A timer, from when it was set to its end.
#[derive(Copy, Clone, Debug)]
pub(crate) struct TimerLife {
    pub(crate) phone: usize,
    pub(crate) machine: Option<Machine>,
    pub(crate) name: &'static str,
    pub(crate) set: Point,
    /// When it is due, in world time, unless the clock is set.
    pub(crate) due: Instant,
    pub(crate) end: Option<TimerEnd>,
}

/// The end of a timer.
#[derive(Copy, Clone, Debug)]
pub(crate) struct TimerEnd {
    pub(crate) point: Point,
    /// Fired, or else cancelled.
    pub(crate) fired: bool,
}

/// The trace of all phones.
#[derive(Debug)]
pub(crate) struct MachineTrace {
    pub(crate) transitions: Vec<Transition>,
    pub(crate) timers: Vec<TimerLife>,
    phones: Vec<Last>,
}

/// The state of a phone when it was last recorded.
#[derive(Debug, Default)]
struct Last {
    traced: u64,
    /// Its pending timers, and their indexes in the list of timers.
    pending: Vec<(PendingTimer, usize)>,
}

impl MachineTrace {
    pub(crate) fn new(phones: usize) -> Self {
        let phones = std::iter::repeat_with(Last::default).take(phones).collect();
        Self { transitions: Vec::new(), timers: Vec::new(), phones }
    }

    /// Records a phone after an input. Returns the reached marks and their machines.
    pub(crate) fn record(
        &mut self,
        point: Point,
        index: usize,
        phone: &PhoneNode,
    ) -> Vec<(Option<Machine>, &'static str)> {
        let last = &mut self.phones[index];
        let new = phone.traced() - std::mem::replace(&mut last.traced, phone.traced());
        let records: Vec<Record> = phone.trace().collect();
        let new = usize::try_from(new).unwrap_or(usize::MAX).min(records.len());
        let mut marks = Vec::new();
        for Record { machine, what, .. } in &records[records.len() - new..] {
            match (*machine, *what) {
                (Some(machine), Traced::Transition { from, trigger, to }) => {
                    self.transitions.push(Transition { phone: index, point, machine, from, trigger, to });
                }
                (machine, Traced::Mark(words)) => marks.push((machine, words)),
                (None, Traced::Transition { .. }) => unreachable!("a transition is of a machine"),
            }
        }
        let now = phone.local(point.at);
        let mut before = std::mem::take(&mut last.pending);
        for pending_timer in phone.pending_timers() {
            let place = match before.iter().position(|(known, _)| *known == pending_timer) {
                Some(known) => before.swap_remove(known).1,
                None => {
                    let PendingTimer { at, machine, name, .. } = pending_timer;
                    let due = point.at + at.saturating_since(now);
                    self.timers.push(TimerLife { phone: index, machine, name, set: point, due, end: None });
                    self.timers.len() - 1
                }
            };
            last.pending.push((pending_timer, place));
        }
        for (pending_timer, place) in before {
            self.timers[place].end = Some(TimerEnd { point, fired: pending_timer.at <= now });
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::{PhoneSetup, Transport, Weather};
    use crate::world::World;

    #[test]
    fn timers_e_and_f_of_an_unanswered_request_are_recorded() {
        let deaf = Weather { loss: 1000, ..Weather::CLEAR };
        let alice = PhoneSetup { transport: Transport::Udp, weather: deaf, ..PhoneSetup::new("alice") };
        let mut world = World::builder().setup(alice).cold();
        world.run_for(Duration::from_secs(40));
        let watch = world.machine_trace().expect("tests keep the trace");
        let of = |name: &str| watch.timers.iter().filter(move |timer| timer.name == name).collect::<Vec<_>>();
        let repeats = of("E");
        assert!(repeats.len() > 8, "timer E doubles up to T2: {repeats:?}");
        let e = repeats[0];
        assert_eq!(e.due.saturating_since(e.set.at), Duration::from_millis(500));
        assert!(e.end.is_some_and(|end| end.fired && end.point.at == e.due), "{e:?}");
        let f = of("F")[0];
        assert_eq!(f.due.saturating_since(f.set.at), Duration::from_secs(32));
        assert!(f.end.is_some_and(|end| end.fired) && matches!(f.machine, Some(Machine::Client(_))), "{f:?}");
        let given_up =
            |moved: &&Transition| moved.machine == f.machine.expect("a client") && moved.to == "terminated";
        assert_eq!(watch.transitions.iter().find(given_up).map(|moved| moved.point.at), Some(f.due));
    }
}
