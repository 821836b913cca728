//! Provisional responses, too many or without an end.

use super::turn::Turn;

pub(super) fn trying_only(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let trying = turn.reply(100);
    turn.say(10, trying);
}

pub(super) fn for_ever(turn: &mut Turn<'_>) {
    turn.lines.truncate(1);
}

pub(super) fn flood(turn: &mut Turn<'_>) {
    for n in 0..40 {
        let code = *turn.draw.pick(&[100, 180, 181, 182, 183, 199]);
        let mut ring = if turn.draw.chance(300) { turn.reply_with_sdp(code) } else { turn.reply(code) };
        if turn.draw.chance(300) {
            let device = turn.call.fresh();
            ring = ring.tagged("To", Some(&device));
        }
        if turn.draw.chance(300) {
            ring = ring.row("Require", "100rel").row("RSeq", (n + 1).to_string());
        }
        let after = turn.draw.between(0, 2_000);
        turn.say(after, ring);
    }
}

pub(super) fn silent(turn: &mut Turn<'_>) {
    turn.lines.clear();
}

pub(super) fn after_answer(turn: &mut Turn<'_>) {
    for n in 0..5 {
        let ring = turn.reply(180);
        turn.say(2_000 + n * 400, ring);
    }
}
