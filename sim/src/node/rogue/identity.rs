//! Responses that do not match their request, and false identities.

use super::draft::Draft;
use super::plan::{Plan, Way};

fn change_all(plan: &mut Plan<'_>, change: impl Fn(Draft) -> Draft) {
    for message in plan.messages.iter_mut().filter(|message| message.draft.is_response()) {
        message.draft = change(message.draft.clone());
    }
}

pub(super) fn wrong_cseq(plan: &mut Plan<'_>) {
    change_all(plan, |draft| {
        let (number, method) = draft.get("CSeq").split_once(' ').unwrap_or_default();
        let other = number.parse::<u32>().unwrap_or(1).wrapping_add(1);
        let value = format!("{other} {method}");
        draft.set("CSeq", value)
    });
}

pub(super) fn wrong_call_id(plan: &mut Plan<'_>) {
    change_all(plan, |draft| draft.set("Call-ID", "somebody-elses"));
}

pub(super) fn wrong_branch(plan: &mut Plan<'_>) {
    change_all(plan, |draft| {
        let mut value = draft.get("Via").to_owned();
        value.push('0');
        draft.set("Via", value)
    });
}

pub(super) fn wrong_from_tag(plan: &mut Plan<'_>) {
    change_all(plan, |draft| draft.tagged("From", Some("nobodys")));
}

/// Adds the assertion of another identity.
fn asserting(draft: Draft) -> Draft {
    let somebody = "\"Somebody Else\" <sip:somebody.else@pbx.example>";
    draft.row("P-Asserted-Identity", somebody).row("Remote-Party-ID", format!("{somebody};party=calling"))
}

pub(super) fn asserts(plan: &mut Plan<'_>) {
    plan.change_first(asserting);
}

pub(super) fn answers_asserting(plan: &mut Plan<'_>) {
    change_all(plan, asserting);
}

pub(super) fn promises_first(plan: &mut Plan<'_>) {
    let mut promises: Vec<_> =
        plan.messages.iter().filter(|message| is_final_to_other(&message.draft)).cloned().collect();
    let wait = plan.draw.millis(1, 6_000);
    for message in plan.messages.iter_mut().filter(|message| is_final_to_other(&message.draft)) {
        message.after += wait;
    }
    for promise in &mut promises {
        promise.draft = promise.draft.clone().with_code(183).bodiless();
    }
    plan.messages.extend(promises);
}

fn is_final_to_other(draft: &Draft) -> bool {
    draft.is_response() && !draft.start.starts_with("SIP/2.0 1") && !draft.get("CSeq").ends_with("INVITE")
}

pub(super) fn twice(plan: &mut Plan<'_>) {
    plan.messages.extend_from_within(..);
}

pub(super) fn past_the_proxies(plan: &mut Plan<'_>) {
    for message in &mut plan.messages {
        message.way = Way::Direct;
        message.draft = message.draft.clone().past_the_proxies();
    }
}
