//! The episodes that a seed enables.

use super::episode::{Episode, Odds};
use super::episodes;
use crate::hash::Draw;

/// The enabled episodes and their weights.
pub(super) struct Swarm {
    weights: Vec<(&'static Episode, u64)>,
    total: u64,
}

impl Swarm {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        Self::weigh(|odds| odds.draw(draw))
    }

    /// All episodes that are enabled often, with their mean weights.
    pub(super) fn everything() -> Self {
        Self::weigh(|odds| match *odds {
            Odds::Always(weight) => weight,
            Odds::Swarm { most, .. } => most.div_ceil(2),
            Odds::Seldom { .. } => 0,
        })
    }

    fn weigh(mut weight: impl FnMut(&Odds) -> u64) -> Self {
        let weights: Vec<_> = episodes::all().map(|episode| (episode, weight(&episode.odds))).collect();
        let total = weights.iter().map(|(_, weight)| weight).sum();
        Self { weights, total }
    }

    pub(super) fn pick(&self, draw: &mut Draw) -> &'static Episode {
        let mut left = draw.below(self.total);
        for &(episode, weight) in &self.weights {
            if left < weight {
                return episode;
            }
            left -= weight;
        }
        unreachable!("a number below the sum of the weights falls into one of them")
    }
}
