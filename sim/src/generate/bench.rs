//! Scenarios for benchmarks.

use std::time::Duration;

use super::steps::write_steps;
use super::swarm::Swarm;
use crate::hash::Draw;
use crate::scenario::{ExchangeSetup, PhaseLengths, PhoneSetup, Scenario, Transport, Weather};

/// The mean time between two episodes of [`busy4`], in milliseconds.
const GAP: u64 = 2_000;

/// Four phones, two of them on UDP, that call, hold, transfer and send digits all the time, with two exchanges and all faults.
pub fn busy4(seed: u64) -> Scenario {
    let mut scenario = Scenario::new(seed);
    scenario.phases = PhaseLengths { faults: Duration::from_secs(30 * 60), ..PhaseLengths::default() };
    scenario.exchanges.push(ExchangeSetup::new("pbx2"));
    for (name, transport) in [
        ("alice", Transport::Ws),
        ("bob", Transport::Udp),
        ("carol", Transport::Ws),
        ("dave", Transport::Udp),
    ] {
        let jitter = Duration::from_millis(40);
        let weather = Weather { jitter, loss: 50, duplicate: 50, late: 50, ..Weather::CLEAR };
        let expires = Duration::from_secs(120);
        scenario.phones.push(PhoneSetup { transport, weather, expires, ..PhoneSetup::new(name) });
    }
    write_steps(&mut scenario, &mut Draw::new(seed, "busy4"), &Swarm::everything(), GAP);
    scenario
}

/// One registered phone without calls, for four days.
pub fn idle1(seed: u64) -> Scenario {
    let mut scenario = Scenario::new(seed);
    scenario.phases = PhaseLengths { faults: Duration::from_secs(4 * 24 * 3600), ..PhaseLengths::default() };
    scenario.phones.push(PhoneSetup::new("alice"));
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run;

    #[test]
    fn busy4_has_all_actions_and_faults() {
        let mut scenario = busy4(1);
        let text = scenario.to_string();
        for word in
            ["dials", "holds", "transfers to", "sends", "crashes", "is cut off", "loses its connection"]
        {
            assert!(text.contains(word), "{word}");
        }
        assert!(!text.contains("dies"), "permanent faults would end the load");
        scenario.phases.faults = Duration::from_secs(120);
        scenario.steps.retain(|step| step.at < scenario.phases.faults);
        let verdict = run(&scenario);
        assert_eq!(verdict.violation, None);
        assert!(verdict.messages > 120, "more than one per second: {}", verdict.messages);
    }

    #[test]
    fn an_idle_phone_refreshes_and_keeps_its_connection_alive() {
        let mut scenario = idle1(1);
        scenario.phases.faults = Duration::from_secs(3600);
        let verdict = run(&scenario);
        assert_eq!(verdict.violation, None);
        assert!((60..600).contains(&verdict.messages), "{}", verdict.messages);
    }
}
