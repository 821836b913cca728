//! Wrong ACKs. The correct plan is the ACK.

use std::time::Duration;

use super::plan::Plan;

pub(super) fn none(plan: &mut Plan<'_>) {
    plan.messages.clear();
}

pub(super) fn wrong_cseq(plan: &mut Plan<'_>) {
    plan.change_first(|draft| {
        let value = format!("{} ACK", draft.cseq.wrapping_add(1));
        draft.set("CSeq", value)
    });
}

pub(super) fn wrong_tag(plan: &mut Plan<'_>) {
    let name = *plan.draw.pick(&["To", "From"]);
    plan.change_first(|draft| draft.tagged(name, Some("nobodys")));
}

pub(super) fn same_branch(plan: &mut Plan<'_>) {
    let Some(branch) = plan.call.ours.as_ref().map(|invite| invite.branch.clone()) else { return };
    let via = format!("{};branch={branch}", plan.me.via);
    plan.change_first(|draft| draft.set("Via", via));
}

pub(super) fn twice(plan: &mut Plan<'_>) {
    let again = plan.ack();
    plan.send(200, again);
}

pub(super) fn late(plan: &mut Plan<'_>) {
    let after = plan.draw.millis(5_000, 40_000);
    for message in &mut plan.messages {
        message.after = after;
    }
}

pub(super) fn offers(plan: &mut Plan<'_>) {
    let sdp = plan.sdp();
    plan.change_first(|draft| draft.body("application/sdp", sdp));
}

pub(super) fn no_answer(plan: &mut Plan<'_>) {
    plan.change_first(super::draft::Draft::bodiless);
}

pub(super) fn bye_before(plan: &mut Plan<'_>) {
    let bye = plan.request("BYE");
    plan.send(0, bye);
    if let Some(ack) = plan.messages.first_mut() {
        ack.after = Duration::from_millis(100);
    }
}

pub(super) fn bye_instead(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let bye = plan.request("BYE");
    plan.send(0, bye);
}

pub(super) fn cancel_after(plan: &mut Plan<'_>) {
    let Some(cancel) = plan.call.ours.as_ref().map(|invite| invite.companion("CANCEL")) else { return };
    plan.send(5, cancel);
}

pub(super) fn reinvite_before(plan: &mut Plan<'_>) {
    let invite = plan.invite();
    plan.send(0, invite);
    if let Some(ack) = plan.messages.first_mut() {
        ack.after = Duration::from_millis(300);
    }
}
