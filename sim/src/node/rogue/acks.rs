//! What comes after a phone took a call. The honest plan is the ACK.

use std::time::Duration;

use super::turn::Turn;

pub(super) fn none(turn: &mut Turn<'_>) {
    turn.lines.clear();
}

pub(super) fn wrong_cseq(turn: &mut Turn<'_>) {
    turn.change_first(|draft| {
        let value = format!("{} ACK", draft.cseq.wrapping_add(1));
        draft.set("CSeq", value)
    });
}

pub(super) fn wrong_tag(turn: &mut Turn<'_>) {
    let name = *turn.draw.pick(&["To", "From"]);
    turn.change_first(|draft| draft.tagged(name, Some("nobodys")));
}

pub(super) fn same_branch(turn: &mut Turn<'_>) {
    let Some(branch) = turn.call.ours.as_ref().map(|invite| invite.branch.clone()) else { return };
    let via = format!("{};branch={branch}", turn.me.via);
    turn.change_first(|draft| draft.set("Via", via));
}

pub(super) fn twice(turn: &mut Turn<'_>) {
    let again = turn.ack();
    turn.say(200, again);
}

pub(super) fn late(turn: &mut Turn<'_>) {
    let after = turn.draw.millis(5_000, 40_000);
    for line in &mut turn.lines {
        line.after = after;
    }
}

pub(super) fn offers(turn: &mut Turn<'_>) {
    let sdp = turn.sdp();
    turn.change_first(|draft| draft.body("application/sdp", sdp));
}

pub(super) fn no_answer(turn: &mut Turn<'_>) {
    turn.change_first(super::draft::Draft::bodiless);
}

pub(super) fn bye_before(turn: &mut Turn<'_>) {
    let bye = turn.request("BYE");
    turn.say(0, bye);
    if let Some(ack) = turn.lines.first_mut() {
        ack.after = Duration::from_millis(100);
    }
}

pub(super) fn bye_instead(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let bye = turn.request("BYE");
    turn.say(0, bye);
}

pub(super) fn cancel_after(turn: &mut Turn<'_>) {
    let Some(cancel) = turn.call.ours.as_ref().map(|invite| invite.companion("CANCEL")) else { return };
    turn.say(5, cancel);
}

pub(super) fn reinvite_before(turn: &mut Turn<'_>) {
    let invite = turn.invite();
    turn.say(0, invite);
    if let Some(ack) = turn.lines.first_mut() {
        ack.after = Duration::from_millis(300);
    }
}
