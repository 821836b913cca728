//! Users who do not want to be registered, for a while.

use super::{Episode, Writer};
use crate::scenario::Deed;

pub(super) const EPISODES: &[Episode] = &[Episode::deed(unregister)];

fn unregister(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::Unregister);
    if writer.draw.chance(700) {
        let after = writer.draw.between(0, 10_000);
        writer.user(writer.one, after, Deed::Register);
    }
}
