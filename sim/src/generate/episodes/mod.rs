//! Episodes, by subject.

mod accounts;
mod calls;
mod digits;
mod early;
mod exchanges;
mod holds;
mod hosts;
mod media;
mod media_types;
mod network;
mod races;
mod registration;
mod requests;
mod streams;
mod transfers;

use super::episode::{Episode, Odds};
use super::writer::Writer;

/// All episodes. Their order affects the scenario of a seed.
pub(super) fn all() -> impl Iterator<Item = &'static Episode> {
    let users = [
        calls::EPISODES,
        holds::EPISODES,
        early::EPISODES,
        media_types::EPISODES,
        digits::EPISODES,
        transfers::EPISODES,
        races::EPISODES,
        registration::EPISODES,
        requests::EPISODES,
        accounts::EPISODES,
    ];
    let faults =
        [network::EPISODES, streams::EPISODES, exchanges::EPISODES, hosts::EPISODES, media::EPISODES];
    users.into_iter().chain(faults).flatten()
}
