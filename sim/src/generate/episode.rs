//! One episode: a step or a few that belong together, and which seeds have it.

use super::writer::Writer;
use crate::hash::Draw;

/// Something that takes one step or a few that belong together.
pub(super) struct Episode {
    /// Which seeds allow it.
    pub(super) odds: Odds,
    /// Writes its steps.
    pub(super) write: fn(&mut Writer<'_>),
}

impl Episode {
    /// What users do.
    pub(super) const fn user_action(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 600, most: 100 }, write }
    }

    /// What goes wrong.
    pub(super) const fn fault(write: fn(&mut Writer<'_>)) -> Self {
        Self { odds: Odds::Swarm { seeds: 400, most: 60 }, write }
    }
}

/// How likely a seed is to allow an episode, and how much of it.
pub(super) enum Odds {
    /// Every seed does, with this weight.
    Always(u64),
    /// So many seeds of a thousand do, with a random weight up to `most`.
    Swarm { seeds: u16, most: u64 },
    /// So many seeds of a thousand do, with this weight.
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
