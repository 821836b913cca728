//! Wrong final responses to an INVITE.

use super::draft::Draft;
use super::plan::{Plan, SendIf};

pub(super) fn twice(plan: &mut Plan<'_>) {
    let code = *plan.draw.pick(&[486, 603, 302, 404, 487]);
    let refusal = plan.reply(code);
    if plan.draw.chance(500) {
        plan.send(2_000, refusal);
    } else {
        let answer = plan.reply_with_sdp(200);
        plan.messages.truncate(1);
        plan.send(500, refusal);
        plan.send(700, answer);
    }
}

pub(super) fn forks(plan: &mut Plan<'_>) {
    for device in 0..3 {
        let tag = plan.call.fresh();
        let contact = format!("<sip:{tag}@10.0.9.{device}>");
        let after = plan.draw.between(0, 3_000);
        let answer = plan.reply_with_sdp(200).tagged("To", Some(&tag)).set("Contact", contact);
        plan.send(after, answer);
    }
}

pub(super) fn no_contact(plan: &mut Plan<'_>) {
    plan.replace_2xx(|draft| draft.without("Contact"));
}

pub(super) fn no_sdp(plan: &mut Plan<'_>) {
    plan.replace_2xx(Draft::bodiless);
}

pub(super) fn garbage_sdp(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    let kind = *plan.draw.pick(&["application/sdp", "application/sdp", "text/plain", "Application/SDP;x=y"]);
    plan.replace_2xx(|draft| draft.body(kind, garbage));
}

pub(super) fn sdp_changes(plan: &mut Plan<'_>) {
    for n in 0..5 {
        let held = plan.draw.chance(400);
        let sdp = String::from_utf8(plan.sdp()).unwrap_or_default();
        let sdp = if held { sdp.replace("sendrecv", "sendonly") } else { sdp };
        let answer = plan.reply(200).body("application/sdp", sdp);
        plan.send(1_000 + n * 500, answer);
    }
}

pub(super) fn tag_changes(plan: &mut Plan<'_>) {
    let other = plan.call.fresh();
    plan.change_first(|draft| draft.tagged("To", Some(&other)));
}

pub(super) fn no_tag(plan: &mut Plan<'_>) {
    for message in &mut plan.messages {
        message.draft = message.draft.clone().tagged("To", None);
    }
}

pub(super) fn odd_status(plan: &mut Plan<'_>) {
    let code = *plan.draw.pick(&[199, 202, 204, 299, 399, 499, 599, 600, 699]);
    plan.messages.truncate(1);
    let odd = plan.reply_with_sdp(code);
    plan.send(500, odd).only = SendIf::Invited;
}

pub(super) fn bad_routes(plan: &mut Plan<'_>) {
    let route =
        *plan.draw.pick(&["<sip:>", "<sip:nowhere.invalid>", "nonsense", "<http://x>;lr", "<sip:a@b?x=y>"]);
    let first = plan.draw.chance(500);
    plan.replace_2xx(|draft| {
        let before = draft.get("Record-Route").to_owned();
        let both = if first { format!("{route},{before}") } else { format!("{before},{route}") };
        draft.set("Record-Route", both)
    });
}

pub(super) fn answer_twice(plan: &mut Plan<'_>) {
    let early = plan.reply_with_sdp(183);
    plan.send(100, early);
    match plan.draw.below(3) {
        0 => no_sdp(plan),
        1 => garbage_sdp(plan),
        _ => {
            let sdp = plan.sdp();
            plan.replace_2xx(|draft| draft.body("application/sdp", sdp));
        }
    }
}
