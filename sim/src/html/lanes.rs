//! Lanes beside the line of a phone: connection, registration, calls, transactions and timers. Each state machine has a lane while it
//! exists.

use std::collections::BTreeMap;

use offhook::Machine;
use offhook_wire::Instant;

use super::axis::Axis;
use super::text::time;
use crate::machine_trace::{MachineTrace, Point, TimerEnd, TimerLife, Transition};

/// The widths of a lane of states and of one of timers.
const BAR: usize = 13;
const THREAD: usize = 12;

/// The kinds of lanes, from the line of the phone outwards.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Connection,
    Registration,
    Calls,
    Transactions,
    Timers,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Connection, Self::Registration, Self::Calls, Self::Transactions, Self::Timers];

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Connection => "connection",
            Kind::Registration => "registration",
            Kind::Calls => "calls",
            Kind::Transactions => "transactions",
            Kind::Timers => "timers",
        }
    }

    fn of(machine: Option<Machine>) -> Self {
        match machine {
            Some(Machine::Client(_) | Machine::Server(_)) => Kind::Transactions,
            Some(Machine::Registration(_)) => Kind::Registration,
            Some(Machine::Connection(_)) | None => Kind::Connection,
            Some(_) => Kind::Calls,
        }
    }

    fn pitch(self) -> usize {
        if self == Kind::Timers { THREAD } else { BAR }
    }
}

/// A state of a machine, or a timer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The distance from the line of the phone.
    pub(super) x: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The state, or the name of the timer.
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) timer: Option<TimerOutcome>,
}

/// The outcome of a timer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum TimerOutcome {
    Fired,
    Cancelled,
    /// Pending at the end of the run.
    Waits,
}

/// All lanes of one phone.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub(super) spans: Vec<Span>,
    /// The offset of the lanes of each kind.
    pub(super) heads: Vec<(usize, Kind)>,
    pub(super) width: usize,
}

impl Lanes {
    pub(super) fn new(machine_trace: &MachineTrace, phone: usize, axis: &Axis, end: Instant) -> Self {
        let transitions: Vec<&Transition> =
            machine_trace.transitions.iter().filter(|one| one.phone == phone).collect();
        let timers: Vec<&TimerLife> = machine_trace.timers.iter().filter(|one| one.phone == phone).collect();
        let mut draft = Draft { axis, end, spans: Vec::new(), lanes: BTreeMap::new() };
        draft.machines(&transitions, &timers);
        for wait in timers {
            draft.timer(wait);
        }
        draft.finish()
    }
}

struct Draft<'a> {
    axis: &'a Axis,
    end: Instant,
    /// Spans with the kind and number of their lane.
    spans: Vec<(Kind, usize, Span)>,
    /// The end of the last span in each lane, by kind.
    lanes: BTreeMap<Kind, Vec<usize>>,
}

/// A state machine that exists.
struct Life {
    kind: Kind,
    lane: usize,
    state: &'static str,
    trigger: &'static str,
    since: (Instant, usize),
}

