//! Oracles: each knows one promise, watches a run, and objects when the promise is broken.
//!
//! An oracle sees what a user or a peer could see, and the media model. It never looks into a phone.

mod agreement;
mod bounds;
mod busy;
mod challenges;
mod commands;
mod delivery;
mod dialog;
mod digits;
mod disclosure;
mod duties;
mod failover;
mod grammar;
mod harm;
mod keep_alive;
mod leaks;
mod liveness;
mod lockout;
mod negotiation;
mod observation;
mod outcome;
mod prompt;
mod quiet;
mod reach;
mod reading;
mod registration;
mod repetition;
mod retries;
mod sequence;
mod sound;
mod stateless;
mod stuck;
mod transfer;
mod will;
mod wire;

pub use harm::Harms;
use observation::session_of;
pub use observation::{Moment, Oracle, Scene, Sight, Violation};
pub use reading::{Reading, Transaction};

/// One of each.
pub fn all() -> Vec<Box<dyn Oracle>> {
    vec![
        Box::new(grammar::Grammar::default()),
        Box::new(negotiation::Negotiation::default()),
        Box::new(wire::Wire::default()),
        Box::new(sequence::Sequence::default()),
        Box::new(repetition::Repetition::default()),
        Box::new(dialog::Dialogs::default()),
        Box::new(challenges::Challenges::default()),
        Box::new(duties::Duties::default()),
        Box::new(prompt::Prompt::default()),
        Box::new(commands::Commands::default()),
        Box::new(transfer::Transfers::default()),
        Box::new(failover::FailOver::default()),
        Box::new(keep_alive::KeepAlives::default()),
        Box::new(bounds::Bounds::default()),
        Box::new(leaks::Leaks::default()),
        Box::new(stuck::Stuck),
        Box::new(busy::Busy::default()),
        Box::new(digits::Digits::default()),
        Box::new(sound::Sound::default()),
        Box::new(outcome::Outcome::default()),
        Box::new(will::Will::default()),
        Box::new(registration::Registration::default()),
        Box::new(liveness::Liveness),
        Box::new(reach::Reach::default()),
        Box::new(retries::Retries::default()),
        Box::new(delivery::Delivery::default()),
        Box::new(disclosure::Disclosure),
        Box::new(lockout::Lockout),
        Box::new(stateless::Stateless::default()),
        Box::new(agreement::Agreement),
        Box::new(quiet::Quiet),
    ]
}
