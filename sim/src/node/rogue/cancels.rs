//! What becomes of a CANCEL. The honest plan is 200 to it, and 487 to the INVITE.

use super::draft::Draft;
use super::turn::Turn;

/// A 2xx to the INVITE that is being cancelled.
fn answer(turn: &mut Turn<'_>) -> Draft {
    let sdp = turn.sdp();
    let Some(invite) = &turn.call.theirs else { return turn.reply(200) };
    Draft::reply(invite, 200, Some(&turn.call.tag))
        .row("Contact", format!("<{}>", turn.me.contact))
        .body("application/sdp", sdp)
}

pub(super) fn answer_after(turn: &mut Turn<'_>) {
    let answer = answer(turn);
    if turn.draw.chance(500) {
        // In place of the 487.
        turn.lines.truncate(1);
    }
    let after = turn.draw.between(0, 1_000);
    turn.say(after, answer);
}

pub(super) fn refused_after(turn: &mut Turn<'_>) {
    let Some(invite) = &turn.call.theirs else { return };
    let refusal = Draft::reply(invite, 603, Some(&turn.call.tag));
    turn.say(300, refusal);
}

pub(super) fn forgets(turn: &mut Turn<'_>) {
    turn.lines.truncate(1);
}

pub(super) fn ignored(turn: &mut Turn<'_>) {
    turn.lines.clear();
}

pub(super) fn refused(turn: &mut Turn<'_>) {
    let answer = answer(turn);
    let refusal = turn.reply(481);
    turn.lines.clear();
    turn.say(10, refusal);
    turn.say(20, answer);
}