impl Draft<'_> {
    fn machines(&mut self, transitions: &[&Transition], timers: &[&TimerLife]) {
        let mut living: BTreeMap<String, Life> = BTreeMap::new();
        let mut ended: BTreeMap<String, Instant> = BTreeMap::new();
        for moved in transitions {
            let name = moved.machine.to_string();
            let y = self.axis.point(moved.point);
            let life = living.remove(&name).unwrap_or_else(|| {
                // The creation of a machine is not a transition, but its first timer is set then.
                let after = ended.get(&name).copied().unwrap_or(Instant::ZERO);
                let since = first_wait(timers, moved, after).unwrap_or(moved.point);
                let (kind, top) = (Kind::of(Some(moved.machine)), self.axis.point(since));
                Life {
                    kind,
                    lane: self.lane(kind, top),
                    state: moved.from,
                    trigger: "",
                    since: (since.at, top),
                }
            });
            // A transition to the same state does not end the span.
            if moved.from == moved.to {
                living.insert(name, life);
                continue;
            }
            self.state(&name, &life, (moved.point.at, y));
            if matches!(moved.to, "terminated" | "ended" | "down") {
                self.leave(life.kind, life.lane, y);
                ended.insert(name, moved.point.at);
            } else {
                let since = (moved.point.at, y);
                living.insert(name, Life { state: moved.to, trigger: moved.trigger, since, ..life });
            }
        }
        for (name, life) in living {
            self.state(&name, &life, (self.end, self.axis.bottom()));
        }
    }

    fn state(&mut self, name: &str, life: &Life, (at, to): (Instant, usize)) {
        let &Life { kind, lane, state, trigger, since: (since, from) } = life;
        let by = if trigger.is_empty() { String::new() } else { format!(" by “{trigger}”") };
        let title = format!("{name}: {state}{by}, {} to {}", time(since), time(at));
        if to > from {
            self.spans.push((kind, lane, Span { x: 0, from, to, name: state, title, timer: None }));
        }
    }

    fn timer(&mut self, wait: &TimerLife) {
        let from = self.axis.point(wait.set);
        let (to, fate) = match wait.end {
            Some(TimerEnd { point, fired }) => {
                (self.axis.point(point), if fired { TimerOutcome::Fired } else { TimerOutcome::Cancelled })
            }
            None => (self.axis.bottom(), TimerOutcome::Waits),
        };
        // A timer that ended immediately is visible, too.
        let to = to.max(from + 3);
        let owner = wait.machine.map_or("connection".to_owned(), |machine| machine.to_string());
        let (set, due) = (time(wait.set.at), time(wait.due));
        let end = match wait.end {
            Some(TimerEnd { point, fired: true }) => format!("fired at {}", time(point.at)),
            Some(TimerEnd { point, fired: false }) => format!("cancelled at {}", time(point.at)),
            None => "pending".to_owned(),
        };
        let title = format!("{owner}: timer {}, set at {set}, due at {due}, {end}", wait.name);
        let lane = self.lane(Kind::Timers, from);
        self.leave(Kind::Timers, lane, to + 2);
        let span = Span { x: 0, from, to, name: wait.name, title, timer: Some(fate) };
        self.spans.push((Kind::Timers, lane, span));
    }

    /// Allocates a lane of this kind that is free below `top`.
    fn lane(&mut self, kind: Kind, top: usize) -> usize {
        let lanes = self.lanes.entry(kind).or_default();
        let free = lanes.iter().position(|until| *until <= top);
        let lane = free.unwrap_or(lanes.len());
        lanes.resize(lanes.len().max(lane + 1), 0);
        lanes[lane] = usize::MAX;
        lane
    }

    fn leave(&mut self, kind: Kind, lane: usize, y: usize) {
        if let Some(until) = self.lanes.get_mut(&kind).and_then(|lanes| lanes.get_mut(lane)) {
            *until = y;
        }
    }

    fn finish(self) -> Lanes {
        let mut lanes = Lanes::default();
        let mut starts = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(count) = self.lanes.get(&kind).map(Vec::len) else { continue };
            starts.insert(kind, lanes.width);
            lanes.heads.push((lanes.width, kind));
            lanes.width += count * kind.pitch() + 3;
        }
        lanes.spans = self
            .spans
            .into_iter()
            .map(|(kind, lane, span)| {
                let x = starts[&kind] + lane * kind.pitch();
                Span { x, ..span }
            })
            .collect();
        lanes
    }
}

/// The first timer of a machine after a time. Timers of connections may belong to any flow.
fn first_wait(timers: &[&TimerLife], moved: &Transition, after: Instant) -> Option<Point> {
    let same = |wait: &&&TimerLife| match (wait.machine, moved.machine) {
        (None, Machine::Connection(_)) => wait.end.is_none_or(|end| end.point.at >= moved.point.at),
        (machine, _) => machine == Some(moved.machine),
    };
    let fits = |wait: &&&TimerLife| wait.set.at >= after && wait.set.at <= moved.point.at && same(wait);
    timers.iter().find(fits).map(|wait| wait.set)
}
