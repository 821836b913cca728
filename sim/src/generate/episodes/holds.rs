//! Holds and resumes, and their glare.

use super::{Episode, Writer};
use crate::scenario::Deed;

pub(super) const EPISODES: &[Episode] =
    &[Episode::deed(hold), Episode::deed(resume), Episode::deed(hold_glare)];

fn hold(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::Hold);
}

fn resume(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::Resume);
}

fn hold_glare(writer: &mut Writer<'_>) {
    writer.both(Deed::Hold, Deed::Hold);
}
