//! Episodes: a few steps that belong together.

use super::writer::Writer;
use crate::hash::Draw;

/// A few steps that belong together.
pub(super) struct Episode {
    /// How likely a seed enables it, and its weight.
    pub(super) odds: Odds,
    /// Writes its steps.
    pub(super) write: fn(&mut Writer<'_>),
}

impl Episode {
    /// An episode of user actions.
    pub(super) const fn user_action(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 600, most: 100 }, write }
    }

    /// An episode of faults.
    pub(super) const fn fault(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 400, most: 60 }, write }
    }
}

/// How likely a seed enables an episode, and its weight. Shares are in thousandths.
pub(super) enum Odds {
    /// All seeds, with this weight.
    Always(u64),
    /// This share of the seeds, with a random weight up to `most`.
    Swarm { seeds: u16, most: u64 },
    /// This share of the seeds, with this weight.
    Seldom { seeds: u16, weight: u64 },
}

impl Odds {
    pub(super) fn draw(&self, draw: &mut Draw) -> u64 {
        match *self {
            Odds::Always(weight) => weight,
            Odds::Swarm { seeds, most } if draw.chance(seeds) => draw.between(1, most),
            Odds::Seldom { seeds, weight } if draw.chance(seeds) => weight,
            Odds::Swarm { .. } | Odds::Seldom { .. } => 0,
        }
    }
}
