//! `cargo sim bench`: the speed of the simulator.

use std::time::Duration;

use clap::{Args, ValueEnum};
use offhook_sim::generate;
use offhook_sim::run;
use offhook_sim::scenario::Scenario;
use serde_json::json;

use super::{CommandResult, clock, headline};

/// The minimum CPU time of a round.
const ROUND: Duration = Duration::from_millis(400);

/// Measure the speed on one core: simulated hours, messages and scenarios per second
///
/// Measures CPU time, not wall-clock time. Each round plays different scenarios; the figures are those of the median round.
#[derive(Args)]
pub(super) struct Bench {
    /// The benchmark; default: all
    which: Option<Which>,
    /// Number of rounds
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

#[derive(Copy, Clone, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Four phones under constant load and all faults
    Busy4,
    /// One registered phone without calls
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

/// Rates per second of CPU time.
struct Rates {
    hours: f64,
    messages: f64,
    scenarios: f64,
}

impl Bench {
    /// True without a violation.
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
                        eprintln!("sim: the benchmark {name} fails: {wrong}");
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

/// Plays one round.
fn round(which: Which, seeds: &mut impl Iterator<Item = u64>) -> Result<Rates, String> {
    let (mut simulated, mut messages, mut scenarios) = (Duration::ZERO, 0, 0);
    let mut used = Duration::ZERO;
    for seed in seeds {
        let scenario = which.scenario(seed);
        let start = clock::cpu_time();
        let verdict = run::run(&scenario);
        used += clock::cpu_time() - start;
        if let Some(violation) = &verdict.violation {
            return Err(format!("seed {seed}: {}", headline(violation)));
        }
        simulated += verdict.simulated;
        messages += verdict.messages;
        scenarios += 1;
        if used >= ROUND {
            break;
        }
    }
    let seconds = used.as_secs_f64();
    Ok(Rates {
        hours: simulated.as_secs_f64() / 3600.0 / seconds,
        messages: messages as f64 / seconds,
        scenarios: f64::from(scenarios) / seconds,
    })
}
