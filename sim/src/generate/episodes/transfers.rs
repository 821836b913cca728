//! Transfers, also during a hold.

use std::time::Duration;

use super::{Episode, Writer};
use crate::scenario::{Behaviour, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(transfer),
    Episode::user_action(transfer_during_hold),
    Episode::user_action(two_transfers),
];

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

/// A phone has two calls, and both peers transfer it.
fn two_transfers(writer: &mut Writer<'_>) {
    let count = writer.scenario.phones.len();
    let Some(third) = (0..count).find(|&phone| phone != writer.one && phone != writer.other) else { return };
    let soon = Behaviour::Answer { after: Duration::from_millis(100) };
    writer.behaviour(writer.one, soon);
    writer.behaviour(writer.other, soon);
    writer.dial();
    let user = writer.scenario.phones[writer.one].user.clone();
    writer.user(third, 1_500, UserAction::Dial(user));
    let after = writer.draw.between(3_000, 6_000);
    let near = writer.near(after);
    for (phone, at) in [(writer.other, after), (third, near)] {
        let to = writer.any_user();
        writer.user(phone, at, UserAction::Transfer(to));
    }
}
