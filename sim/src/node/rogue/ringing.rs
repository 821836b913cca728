//! Too many provisional responses, or no final one.

use super::plan::Plan;

pub(super) fn trying_only(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let trying = plan.reply(100);
    plan.send(10, trying);
}

pub(super) fn for_ever(plan: &mut Plan<'_>) {
    plan.messages.truncate(1);
}

pub(super) fn flood(plan: &mut Plan<'_>) {
    for n in 0..40 {
        let code = *plan.draw.pick(&[100, 180, 181, 182, 183, 199]);
        let mut ring = if plan.draw.chance(300) { plan.reply_with_sdp(code) } else { plan.reply(code) };
        if plan.draw.chance(300) {
            let device = plan.call.fresh();
            ring = ring.tagged("To", Some(&device));
        }
        if plan.draw.chance(300) {
            ring = ring.row("Require", "100rel").row("RSeq", (n + 1).to_string());
        }
        let after = plan.draw.between(0, 2_000);
        plan.send(after, ring);
    }
}

pub(super) fn silent(plan: &mut Plan<'_>) {
    plan.messages.clear();
}

pub(super) fn after_answer(plan: &mut Plan<'_>) {
    for n in 0..5 {
        let ring = plan.reply(180);
        plan.send(2_000 + n * 400, ring);
    }
}
