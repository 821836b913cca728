//! Calls, answers and hang-ups.

use std::time::Duration;

use super::{Episode, Odds, Writer};
use crate::scenario::{Behaviour, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode { odds: Odds::Always(150), write: call },
    Episode::user_action(answer_against_cancel),
    Episode::user_action(call_nobody),
    Episode::user_action(behaviour),
    Episode::user_action(hang_up),
    Episode::user_action(both_hang_up),
];

/// A call, often with a behaviour of the callee and a hang-up.
fn call(writer: &mut Writer<'_>) {
    if writer.draw.chance(400) {
        let behaviour = writer.any_behaviour();
        writer.behaviour(writer.other, behaviour);
    }
    writer.dial();
    if writer.draw.chance(500) {
        let lasting = writer.draw.between(200, 40_000);
        let phone = if writer.draw.chance(500) { writer.one } else { writer.other };
        writer.user(phone, lasting, UserAction::HangUp);
    }
}

fn answer_against_cancel(writer: &mut Writer<'_>) {
    let answer = writer.draw.between(0, 3_000);
    writer.behaviour(writer.other, Behaviour::Answer { after: Duration::from_millis(answer) });
    writer.dial();
    let near = writer.near(answer + 100);
    writer.user(writer.one, near, UserAction::HangUp);
}

fn call_nobody(writer: &mut Writer<'_>) {
    let to = *writer.draw.pick(&["nobody", "sip:alice@elsewhere.example", "tel:+15551234"]);
    writer.user(writer.one, 0, UserAction::Dial(to.to_owned()));
}

fn behaviour(writer: &mut Writer<'_>) {
    let behaviour = writer.any_behaviour();
    writer.behaviour(writer.one, behaviour);
}

fn hang_up(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, UserAction::HangUp);
}

fn both_hang_up(writer: &mut Writer<'_>) {
    writer.both(UserAction::HangUp, UserAction::HangUp);
}
