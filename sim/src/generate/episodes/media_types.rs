//! Other types of media, and muting.

use offhook::MediaTypes;

use super::{Episode, Writer};
use crate::scenario::UserAction;

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(other_types),
    Episode::user_action(both_change),
    Episode::user_action(types_with_another_offer),
    Episode::user_action(types_before_the_answer),
    Episode::user_action(mute),
    Episode::user_action(mute_early),
];

const VIDEO: UserAction = UserAction::SetMediaTypes(MediaTypes::AUDIO_VIDEO);
const AUDIO: UserAction = UserAction::SetMediaTypes(MediaTypes::AUDIO);

/// A user adds video, and removes it, perhaps before the outcome.
fn other_types(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, VIDEO);
    let after = writer.draw.between(0, 4_000);
    let who = if writer.draw.chance(600) { writer.one } else { writer.other };
    let then = if writer.draw.chance(700) { AUDIO } else { VIDEO };
    writer.user(who, after, then);
}

/// Both users add video, one shortly after the other: the second one accepts the offer, or the two collide.
fn both_change(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, VIDEO);
    let near = writer.near(0);
    writer.user(writer.other, near, VIDEO);
}

/// Two offers that may cross, or one with both.
fn types_with_another_offer(writer: &mut Writer<'_>) {
    let phone = if writer.draw.chance(500) { writer.one } else { writer.other };
    writer.user(writer.one, 0, VIDEO);
    let near = writer.near(0);
    let action = if writer.draw.chance(700) { UserAction::Hold } else { UserAction::RestartMedia };
    writer.user(phone, near, action);
}

/// The types are set while the call rings, at one end or at both.
fn types_before_the_answer(writer: &mut Writer<'_>) {
    writer.dial();
    let soon = writer.draw.between(50, 1_500);
    writer.user(writer.one, soon, VIDEO);
    if writer.draw.chance(600) {
        let soon = writer.draw.between(50, 1_500);
        writer.user(writer.other, soon, VIDEO);
    }
}

fn mute(writer: &mut Writer<'_>) {
    let types = *writer.draw.pick(&[MediaTypes::AUDIO, MediaTypes::VIDEO, MediaTypes::AUDIO_VIDEO]);
    writer.user(writer.one, 0, UserAction::Mute(types));
    if writer.draw.chance(500) {
        let after = writer.draw.between(0, 4_000);
        writer.user(writer.one, after, UserAction::Mute(MediaTypes::NONE));
    }
}

/// A call is muted before it is answered, so that media sessions are created while it is.
fn mute_early(writer: &mut Writer<'_>) {
    writer.dial();
    for who in [writer.one, writer.other] {
        let soon = writer.draw.between(1, 1_500);
        writer.user(who, soon, UserAction::Mute(MediaTypes::AUDIO));
    }
}
