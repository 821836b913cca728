//! Requests outside of dialogs, and INFOs.

use super::{Episode, Writer};
use crate::scenario::UserAction;

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(message),
    Episode::user_action(capabilities),
    Episode::user_action(info),
    Episode::user_action(info_during_hold),
];

/// A user, or an address that no phone has.
fn address(writer: &mut Writer<'_>) -> String {
    match writer.draw.below(12) {
        0 => "sip:eve@elsewhere.example".to_owned(),
        1 => "tel:+15551234".to_owned(),
        _ => writer.any_user(),
    }
}

fn message(writer: &mut Writer<'_>) {
    let count = if writer.draw.chance(100) { writer.draw.between(10, 80) } else { writer.draw.between(1, 3) };
    for n in 0..count {
        let to = address(writer);
        let long = writer.draw.chance(50);
        let message = if long { UserAction::LongMessage(to) } else { UserAction::Message(to) };
        writer.user(writer.one, 5 * n, message);
    }
    if writer.draw.chance(300) {
        let to = address(writer);
        let near = writer.near(0);
        writer.user(writer.other, near, UserAction::Message(to));
    }
}

fn capabilities(writer: &mut Writer<'_>) {
    let to = address(writer);
    writer.user(writer.one, 0, UserAction::AskCapabilities(to));
}

fn any_info(writer: &mut Writer<'_>) -> UserAction {
    let package = *writer.draw.pick(&[None, Some("conference"), Some("trigger"), Some("unknown")]);
    UserAction::Info { package: package.map(str::to_owned) }
}

fn info(writer: &mut Writer<'_>) {
    let count = if writer.draw.chance(100) { 40 } else { writer.draw.between(1, 3) };
    for n in 0..count {
        let info = any_info(writer);
        writer.user(writer.one, 5 * n, info);
    }
}

fn info_during_hold(writer: &mut Writer<'_>) {
    let info = any_info(writer);
    writer.both(info, UserAction::Hold);
}
