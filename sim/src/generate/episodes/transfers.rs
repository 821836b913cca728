//! Transfers, also during a hold.

use super::{Episode, Writer};
use crate::scenario::Deed;

pub(super) const EPISODES: &[Episode] = &[Episode::deed(transfer), Episode::deed(transfer_during_hold)];

fn transfer(writer: &mut Writer<'_>) {
    let to = writer.somebody();
    writer.user(writer.one, 0, Deed::Transfer(to));
}

fn transfer_during_hold(writer: &mut Writer<'_>) {
    let to = writer.somebody();
    writer.both(Deed::Transfer(to), Deed::Hold);
}
