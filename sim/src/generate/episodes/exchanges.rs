//! Exchanges that fail.

use super::{Episode, Writer};
use crate::scenario::Fault;

pub(super) const EPISODES: &[Episode] = &[Episode::fault(crash)];

fn crash(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(60_000);
    let exchange = writer.draw.below(writer.scenario.exchanges.len() as u64) as usize;
    writer.fault(Fault::Crash { exchange, lasting });
}
