//! Holds, resumes and glare.

use std::time::Duration;

use super::{Episode, Writer};
use crate::scenario::{Behaviour, Fault, MediaTrouble, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(hold),
    Episode::user_action(resume),
    Episode::user_action(hold_glare),
    Episode::fault(hold_with_unresponsive_engine),
    Episode::user_action(change_of_mind),
];

fn hold(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, UserAction::Hold);
}

fn resume(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, UserAction::Resume);
}

fn hold_glare(writer: &mut Writer<'_>) {
    writer.both(UserAction::Hold, UserAction::Hold);
}

/// A hold without a description from one media engine, in a new call.
fn hold_with_unresponsive_engine(writer: &mut Writer<'_>) {
    writer.behaviour(writer.other, Behaviour::Answer { after: Duration::from_millis(100) });
    writer.dial();
    let talking = writer.draw.between(2_000, 4_000);
    let phone = *writer.draw.pick(&[writer.one, writer.other]);
    let lasting = writer.draw.millis(500, 5_000);
    writer.fault_after(talking, Fault::Media { phone, trouble: MediaTrouble::Unresponsive, lasting });
    writer.user(writer.one, talking + 100, UserAction::Hold);
}

/// Both hold simultaneously, and one resumes before the outcome.
fn change_of_mind(writer: &mut Writer<'_>) {
    hold_glare(writer);
    let phone = if writer.draw.chance(500) { writer.one } else { writer.other };
    let after = writer.draw.between(50, 4_000);
    writer.user(phone, after, UserAction::Resume);
}
