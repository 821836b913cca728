//! Wrong or unusual INVITEs.

use super::draft::Draft;
use super::plan::{Plan, SendIf, Way};

pub(super) fn late_offer(plan: &mut Plan<'_>) {
    plan.change_first(Draft::bodiless);
}

pub(super) fn merged(plan: &mut Plan<'_>) {
    let via = format!("{};branch=z9hG4bK{}", plan.me.via, plan.call.fresh());
    let Some(again) = plan.messages.first().map(|message| message.draft.clone().set("Via", via)) else {
        return;
    };
    let after = plan.draw.between(0, 100);
    plan.send(after, again);
    if plan.draw.chance(500) {
        // Directly: an exchange would challenge each one, and the next has another CSeq number.
        plan.messages.iter_mut().for_each(|message| message.way = Way::Direct);
    }
}

pub(super) fn bye_while_ringing(plan: &mut Plan<'_>) {
    // Immediately; when users answer by default, after two seconds; at any time.
    let (least, most) = *plan.draw.pick(&[(0, 20), (1_940, 2_000), (0, 10_000)]);
    let after = plan.draw.between(least, most);
    let bye = plan.request("BYE");
    plan.send(after, bye);
}

pub(super) fn asks_while_ringing(plan: &mut Plan<'_>) {
    for method in ["INFO", "OPTIONS", "REFER", "INVITE", "UPDATE", "NOTIFY"] {
        if plan.draw.chance(500) {
            continue;
        }
        let after = plan.draw.between(0, 3_000);
        let request = if method == "INVITE" { plan.invite() } else { plan.request(method) };
        plan.send(after, request.row("Refer-To", "<sip:nobody@pbx.example>")).only = SendIf::Calling;
    }
}

pub(super) fn no_hops(plan: &mut Plan<'_>) {
    let hops = *plan.draw.pick(&["0", "1", "-1", "256", "many"]);
    plan.change_first(|draft| draft.set("Max-Forwards", hops));
}

pub(super) fn unknown_require(plan: &mut Plan<'_>) {
    let option = *plan.draw.pick(&["gold", "100rel", "replaces,timer", ",,,"]);
    plan.change_first(|draft| draft.row("Require", option));
}

pub(super) fn replaces_guess(plan: &mut Plan<'_>) {
    let value = *plan.draw.pick(&["12345@nowhere;to-tag=a;from-tag=b", "x;early-only", ";;;"]);
    plan.change_first(|draft| draft.row("Replaces", value));
}

pub(super) fn huge_headers(plan: &mut Plan<'_>) {
    let long = "x".repeat(9_000);
    plan.change_first(|draft| {
        let mut draft = draft.row("Subject", long.as_str()).row("User-Agent", long.as_str());
        for n in 0..60 {
            draft = draft.row("X-Padding", n.to_string());
        }
        draft
    });
}

pub(super) fn bad_uris(plan: &mut Plan<'_>) {
    let uri =
        *plan.draw.pick(&["<sip:>", "<sip:a@[::1>", "<unknown-scheme:x>", "\"\" <>", "<sip:%zz@%%>", "*"]);
    let name = *plan.draw.pick(&["Contact", "Contact", "Referred-By", "P-Asserted-Identity", "Call-Info"]);
    plan.change_first(|draft| draft.set(name, uri));
}

pub(super) fn multipart(plan: &mut Plan<'_>) {
    let mut body = b"--edge\r\nContent-Type: application/sdp\r\n\r\n".to_vec();
    body.extend(plan.sdp());
    body.extend_from_slice(b"\r\n--edge\r\nContent-Type: text/plain\r\n\r\nhello\r\n--edge--\r\n");
    plan.change_first(|draft| draft.body("multipart/mixed;boundary=edge", body));
}

pub(super) fn garbage_offer(plan: &mut Plan<'_>) {
    let garbage = plan.garbage();
    plan.change_first(|draft| draft.body("application/sdp", garbage));
}

pub(super) fn no_return(plan: &mut Plan<'_>) {
    plan.change_first(|draft| draft.without("Contact"));
}

pub(super) fn old_branch(plan: &mut Plan<'_>) {
    let via = match plan.draw.below(2) {
        0 => format!("{};branch={}", plan.me.via, plan.call.fresh()),
        _ => plan.me.via.clone(),
    };
    plan.change_first(|draft| draft.set("Via", via));
}

pub(super) fn oddly_written(plan: &mut Plan<'_>) {
    plan.change_first(|draft| {
        let subject = "a\r\n\tfolded\r\n  one";
        let contact = draft.get("Contact").to_owned();
        draft
            .without("Contact")
            .row("m   ", contact)
            .row("SUBJECT", subject)
            .row("k", " , ,x")
            .row("uNkNoWn", "")
    });
}

pub(super) fn cancel_other_branch(plan: &mut Plan<'_>) {
    let via = format!("{};branch=z9hG4bK{}", plan.me.via, plan.call.fresh());
    let Some(invite) = plan.messages.first().map(|message| message.draft.clone()) else { return };
    let after = plan.draw.between(10, 2_000);
    plan.send(after, invite.companion("CANCEL").set("Via", via));
}

pub(super) fn cancel_at_once(plan: &mut Plan<'_>) {
    let Some(invite) = plan.messages.first().map(|message| message.draft.clone()) else { return };
    let after = plan.draw.between(0, 60);
    plan.send(after, invite.companion("CANCEL"));
}

pub(super) fn high_cseq(plan: &mut Plan<'_>) {
    plan.call.cseq = 0x7fff_fffe;
    plan.change_first(|mut draft| {
        draft.cseq = 0x7fff_fffe;
        draft.set("CSeq", "2147483646 INVITE")
    });
}
