//! Oracles: each checks one invariant during a run, and reports a violation of it.
//!
//! An oracle observes what a user or a peer could observe, and the media model. It never inspects the internals of a phone.

mod accounts;
mod agreement;
mod bounds;
mod challenges;
mod checks;
mod cleanup;
mod commands;
mod consent;
mod corrupted;
mod delivery;
mod dialog;
mod digits;
mod disclosure;
mod end_reason;
mod failover;
mod grammar;
mod immediacy;
mod infos;
mod keep_alive;
mod leaks;
mod legs;
mod livelock;
mod liveness;
mod lockout;
mod mute;
mod negotiation;
mod obligations;
mod observation;
mod outcome;
mod prack;
mod reachability;
mod reading;
mod realms;
mod redirects;
mod registration;
mod requests;
mod retransmission;
mod retries;
mod sequence;
mod sound;
mod stateless;
mod stuck;
mod transfer;
mod unexpected_end;
mod update;
mod wire;

pub use corrupted::CorruptedCalls;
pub use observation::{Observation, Oracle, PhaseEnd, Violation, WorldView};
pub use reading::{Reading, Transaction};

/// One instance of each oracle.
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(grammar::Grammar::default()),
        Box::new(negotiation::Negotiation::default()),
        Box::new(checks::Checks::default()),
        Box::new(legs::Legs::default()),
        Box::new(mute::Mute::default()),
        Box::new(prack::Pracks::default()),
        Box::new(update::Updates::default()),
        Box::new(wire::Wire::default()),
        Box::new(sequence::Sequence::default()),
        Box::new(retransmission::Retransmissions::default()),
        Box::new(dialog::Dialogs::default()),
        Box::new(challenges::Challenges::default()),
        Box::new(realms::Realms::default()),
        Box::new(redirects::Redirects::default()),
        Box::new(obligations::Obligations::default()),
        Box::new(immediacy::Immediacy::default()),
        Box::new(commands::Commands::default()),
        Box::new(requests::Requests::default()),
        Box::new(infos::Infos::default()),
        Box::new(accounts::Accounts::default()),
        Box::new(end_reason::EndReasons::default()),
        Box::new(transfer::Transfers::default()),
        Box::new(consent::Consent::default()),
        Box::new(failover::FailOver::default()),
        Box::new(keep_alive::KeepAlives::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(leaks::Leaks::default()),
        Box::new(stuck::Stuck),
        Box::new(livelock::Livelock::default()),
        Box::new(digits::Digits::default()),
        Box::new(sound::Sound::default()),
        Box::new(outcome::Outcome::default()),
        Box::new(unexpected_end::UnexpectedEnd::default()),
        Box::new(registration::Registration::default()),
        Box::new(liveness::Liveness),
        Box::new(reachability::Reachability::default()),
        Box::new(retries::Retries::default()),
        Box::new(delivery::Delivery::default()),
        Box::new(disclosure::Disclosure),
        Box::new(lockout::Lockout),
        Box::new(stateless::Stateless::default()),
        Box::new(agreement::Agreement),
        Box::new(cleanup::Cleanup),
    ]
}
