//! Playing a scenario with all oracles watching, to a verdict.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use offhook::Marks;
use offhook_wire::Instant;

use crate::flight::Flights;
use crate::oracle::{self, Oracle, Violation};
use crate::scenario::Scenario;
use crate::world::World;

/// One seed in so many is played twice.
const TWICE: u64 = 64;

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The hash of all that the machines put out.
    pub hash: u64,
    /// The hash of all messages that were sent, each with its time, its connection and its bytes.
    pub sent_hash: u64,
    /// What an oracle objected to. A panic of a machine is an objection of `panic`.
    pub violation: Option<Violation>,
    /// How much virtual time passed.
    pub simulated: Duration,
    /// How many messages were sent.
    pub messages: u64,
    /// The places of the core that were reached.
    pub marks: Marks,
}

/// Plays a scenario.
pub fn run(scenario: &Scenario) -> Verdict {
    run_with(scenario, oracle::all())
}

/// Plays a scenario with these oracles watching.
pub fn run_with(scenario: &Scenario, oracles: Vec<Box<dyn Oracle>>) -> Verdict {
    play(scenario, oracles, false, None).0
}

/// Plays a scenario while somebody looks over the shoulders of its phones.
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

/// Plays a scenario, and if it is clean plays it again to see that the same happens.
pub fn run_twice(scenario: &Scenario) -> Verdict {
    let mut verdict = run(scenario);
    if verdict.violation.is_none() {
        let again = run(scenario);
        if again.hash != verdict.hash {
            let what = format!("the hash was {:016x}, and then {:016x}", verdict.hash, again.hash);
            let at = Instant::ZERO + verdict.simulated;
            verdict.violation = Some(Violation { oracle: "determinism", at, what });
        }
    }
    verdict
}

/// Plays a scenario, and for some seeds plays it again to see that the same happens.
pub fn run_now_and_then_twice(scenario: &Scenario) -> Verdict {
    if scenario.seed.is_multiple_of(TWICE) { run_twice(scenario) } else { run(scenario) }
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
        let said = payload.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        let what = LAST_PANIC.take().unwrap_or_else(|| said.to_owned());
        Violation { oracle: "panic", at: now, what }
    });
    let verdict = Verdict {
        hash: world.as_ref().map_or(0, |world| world.tape().hash()),
        sent_hash: world.as_ref().map_or(0, |world| world.tape().sent_hash()),
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

/// Lets panics be reported by verdicts, with their places, instead of being printed. For a command that plays many
/// scenarios.
pub fn report_panics_by_verdict() {
    std::panic::set_hook(Box::new(|info| {
        LAST_PANIC.set(Some(info.to_string()));
    }));
}
