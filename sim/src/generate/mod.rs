//! Generates the scenario of a seed.
//!
//! Swarm testing: each seed enables a random subset of faults and user actions with random weights, because a run with few kinds of events
//! gets further with each than a run with all kinds.
//!
//! New faults and user actions are added as episodes in the files of `episodes`.

mod bench;
mod death;
mod episode;
mod episodes;
mod phones;
mod rogues;
mod sound;
mod steps;
mod swarm;
mod writer;

pub use bench::{busy4, idle1};
pub use sound::enliven;

use std::time::Duration;

use crate::hash::Draw;
use crate::scenario::{ExchangeSetup, PhaseLengths, Scenario};
use phones::drift;
use steps::write_steps;
use swarm::Swarm;

/// The scenario of a seed.
pub fn generate(seed: u64) -> Scenario {
    let mut scenario = Scenario::new(seed);
    let faults = Draw::new(seed, "span").millis(20_000, 240_000);
    scenario.phases = PhaseLengths { faults, ..PhaseLengths::default() };
    exchanges(&mut scenario, &mut Draw::new(seed, "exchanges"));
    phones::draw(&mut scenario, &mut Draw::new(seed, "phones"));
    let draw = &mut Draw::new(seed, "steps");
    let swarm = Swarm::draw(draw);
    let gap = draw.between(500, 8_000);
    death::draw(&mut scenario, &mut Draw::new(seed, "death"));
    rogues::draw(&mut scenario);
    write_steps(&mut scenario, draw, &swarm, gap);
    scenario
}

/// One exchange, or two for fail-over.
fn exchanges(scenario: &mut Scenario, draw: &mut Draw) {
    if draw.chance(350) {
        scenario.exchanges.push(ExchangeSetup::new("pbx2"));
    }
    for exchange in &mut scenario.exchanges {
        exchange.drift = drift(draw);
        exchange.two_homes = draw.chance(200);
    }
    let draw = &mut Draw::new(scenario.seed, "registrars");
    for exchange in &mut scenario.exchanges {
        exchange.min_expires = draw.chance(150).then(|| Duration::from_secs(draw.between(45, 900)));
        exchange.says_trying = draw.chance(100);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_reproducible_and_their_text_round_trips() {
        for seed in 0..200 {
            let scenario = generate(seed);
            assert_eq!(scenario, generate(seed));
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
    }

    #[test]
    fn four_hundred_seeds_contain_all_settings_and_steps() {
        let text: String = (0..400).map(|seed| generate(seed).to_string()).collect();
        for word in [
            " udp",
            "loss=",
            "no-telephone-event",
            "wrong-password",
            "codecs=",
            "attempts=",
            "dials nobody",
            "holds",
            "resumes",
            "hangs up",
            "by rtp",
            "transfers to",
            "unregisters",
            "registers",
            "will ignore",
            "will reject",
            "loses its connection\n",
            "at this end",
            "at the far end",
            "is stalled",
            "trickles",
            "breaks off after",
            "is closed with 1",
            "without a word",
            "is refused",
            " split=",
            " gather=",
            " fragment=",
            " ping=",
            " binary=",
            "silently",
            "to the network",
            "crashes",
            "exchange pbx2",
            " two-homes",
            "pathless",
            "broken",
            "slow",
            "alice dies",
            "pbx dies",
            "for ever",
            "is parted from pbx for",
            "cannot hear pbx2 for",
            "freezes for",
            "sleeps for",
            "sleeps without counting",
            "sets its clock forward",
            "sets its clock back",
            "lags by",
            "forgets its bindings",
            "forgets its nonces",
            "forgets its transactions",
            "is overloaded",
            "finds each nonce stale",
            "grants no bindings",
            "wants bindings of",
            " min-expires=",
            " says-trying",
            "deaf",
            "tail=",
            "bursts=",
            "nat=",
            "gets another port",
            "suffers flips of",
            "suffers injections of",
            "phone heidi",
            "rogue mallory",
            "rogue trudy",
            "dials mallory",
            "mallory calls",
            "mallory floods",
            "mallory claims",
            "asserts-identity",
            "answers-asserting",
            "messages ",
            "for its capabilities",
            "sends an info\n",
            "sends an info of ",
            "replaces its account\n",
            "by one with reversed servers",
            "by one of another user",
            "by one without a password",
            "at length",
            "removes its account",
            "adds an account",
            "gives the right password",
            "gives a wrong password",
            "gives no password",
            " late-password",
            " reliable",
            " by-update",
            " legs=",
            "restarts media",
            "sets media to audio and video",
            "sets media to audio\n",
            " mutes audio\n",
            " mutes nothing",
            "sends early media",
            " realms=",
            " packages=",
            " redirects=follow",
            " redirects=report",
            "messages mallory",
            " register\n",
            " guess\n",
            " impersonation\n",
        ] {
            assert!(text.contains(word), "{word}");
        }
    }
}
