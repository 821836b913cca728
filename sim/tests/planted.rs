//! Some planted bugs are found within a few seeds; without a bug the same seeds are clean.

use offhook_sim::generate::generate;
use offhook_sim::planted::{Bug, ExchangeBug, Planted, hunt};
use offhook_sim::run::run;
use offhook_sim::scenario::Scenario;

const SEEDS: u64 = 60;

#[test]
fn seeds_without_a_bug_are_clean() {
    for seed in 0..SEEDS {
        let violation = run(&generate(seed)).violation;
        assert!(violation.is_none(), "seed {seed}: {violation:?}");
    }
}

#[test]
fn planted_bugs_are_found_by_their_oracles() {
    for (bug, oracle) in [
        (Bug::EndedTwice, "grammar"),
        (Bug::AlarmLeaked, "leaks"),
        (Bug::MediaLeaked, "cleanup"),
        (Bug::AckMiscounted, "obligations"),
        (Bug::ByeNotAnswered, "immediacy"),
        (Bug::BranchReused, "sequence"),
        (Bug::RepeatedInStep, "retransmission"),
        (Bug::NonceNotCounted, "realms"),
        (Bug::RequestOutcomeTwice, "requests"),
        (Bug::CredentialsForgottenInDialog, "challenges"),
        (Bug::EndReasonMissing, "end-reason"),
        (Bug::KeepAliveOnce, "keep-alive"),
        (Bug::OneServerOnly, "failover"),
        (Bug::HoldNotSaid, "agreement"),
        (Bug::OfferNotWithdrawn, "negotiation"),
        (Bug::DigitDoubled, "digits"),
        (Bug::TransferLosesCall, "unexpected-end"),
        (Bug::NoBackOff, "registration"),
        (Bug::PrackForgotten, "prack"),
    ] {
        expect_found(bug.into(), oracle);
    }
    for (bug, oracle) in
        [(ExchangeBug::CredentialsForwarded, "disclosure"), (ExchangeBug::ChallengeKept, "stateless")]
    {
        expect_found(bug.into(), oracle);
    }
}

fn expect_found(bug: Planted, oracle: &str) {
    let (_, found) = hunt(bug, 0, SEEDS);
    let violation = found.and_then(|scenario| run(&scenario).violation);
    assert_eq!(violation.map(|violation| violation.oracle), Some(oracle), "{bug:?}");
}

/// Bugs that need a specific world.
#[test]
fn rare_bugs_are_found_in_their_worlds() {
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
        expect_found_in(bug.into(), oracle, &world);
    }
}

/// Bugs of offers and reliable responses.
#[test]
fn bugs_of_negotiation_are_found_in_their_worlds() {
    let no_codec = "phone alice ws codecs=opus\nphone bob ws codecs=pcma\n1s alice dials bob";
    let early = "0s bob will ignore\n10s alice dials bob\n15s bob sends early media\n20s bob answers";
    for (bug, oracle, world) in [
        (Bug::OfferNotChecked, "checks", no_codec.to_owned()),
        (Bug::WarningMissing, "checks", no_codec.to_owned()),
        (Bug::PrackForgotten, "prack", format!("phone alice ws\nphone bob ws\n{early}")),
        (Bug::ProvisionalNotRepeated, "prack", format!("phone alice ws delay=1s\nphone bob ws\n{early}")),
        (
            Bug::AnswerBeforePrack,
            "prack",
            "phone alice ws delay=1s\nphone bob ws\n0s bob will ignore\n10s alice dials bob\n15s bob sends early media\n\
             15.5s bob answers"
                .to_owned(),
        ),
        (
            Bug::EarlySequenceForgotten,
            "sequence",
            "phone carol ws delay=73ms reliable\nphone frank ws\n1s frank dials carol\n3.2s frank hangs up".to_owned(),
        ),
        (
            Bug::UpdateAcceptedInGlare,
            "update",
            "phone alice ws by-update\nphone bob ws by-update\n1s alice dials bob\n8s alice holds\n8s bob holds".to_owned(),
        ),
        (
            Bug::RestartNotReported,
            "outcome",
            "phone alice ws\nphone bob ws\n1s alice dials bob\n8s alice restarts media".to_owned(),
        ),
        (
            Bug::RefusalOfAll,
            "outcome",
            "phone alice ws delay=300ms\nphone bob ws\n3s alice dials bob\n7s bob has broken media for 3s\n8s alice holds\n\
             8.1s alice restarts media"
                .to_owned(),
        ),
        (
            Bug::MediaTypesNotOffered,
            "outcome",
            "phone alice ws\nphone bob ws\n1s alice dials bob\n8s alice sets media to audio and video".to_owned(),
        ),
        (
            Bug::IncomingTypesForgotten,
            "checks",
            "phone alice ws\nphone bob ws\n1s alice dials bob".to_owned(),
        ),
        (
            Bug::MuteForgotten,
            "mute",
            "phone alice ws\nphone bob ws\n0s bob will answer after 5s\n1s alice dials bob\n3s bob mutes audio".to_owned(),
        ),
        (
            Bug::AckToOldTarget,
            "dialog",
            "phone alice ws\nrogue mallory ws breaks=answers-elsewhere\n1s alice dials mallory\n3s alice holds".to_owned(),
        ),
        // The phone that sends early media is not the one that answers.
        (
            Bug::LegLeaked,
            "legs",
            "phone alice ws\nphone bob ws\nphone carol ws user=bob\n0s bob will ignore\n0s carol will answer after 5s\n\
             1s alice dials bob\n2s bob sends early media"
                .to_owned(),
        ),
        (Bug::ProvisionalTakenTwice, "prack", format!("phone alice ws delay=400ms\nphone bob ws\n{early}")),
    ] {
        expect_found_in(bug.into(), oracle, &world);
    }
}

