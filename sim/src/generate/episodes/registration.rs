//! Commands to register and unregister.

use super::{Episode, Writer};
use crate::scenario::UserAction;

pub(super) const EPISODES: &[Episode] =
    &[Episode::user_action(unregister), Episode::fault(register_repeatedly)];

fn unregister(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, UserAction::Unregister);
    if writer.draw.chance(700) {
        let after = writer.draw.between(0, 10_000);
        writer.user(writer.one, after, UserAction::Register);
    }
}

/// Many commands to register, then one to unregister.
fn register_repeatedly(writer: &mut Writer<'_>) {
    let gap = *writer.draw.pick(&[20, 100, 400]);
    let mut after = 0;
    for _ in 0..writer.draw.between(5, 18) {
        writer.user(writer.one, after, UserAction::Register);
        after += 1 + writer.draw.below(2 * gap);
    }
    writer.user(writer.one, after, UserAction::Unregister);
    let after = after + writer.draw.between(0, 20_000);
    writer.user(writer.one, after, UserAction::Register);
}
