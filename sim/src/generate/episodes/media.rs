//! Media engines in trouble.

use super::{Episode, Writer};
use crate::scenario::{Fault, MediaTrouble};

pub(super) const EPISODES: &[Episode] = &[Episode::fault(trouble)];

fn trouble(writer: &mut Writer<'_>) {
    let slow = MediaTrouble::Slow(writer.draw.millis(100, 20_000));
    let trouble = *writer.draw.pick(&[slow, slow, MediaTrouble::Broken, MediaTrouble::Pathless]);
    let lasting = writer.lasting(30_000);
    writer.fault(Fault::Media { phone: writer.one, trouble, lasting });
}
