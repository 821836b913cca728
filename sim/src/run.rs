//! Plays a scenario with all oracles, and returns a verdict.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use offhook::Marks;
use offhook_wire::Instant;

use crate::flight::Flights;
use crate::oracle::{self, Oracle, Violation};
use crate::scenario::Scenario;
use crate::world::World;

/// One seed in this many is checked for determinism.
const DETERMINISM_CHECK_INTERVAL: u64 = 64;

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The hash of all sent messages, each with its time, connection and bytes.
    pub hash: u64,
    /// The first violation. A panic is a violation of the oracle `panic`.
    pub violation: Option<Violation>,
    /// The virtual time that passed.
    pub simulated: Duration,
    /// The number of sent messages.
    pub messages: u64,
    /// The marks of the core that were reached.
    pub marks: Marks,
}

/// Plays a scenario.
pub fn run(scenario: &Scenario) -> Verdict {
    run_with(scenario, oracle::all())
}

/// Plays a scenario with these oracles.
pub fn run_with(scenario: &Scenario, oracles: Vec<Box<dyn Oracle>>) -> Verdict {
    play(scenario, oracles, false, None).0
}

/// Plays a scenario with a recorder for each phone.
pub fn run_with_flights(scenario: &Scenario, flights: &mut Flights<'_>) -> Verdict {
    play(scenario, oracle::all(), false, Some(flights)).0
}

/// Plays a scenario and draws its ladder.
pub fn replay(scenario: &Scenario) -> (Verdict, String) {
    let (verdict, world) = play(scenario, oracle::all(), true, None);
    (verdict, world.map(|world| world.ladder()).unwrap_or_default())
}

/// Plays a scenario and draws it as an HTML page.
pub fn page(scenario: &Scenario) -> String {
    let (verdict, world) = play(scenario, oracle::all(), true, None);
    world.map(|world| world.page(verdict.violation.as_ref())).unwrap_or_default()
}

/// Plays a scenario, and if it is clean plays it again and compares all messages, events and commands.
pub fn run_twice(scenario: &Scenario) -> Verdict {
    let (mut verdict, world) = play(scenario, oracle::all(), true, None);
    if verdict.violation.is_none() {
        let (again, other) = play(scenario, oracle::all(), true, None);
        // Media datagrams are in the hash, but not on the tape.
        let hashes = || {
            format!(
                "the hash is {:016x} in the first run and {:016x} in the second",
                verdict.hash, again.hash
            )
        };
        let differs = difference(world.as_ref(), other.as_ref());
        if let Some(what) = differs.or_else(|| (again.hash != verdict.hash).then(hashes)) {
            let at = Instant::ZERO + verdict.simulated;
            verdict.violation = Some(Violation { oracle: "determinism", at, what });
        }
    }
    verdict
}

/// The first difference between the tapes of two runs.
fn difference(one: Option<&World>, other: Option<&World>) -> Option<String> {
    let lines = |world: Option<&World>| -> Vec<String> {
        let entries = world.map(|world| world.tape().entries()).unwrap_or_default();
        entries.iter().map(|entry| format!("{entry:?}")).collect()
    };
    let (one, other) = (lines(one), lines(other));
    if one == other {
        return None;
    }
    let place = one.iter().zip(&other).take_while(|(line, again)| line == again).count();
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("the first run has `{}`, the second `{}`", line(&one), line(&other)))
}

/// Plays a scenario, twice for one seed in 64 to check that it is deterministic.
pub fn run_checking_determinism(scenario: &Scenario) -> Verdict {
    if scenario.seed.is_multiple_of(DETERMINISM_CHECK_INTERVAL) { run_twice(scenario) } else { run(scenario) }
}

fn play(
    scenario: &Scenario,
    oracles: Vec<Box<dyn Oracle>>,
    keep: bool,
    flights: Option<&mut Flights<'_>>,
) -> (Verdict, Option<World>) {
    let mut world = None;
    let played = catch_unwind(AssertUnwindSafe(|| {
        world.insert(World::with_flights(scenario.clone(), oracles, keep, flights)).play();
    }));
    let now = world.as_ref().map_or(Instant::ZERO, World::now);
    let panicked = played.err().map(|payload| {
        let message = payload.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown panic");
        let what = LAST_PANIC.take().unwrap_or_else(|| message.to_owned());
        Violation { oracle: "panic", at: now, what }
    });
    let verdict = Verdict {
        hash: world.as_ref().map_or(0, |world| world.tape().hash()),
        violation: panicked.or_else(|| world.as_ref().and_then(|world| world.violation().cloned())),
        simulated: now.saturating_since(Instant::ZERO),
        messages: world.as_ref().map_or(0, |world| world.tape().messages()),
        marks: world.as_ref().map(World::marks).unwrap_or_default(),
    };
    (verdict, world)
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Reports panics, with their location, as violations instead of printing them. For commands that play many scenarios.
pub fn report_panics_as_violations() {
    std::panic::set_hook(Box::new(|info| {
        LAST_PANIC.set(Some(info.to_string()));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn difference_returns_the_first_differing_entry() {
        let world = |seed| play(&generate(seed), oracle::all(), true, None).1;
        let (one, same, other) = (world(1), world(1), world(2));
        assert_eq!(difference(one.as_ref(), same.as_ref()), None);
        let what = difference(one.as_ref(), other.as_ref()).expect("two seeds differ");
        assert!(what.starts_with("the first run has `Entry {"), "{what}");
        assert!(difference(one.as_ref(), None).is_some_and(|what| what.ends_with("the second `nothing`")));
    }
}
