//! Faults of media engines.

use super::{Episode, Writer};
use crate::scenario::{Fault, MediaTrouble};

pub(super) const EPISODES: &[Episode] = &[Episode::fault(trouble)];

fn trouble(writer: &mut Writer<'_>) {
    // The slowest effects finish after the end of their calls.
    let most = *writer.draw.pick(&[20_000, 20_000, 200_000]);
    let slow = MediaTrouble::Slow(writer.draw.millis(100, most));
    let others = [MediaTrouble::Broken, MediaTrouble::NoPath, MediaTrouble::Unresponsive];
    let trouble = if writer.draw.chance(400) { slow } else { *writer.draw.pick(&others) };
    let lasting = writer.lasting(30_000);
    writer.fault(Fault::Media { phone: writer.one, trouble, lasting });
}
