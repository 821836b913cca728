//! Wrong responses to a CANCEL. The correct plan is 200 to it, and 487 to the INVITE.

use super::draft::Draft;
use super::plan::Plan;

/// A 2xx to the cancelled INVITE.
fn answer(plan: &mut Plan<'_>) -> Draft {
    let sdp = plan.sdp();
    let Some(invite) = &plan.call.theirs else { return plan.reply(200) };
    Draft::reply(invite, 200, Some(&plan.call.tag))
        .row("Contact", format!("<{}>", plan.me.contact))
        .body("application/sdp", sdp)
}

pub(super) fn answer_after(plan: &mut Plan<'_>) {
    let answer = answer(plan);
    if plan.draw.chance(500) {
        // Instead of the 487.
        plan.messages.truncate(1);
    }
    let after = plan.draw.between(0, 1_000);
    plan.send(after, answer);
}

pub(super) fn refused_after(plan: &mut Plan<'_>) {
    let Some(invite) = &plan.call.theirs else { return };
    let refusal = Draft::reply(invite, 603, Some(&plan.call.tag));
    plan.send(300, refusal);
}

pub(super) fn forgets(plan: &mut Plan<'_>) {
    plan.messages.truncate(1);
}

pub(super) fn ignored(plan: &mut Plan<'_>) {
    plan.messages.clear();
}

pub(super) fn refused(plan: &mut Plan<'_>) {
    let answer = answer(plan);
    let refusal = plan.reply(481);
    plan.messages.clear();
    plan.send(10, refusal);
    plan.send(20, answer);
}
