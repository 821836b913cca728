//! Early media, of one phone or of all phones of a user, and restarts of the media path.

use std::time::Duration;

use super::{Episode, Writer};
use crate::scenario::{Behaviour, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(early_media),
    Episode::user_action(early_media_against_answer),
    Episode::user_action(restart),
    Episode::user_action(restart_with_hold),
];

/// All phones of the callee's user ring; some of them send early media, and one answers, or the caller hangs up.
fn early_media(writer: &mut Writer<'_>) {
    prefer_forks(writer);
    let theirs = phones_of_user(writer, writer.other);
    for &phone in &theirs {
        let after = writer.draw.millis(1_500, 8_000);
        let code = *writer.draw.pick(&[486, 603]);
        let behaviour = match writer.draw.below(10) {
            0..6 => Behaviour::Answer { after },
            6..8 => Behaviour::Reject { code, after },
            _ => Behaviour::Ignore,
        };
        writer.behaviour(phone, behaviour);
    }
    writer.dial();
    for &phone in &theirs {
        if writer.draw.chance(800) {
            let after = writer.draw.between(300, 3_000);
            writer.user(phone, after, UserAction::EarlyMedia);
        }
    }
    if writer.draw.chance(200) {
        let lasting = writer.draw.between(500, 6_000);
        writer.user(writer.one, lasting, UserAction::HangUp);
    }
    writer.wait(Duration::from_secs(2));
}

/// The callee becomes a user with several phones, if there is one.
fn prefer_forks(writer: &mut Writer<'_>) {
    let phones = 0..writer.scenario.phones.len();
    let forked: Vec<usize> = phones.filter(|&phone| phones_of_user(writer, phone).len() > 1).collect();
    if !forked.is_empty() && writer.draw.chance(700) {
        writer.other = *writer.draw.pick(&forked);
    }
}

fn phones_of_user(writer: &Writer<'_>, phone: usize) -> Vec<usize> {
    let phones = &writer.scenario.phones;
    (0..phones.len()).filter(|&other| phones[other].user == phones[phone].user).collect()
}

/// The answer comes before the PRACK of the early media.
fn early_media_against_answer(writer: &mut Writer<'_>) {
    writer.behaviour(writer.other, Behaviour::Ignore);
    writer.dial();
    let rings = writer.draw.between(400, 3_000);
    writer.user(writer.other, rings, UserAction::EarlyMedia);
    let near = writer.near(rings);
    writer.user(writer.other, near, UserAction::Answer);
}

fn restart(writer: &mut Writer<'_>) {
    writer.user(writer.one, 0, UserAction::RestartMedia);
}

/// Two offers that may cross, or one with both.
fn restart_with_hold(writer: &mut Writer<'_>) {
    let phone = if writer.draw.chance(500) { writer.one } else { writer.other };
    writer.user(writer.one, 0, UserAction::RestartMedia);
    let near = writer.near(0);
    writer.user(phone, near, UserAction::Hold);
}
