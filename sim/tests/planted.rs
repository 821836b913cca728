//! Some planted bugs are found within a few seeds, and without one the same seeds are clean.

use offhook_sim::generate::generate;
use offhook_sim::planted::{Bug, hunt};
use offhook_sim::run::run;
use offhook_sim::scenario::Scenario;

const SEEDS: u64 = 60;

#[test]
fn nothing_is_found_where_nothing_is_planted() {
    for seed in 0..SEEDS {
        let violation = run(&generate(seed)).violation;
        assert!(violation.is_none(), "seed {seed}: {violation:?}");
    }
}

#[test]
fn what_is_planted_is_found_by_its_oracle() {
    for (bug, oracle) in [
        (Bug::EndedTwice, "grammar"),
        (Bug::AlarmLeaked, "leaks"),
        (Bug::MediaLeaked, "quiet"),
        (Bug::AckMiscounted, "duties"),
        (Bug::ByeNotAnswered, "prompt"),
        (Bug::BranchReused, "sequence"),
        (Bug::RepeatedInStep, "repetition"),
        (Bug::NonceNotCounted, "challenges"),
        (Bug::KeepAliveOnce, "keep-alive"),
        (Bug::OneServerOnly, "failover"),
        (Bug::BindingKept, "commands"),
        (Bug::HoldNotSaid, "agreement"),
        (Bug::OfferNotWithdrawn, "negotiation"),
        (Bug::DigitDoubled, "digits"),
        (Bug::TransferLosesCall, "will"),
        (Bug::NoBackOff, "registration"),
    ] {
        let (_, found) = hunt(bug, 0, SEEDS);
        let violation = found.and_then(|scenario| run(&scenario).violation);
        assert_eq!(violation.map(|violation| violation.oracle), Some(oracle), "{bug:?}");
    }
}

/// What takes a world of its own to be seen: with the bug its oracle objects, and without it nobody does.
#[test]
fn what_is_seldom_seen_is_seen_in_its_world() {
    let fives = "5".repeat(66);
    for (bug, oracle, world) in [
        (
            Bug::StaleNonceLoop,
            "challenges",
            "exchange pbx\nphone alice ws\n0s pbx finds each nonce stale for 5s".to_owned(),
        ),
        (
            Bug::RouteSetReversed,
            "dialog",
            "exchange pbx two-homes\nphone alice ws\nphone bob ws\n1s alice dials bob".to_owned(),
        ),
        (
            Bug::TagByPrefix,
            "dialog",
            "phone alice ws\nrogue mallory ws\n2s alice dials mallory\n5s mallory floods alice with 9 near-miss"
                .to_owned(),
        ),
        (
            Bug::TargetNotRefreshed,
            "dialog",
            "phone alice ws\nrogue mallory ws breaks=moves\n2s alice dials mallory".to_owned(),
        ),
        (
            Bug::DigitsUnbounded,
            "bounds",
            format!("phone alice ws\nphone bob ws\n1s alice dials bob\n5s bob sends {fives} by auto for 40ms"),
        ),
        (
            Bug::ChangeNeverEnds,
            "outcome",
            "phone alice ws\nphone bob ws\n1s alice dials bob\n5s alice has deaf media for 1s\n5.1s alice holds"
                .to_owned(),
        ),
        (
            Bug::DigitHeardTwice,
            "digits",
            "phone alice ws\nphone bob ws\n1s alice dials bob\n5s alice sends 12345 by info for 40ms\n\
             5.07s bob loses its connection"
                .to_owned(),
        ),
    ] {
        let mut scenario: Scenario = format!("offhook-scenario 1\n{world}\n").parse().expect("a scenario");
        assert_eq!(run(&scenario).violation, None, "{world}");
        scenario.planted = Some(bug);
        let violation = run(&scenario).violation;
        assert_eq!(violation.map(|violation| violation.oracle), Some(oracle), "{bug:?}");
    }
}
