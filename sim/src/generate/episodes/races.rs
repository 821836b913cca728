//! An end that meets what goes on.

use super::{Episode, Writer};
use crate::scenario::Deed;

pub(super) const EPISODES: &[Episode] = &[Episode::deed(hang_up_during_hold)];

fn hang_up_during_hold(writer: &mut Writer<'_>) {
    writer.both(Deed::Hold, Deed::HangUp);
}
