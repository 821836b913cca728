//! Holds and resumes, and their glare.

use std::time::Duration;

use super::{Episode, Writer};
use crate::scenario::{Deed, Fault, Manner, MediaTrouble};

pub(super) const EPISODES: &[Episode] = &[
    Episode::deed(hold),
    Episode::deed(resume),
    Episode::deed(hold_glare),
    Episode::fault(hold_unheard),
    Episode::deed(change_of_mind),
];

fn hold(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::Hold);
}

fn resume(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::Resume);
}

fn hold_glare(writer: &mut Writer<'_>) {
    writer.both(Deed::Hold, Deed::Hold);
}

/// A hold that the media engine of one end never makes a description for. The call has to outlive it, so it is a new one.
fn hold_unheard(writer: &mut Writer<'_>) {
    writer.manner(writer.other, Manner::Answer { after: Duration::from_millis(100) });
    writer.dial();
    let talking = writer.draw.between(2_000, 4_000);
    let deaf = *writer.draw.pick(&[writer.one, writer.other]);
    let lasting = writer.draw.millis(500, 5_000);
    writer.fault_after(talking, Fault::Media { phone: deaf, trouble: MediaTrouble::Deaf, lasting });
    writer.user(writer.one, talking + 100, Deed::Hold);
}

/// Both hold at once, and one of them resumes before anything came of it.
fn change_of_mind(writer: &mut Writer<'_>) {
    hold_glare(writer);
    let who = if writer.draw.chance(500) { writer.one } else { writer.other };
    let after = writer.draw.between(50, 4_000);
    writer.user(who, after, Deed::Resume);
}
