//! Some planted bugs are found within a few seeds, and without one the same seeds are clean.

use offhook_sim::generate::generate;
use offhook_sim::planted::{Bug, hunt};
use offhook_sim::run::run;

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
