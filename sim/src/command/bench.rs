//! `cargo sim bench`: how much virtual time an hour of one core holds.

use std::time::Duration;

use clap::{Args, ValueEnum};
use offhook_sim::generate;
use offhook_sim::run;
use offhook_sim::scenario::Scenario;
use serde_json::json;

use super::{CommandResult, clock, headline};

/// How long a round lasts at least, in time of the processor.
const ROUND: Duration = Duration::from_millis(400);

/// Measure the simulator on one core: simulated hours, messages and scenarios a second
///
/// The time of the processor is counted, not that on the wall. Each round plays other scenarios; the figures are those of the
/// median round.
#[derive(Args)]
pub(super) struct Bench {
    /// What to measure; all if not given
    which: Option<Which>,
    /// How many rounds of each
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Copy, Clone, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Four phones that do everything all the time, under all faults
    Busy4,
    /// One registered phone that waits
    Idle1,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Which::Busy4 => "busy4",
            Which::Idle1 => "idle1",
        }
    }

    fn scenario(self, seed: u64) -> Scenario {
        match self {
            Which::Busy4 => generate::busy4(seed),
            Which::Idle1 => generate::idle1(seed),
        }
    }
}

/// What a second of the processor holds.
struct Rates {
    hours: f64,
    messages: f64,
    scenarios: f64,
}

impl Bench {
    /// Clean when no oracle objects to what is measured.
    pub(super) fn execute(self) -> CommandResult {
        let all = Which::value_variants().iter().copied();
        for which in all.filter(|which| self.which.is_none_or(|only| only == *which)) {
            let name = which.name();
            let mut rounds = Vec::new();
            let mut seeds = 0..;
            for _ in 0..self.rounds {
                match round(which, &mut seeds) {
                    Ok(rates) => rounds.push(rates),
                    Err(wrong) => {
                        eprintln!("sim: {name} measures a failure: {wrong}");
                        return Ok(false);
                    }
                }
            }
            rounds.sort_by(|one, other| one.hours.total_cmp(&other.hours));
            let Rates { hours, messages, scenarios } = &rounds[rounds.len() / 2];
            if self.json {
                let line = json!({
                    "bench": name, "simulated_hours_per_s": hours, "messages_per_s": messages,
                    "scenarios_per_s": scenarios, "rounds": self.rounds,
                });
                println!("{line}");
            } else {
                println!(
                    "{name}: {hours:.1} simulated hours/s, {messages:.0} messages/s, {scenarios:.1} scenarios/s"
                );
            }
        }
        Ok(true)
    }
}

/// Plays until a round is long enough, each scenario once.
fn round(which: Which, seeds: &mut impl Iterator<Item = u64>) -> Result<Rates, String> {
    let (mut simulated, mut messages, mut scenarios) = (Duration::ZERO, 0, 0);
    let mut worked = Duration::ZERO;
    for seed in seeds {
        let scenario = which.scenario(seed);
        let start = clock::worked();
        let verdict = run::run(&scenario);
        worked += clock::worked() - start;
        if let Some(violation) = &verdict.violation {
            return Err(format!("seed {seed}: {}", headline(violation)));
        }
        simulated += verdict.simulated;
        messages += verdict.messages;
        scenarios += 1;
        if worked >= ROUND {
            break;
        }
    }
    let seconds = worked.as_secs_f64();
    Ok(Rates {
        hours: simulated.as_secs_f64() / 3600.0 / seconds,
        messages: messages as f64 / seconds,
        scenarios: f64::from(scenarios) / seconds,
    })
}
