//! What may happen, by subject.

mod calls;
mod digits;
mod exchanges;
mod holds;
mod hosts;
mod media;
mod network;
mod races;
mod registration;
mod streams;
mod transfers;

use super::swarm::Odds;
use super::writer::Writer;

/// Something that takes one step or a few that belong together.
pub(super) struct Episode {
    /// Which seeds allow it.
    pub(super) odds: Odds,
    /// Writes its steps.
    pub(super) write: fn(&mut Writer<'_>),
}

/// All of them. Their order is part of what a seed means.
pub(super) fn all() -> impl Iterator<Item = &'static Episode> {
    let users = [
        calls::EPISODES,
        holds::EPISODES,
        digits::EPISODES,
        transfers::EPISODES,
        races::EPISODES,
        registration::EPISODES,
    ];
    let faults =
        [network::EPISODES, streams::EPISODES, exchanges::EPISODES, hosts::EPISODES, media::EPISODES];
    users.into_iter().chain(faults).flatten()
}

impl Episode {
    /// What users do.
    const fn deed(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 600, most: 100 }, write }
    }

    /// What goes wrong.
    const fn fault(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 400, most: 60 }, write }
    }
}
