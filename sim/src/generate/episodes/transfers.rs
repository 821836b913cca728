//! Transfers, also during a hold.

use super::{Episode, Writer};
use crate::scenario::UserAction;

pub(super) const EPISODES: &[Episode] =
    &[Episode::user_action(transfer), Episode::user_action(transfer_during_hold)];

fn transfer(writer: &mut Writer<'_>) {
    let to = match writer.draw.below(6) {
        0 => "tel:+19005550100".to_owned(),
        1 => "sip:eve@elsewhere.example".to_owned(),
        _ => writer.any_user(),
    };
    writer.user(writer.one, 0, UserAction::Transfer(to));
}

fn transfer_during_hold(writer: &mut Writer<'_>) {
    let to = writer.any_user();
    writer.both(UserAction::Transfer(to), UserAction::Hold);
}
