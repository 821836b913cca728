//! Responses that are not what they answer.

use super::draft::Draft;
use super::turn::{Turn, Way};

fn change_all(turn: &mut Turn<'_>, change: impl Fn(Draft) -> Draft) {
    for line in turn.lines.iter_mut().filter(|line| line.draft.is_response()) {
        line.draft = change(line.draft.clone());
    }
}

pub(super) fn wrong_cseq(turn: &mut Turn<'_>) {
    change_all(turn, |draft| {
        let (number, method) = draft.get("CSeq").split_once(' ').unwrap_or_default();
        let other = number.parse::<u32>().unwrap_or(1).wrapping_add(1);
        let value = format!("{other} {method}");
        draft.set("CSeq", value)
    });
}

pub(super) fn wrong_call_id(turn: &mut Turn<'_>) {
    change_all(turn, |draft| draft.set("Call-ID", "somebody-elses"));
}

pub(super) fn wrong_branch(turn: &mut Turn<'_>) {
    change_all(turn, |draft| {
        let mut value = draft.get("Via").to_owned();
        value.push('0');
        draft.set("Via", value)
    });
}

pub(super) fn wrong_from_tag(turn: &mut Turn<'_>) {
    change_all(turn, |draft| draft.tagged("From", Some("nobodys")));
}

/// With what a phone outside the trust domain asserts of its identity.
fn asserting(draft: Draft) -> Draft {
    let somebody = "\"Somebody Else\" <sip:somebody.else@pbx.example>";
    draft.row("P-Asserted-Identity", somebody).row("Remote-Party-ID", format!("{somebody};party=calling"))
}

pub(super) fn asserts(turn: &mut Turn<'_>) {
    turn.change_first(asserting);
}

pub(super) fn answers_asserting(turn: &mut Turn<'_>) {
    change_all(turn, asserting);
}

pub(super) fn promises_first(turn: &mut Turn<'_>) {
    let mut promises: Vec<_> =
        turn.lines.iter().filter(|line| is_final_to_other(&line.draft)).cloned().collect();
    let wait = turn.draw.millis(1, 6_000);
    for line in turn.lines.iter_mut().filter(|line| is_final_to_other(&line.draft)) {
        line.after += wait;
    }
    for promise in &mut promises {
        promise.draft = promise.draft.clone().with_code(183).bodiless();
    }
    turn.lines.extend(promises);
}

fn is_final_to_other(draft: &Draft) -> bool {
    draft.is_response() && !draft.start.starts_with("SIP/2.0 1") && !draft.get("CSeq").ends_with("INVITE")
}

pub(super) fn twice(turn: &mut Turn<'_>) {
    turn.lines.extend_from_within(..);
}

pub(super) fn past_the_proxies(turn: &mut Turn<'_>) {
    for line in &mut turn.lines {
        line.way = Way::Straight;
        line.draft = line.draft.clone().past_the_proxies();
    }
}
