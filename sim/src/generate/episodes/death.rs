//! What is never healed.

use super::{Episode, Odds, Writer};
use crate::scenario::Fault;

pub(super) const EPISODES: &[Episode] =
    &[Episode { odds: Odds::Seldom { seeds: 100, weight: 5 }, write: die }];

fn die(writer: &mut Writer<'_>) {
    writer.fault(Fault::Die { phone: writer.one });
}
