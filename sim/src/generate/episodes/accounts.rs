//! Accounts at run time, and their passwords.

use std::time::Duration;

use super::{Episode, Odds, Writer};
use crate::scenario::{Fault, GivenPassword, MediaTrouble, Replacement, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode { odds: Odds::Swarm { seeds: 200, most: 60 }, write: replace },
    Episode { odds: Odds::Swarm { seeds: 200, most: 60 }, write: remove },
    Episode { odds: Odds::Swarm { seeds: 250, most: 60 }, write: give_password },
    Episode { odds: Odds::Seldom { seeds: 100, weight: 60 }, write: leave_unanswered },
    Episode { odds: Odds::Swarm { seeds: 150, most: 40 }, write: remove_during_check },
];

fn replace(writer: &mut Writer<'_>) {
    let how = *writer.draw.pick(&[Replacement::Same, Replacement::ServersReversed, Replacement::OtherUser]);
    if writer.draw.chance(300) {
        writer.dial();
    }
    let after = writer.near(0);
    writer.user(writer.one, after, UserAction::ReplaceAccount(how));
    // A phone that asks for credentials gets them again, during a call, a request or a refresh.
    if writer.scenario.phones[writer.one].late_password && writer.draw.chance(600) {
        writer.user(writer.one, after + 1, UserAction::ReplaceAccount(Replacement::WithoutPassword));
        let to = writer.any_user();
        let action = match writer.draw.below(4) {
            0 => UserAction::Register,
            1 => UserAction::Message(to),
            2 => UserAction::AskCapabilities(to),
            _ => UserAction::Dial(to),
        };
        writer.user(writer.one, after + 2, action);
        if writer.draw.chance(300) {
            let hang_up = after + writer.draw.between(2, 8_000);
            writer.user(writer.one, hang_up, UserAction::HangUp);
        }
        if writer.draw.chance(600) {
            let given =
                *writer.draw.pick(&[GivenPassword::Right, GivenPassword::Right, GivenPassword::Nothing]);
            let gives = after + writer.draw.between(2, 20_000);
            writer.user(writer.one, gives, UserAction::GivePassword(given));
        }
    }
    if writer.draw.chance(200) {
        let again = writer.near(after);
        writer.user(writer.one, again, UserAction::ReplaceAccount(Replacement::OtherUser));
    }
}

/// Removes the account, often during a call, and adds another one.
fn remove(writer: &mut Writer<'_>) {
    if writer.draw.chance(500) {
        writer.dial();
    }
    let after = writer.draw.between(0, 5_000);
    if writer.draw.chance(300) {
        let to = writer.any_user();
        writer.user(writer.one, after, UserAction::Message(to));
    }
    writer.user(writer.one, after, UserAction::RemoveAccount);
    if writer.draw.chance(850) {
        let most = *writer.draw.pick(&[1, 500, 40_000]);
        let again = after + writer.draw.between(0, most);
        writer.user(writer.one, again, UserAction::AddAccount);
    }
}

/// Removes the account while the media engine still checks the offer of an INVITE.
fn remove_during_check(writer: &mut Writer<'_>) {
    let phone = writer.other;
    let lasting = Duration::from_secs(3);
    writer.fault(Fault::Media { phone, trouble: MediaTrouble::Unresponsive, lasting });
    writer.dial();
    let after = writer.draw.between(30, 500);
    writer.user(phone, after, UserAction::RemoveAccount);
    let again = after + writer.draw.between(500, 10_000);
    writer.user(phone, again, UserAction::AddAccount);
}

/// A phone asks for credentials for a call or a request, and nobody answers, or too late: its connection is lost before. Or there are none.
fn leave_unanswered(writer: &mut Writer<'_>) {
    let Some(phone) = writer.scenario.phones.iter().position(|phone| phone.late_password) else { return };
    writer.user(phone, 0, UserAction::GivePassword(GivenPassword::Right));
    writer.user(phone, 3_000, UserAction::ReplaceAccount(Replacement::WithoutPassword));
    let to = writer.any_user();
    let action = if writer.draw.chance(500) { UserAction::Dial(to) } else { UserAction::Message(to) };
    writer.user(phone, 3_001, action);
    let lost = writer.draw.chance(500);
    if lost {
        writer.fault_after(8_000, Fault::Reset { phone });
    }
    match writer.draw.below(4) {
        0 if lost => {
            // Perhaps before there is another connection.
            let given = writer.draw.between(8_001, 8_040);
            writer.user(phone, given, UserAction::GivePassword(GivenPassword::Right));
        }
        1 => {
            let given = writer.draw.between(3_200, 20_000);
            writer.user(phone, given, UserAction::GivePassword(GivenPassword::Nothing));
        }
        _ => {}
    }
    // Longer than a phone waits.
    writer.wait(Duration::from_secs(135));
}

/// Gives a password to a phone that asks for it, if there is one.
fn give_password(writer: &mut Writer<'_>) {
    let late = writer.scenario.phones.iter().position(|phone| phone.late_password);
    let given = *writer.draw.pick(&[
        GivenPassword::Right,
        GivenPassword::Right,
        GivenPassword::Right,
        GivenPassword::Wrong,
        GivenPassword::Nothing,
    ]);
    // Without being asked, a wrong one would only end the run of a phone.
    let (phone, given) = match late {
        Some(phone) => (phone, given),
        None => (writer.one, GivenPassword::Right),
    };
    writer.user(phone, 0, UserAction::GivePassword(given));
}