/// Bugs of requests outside of dialogs, of challenges, redirections and accounts.
#[test]
fn bugs_of_requests_and_accounts_are_found_in_their_worlds() {
    let call = "phone alice ws\nphone bob ws\n1s alice dials bob\n";
    let call_to_rogue = "1s alice dials mallory\n";
    for (bug, oracle, world) in [
        (
            Bug::MessageReportedTwice,
            "requests",
            "seed 802\nphone alice ws\n100ms alice breaks off after 1300 bytes to the network\n200ms alice messages alice"
                .to_owned(),
        ),
        (
            Bug::RequestOutcomeLost,
            "requests",
            "exchange pbx\nphone alice ws\n1s alice is parted from pbx for 60s\n2s alice messages alice".to_owned(),
        ),
        (
            Bug::ForeignRealmAnswered,
            "realms",
            format!("phone alice ws\nrogue mallory ws breaks=demands\n{call_to_rogue}"),
        ),
        (
            Bug::SecondRealmForgotten,
            "challenges",
            format!("phone alice ws realms=trunk.example\nrogue mallory ws breaks=demands\n{call_to_rogue}"),
        ),
        (Bug::PackageNotChecked, "infos", format!("{call}5s alice sends an info of conference")),
        (
            Bug::BadInfoPackageAccepted,
            "infos",
            format!("phone alice ws\nrogue mallory ws\n{call_to_rogue}5s mallory floods alice with 5 package-info"),
        ),
        (
            Bug::InfoOutcomeForgotten,
            "outcome",
            format!("{call}5s alice sends an info\n5s alice hangs up"),
        ),
        (Bug::BindingKept, "accounts", "phone alice ws\n1s alice removes its account".to_owned()),
        (Bug::RemovalNeverEnds, "accounts", "phone alice ws\n1s alice removes its account".to_owned()),
        (Bug::RemovedConnectionKept, "accounts", "phone alice ws\n1s alice removes its account".to_owned()),
        (
            Bug::LateCredentialsIgnored,
            "liveness",
            "span storm=2s settle=60s quiesce=60s\nphone alice udp late-password\n1s alice gives the right password".to_owned(),
        ),
    ] {
        expect_found_in(bug.into(), oracle, &world);
    }
}

/// Bugs of exchanges that a rogue exploits.
#[test]
fn bugs_of_exchanges_are_found_in_their_worlds() {
    for (bug, oracle, world) in [
        (
            ExchangeBug::OwnerNotCompared,
            "delivery",
            "phone alice ws\nphone bob ws\nrogue mallory ws\n1s alice dials bob\n2s mallory claims bob\n\
             6s bob loses its connection\n6.02s alice hangs up",
        ),
        (
            ExchangeBug::OwnerNotCompared,
            "delivery",
            "exchange pbx\nphone alice ws\nphone bob udp\nrogue mallory ws\n1s alice dials bob\n2s mallory claims bob\n\
             6s pbx crashes for 100ms\n9s alice hangs up",
        ),
        (
            ExchangeBug::FromNotCompared,
            "delivery",
            "phone alice ws\nphone bob ws\nrogue mallory ws\n2s mallory floods alice with 1 impersonation",
        ),
        (
            ExchangeBug::IdentityForwarded,
            "disclosure",
            "phone alice ws\nrogue mallory ws breaks=asserts-identity\n2s mallory calls alice",
        ),
        (ExchangeBug::ChallengeKept, "stateless", "phone alice ws\nrogue mallory ws\n2s mallory calls alice"),
        (
            ExchangeBug::GuessersNotToldApart,
            "lockout",
            "phone alice ws\nrogue mallory ws\n2s mallory floods alice with 20 guess\n8s alice loses its connection",
        ),
    ] {
        expect_found_in(bug.into(), oracle, world);
    }
}

/// The world is clean without the bug, and fails with it.
fn expect_found_in(bug: Planted, oracle: &str, world: &str) {
    let mut scenario: Scenario = format!("offhook-scenario 1\n{world}\n").parse().expect("a scenario");
    assert_eq!(run(&scenario).violation, None, "{world}");
    scenario.planted = Some(bug);
    let violation = run(&scenario).violation;
    assert_eq!(violation.map(|violation| violation.oracle), Some(oracle), "{bug:?}");
}
