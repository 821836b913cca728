//! Calls, how they are taken, and how they end.

use std::time::Duration;

use super::{Episode, Odds, Writer};
use crate::scenario::{Deed, Manner};

pub(super) const EPISODES: &[Episode] = &[
    Episode { odds: Odds::Always(150), write: call },
    Episode::deed(answer_against_cancel),
    Episode::deed(call_nobody),
    Episode::deed(manner),
    Episode::deed(hang_up),
    Episode::deed(both_hang_up),
];

/// A call, and often how it is taken and how it ends.
fn call(writer: &mut Writer<'_>) {
    if writer.draw.chance(400) {
        let manner = writer.any_manner();
        writer.manner(writer.other, manner);
    }
    writer.dial();
    if writer.draw.chance(500) {
        let lasting = writer.draw.between(200, 40_000);
        let who = if writer.draw.chance(500) { writer.one } else { writer.other };
        writer.user(who, lasting, Deed::HangUp);
    }
}

fn answer_against_cancel(writer: &mut Writer<'_>) {
    let answer = writer.draw.between(0, 3_000);
    writer.manner(writer.other, Manner::Answer { after: Duration::from_millis(answer) });
    writer.dial();
    let near = writer.near(answer + 100);
    writer.user(writer.one, near, Deed::HangUp);
}

fn call_nobody(writer: &mut Writer<'_>) {
    let to = *writer.draw.pick(&["nobody", "sip:alice@elsewhere.example", "tel:+15551234"]);
    writer.user(writer.one, 0, Deed::Dial(to.to_owned()));
}

fn manner(writer: &mut Writer<'_>) {
    let manner = writer.any_manner();
    writer.manner(writer.one, manner);
}

fn hang_up(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, Deed::HangUp);
}

fn both_hang_up(writer: &mut Writer<'_>) {
    writer.both(Deed::HangUp, Deed::HangUp);
}
