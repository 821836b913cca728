//! Hang-ups during other transactions.

use super::{Episode, Writer};
use crate::scenario::UserAction;

pub(super) const EPISODES: &[Episode] = &[Episode::user_action(hang_up_during_hold)];

fn hang_up_during_hold(writer: &mut Writer<'_>) {
    writer.both(UserAction::Hold, UserAction::HangUp);
}
