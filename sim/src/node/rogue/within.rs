//! Wrong requests and responses in a dialog.

use super::draft::Draft;
use super::plan::{Plan, SendIf};

pub(super) fn silent(plan: &mut Plan<'_>) {
    plan.messages.clear();
}

pub(super) fn always_pending(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let pending = plan.reply(491);
    plan.send(20, pending);
}

pub(super) fn reinvite_ignored(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let trying = plan.reply(100);
    plan.send(20, trying);
}

pub(super) fn answers_oddly(plan: &mut Plan<'_>) {
    let sdp = String::from_utf8(plan.sdp()).unwrap_or_default();
    let odd = match plan.draw.below(4) {
        0 => sdp.replace("sendrecv", "inactive"),
        1 => sdp.replace("m=audio 2", "m=audio 0 2"),
        2 => sdp.replace("c=IN IP4 10.0.0", "c=IN IP4 0.0.0"),
        _ => sdp.replace("a=sendrecv\r\n", "a=sendonly\r\nm=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 0\r\n"),
    };
    plan.replace_2xx(|draft| draft.body("application/sdp", odd));
}

pub(super) fn reinvite_no_sdp(plan: &mut Plan<'_>) {
    plan.replace_2xx(Draft::bodiless);
}

pub(super) fn glares(plan: &mut Plan<'_>) {
    let own = plan.invite();
    plan.messages.clear();
    plan.send(0, own);
    let pending = plan.reply(491);
    plan.send(30, pending);
}

pub(super) fn reinvite_twice(plan: &mut Plan<'_>) {
    let code = *plan.draw.pick(&[488, 500, 481, 491]);
    let refusal = plan.reply(code);
    let after = *plan.draw.pick(&[0, 200]);
    plan.send(after, refusal);
}

pub(super) fn bye_refused(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let code = *plan.draw.pick(&[403, 405, 491, 500, 503, 603, 302]);
    let refusal = plan.reply(code);
    plan.send(20, refusal);
}

/// Requests after a BYE of either side.
pub(super) fn goes_on(plan: &mut Plan<'_>) {
    for (n, method) in ["INFO", "INVITE", "OPTIONS", "REFER", "NOTIFY", "BYE"].into_iter().enumerate() {
        let request = if method == "INVITE" { plan.invite() } else { plan.request(method) };
        plan.send(100 * n as u64, request.row("Refer-To", "<sip:nobody@pbx.example>"));
    }
}

pub(super) fn refer_silent(plan: &mut Plan<'_>) {
    plan.messages.truncate(1);
}

/// A NOTIFY of a REFER.
pub(super) fn report(plan: &mut Plan<'_>, state: &str, body: &str) -> Draft {
    plan.request("NOTIFY")
        .row("Event", "refer")
        .row("Subscription-State", state)
        .body("message/sipfrag;version=2.0", body)
}

pub(super) fn refer_garbage(plan: &mut Plan<'_>) {
    plan.messages.truncate(1);
    for n in 0..4 {
        let state = *plan.draw.pick(&["active", "pending;expires=x", "terminated", "", "nonsense;;"]);
        let body =
            *plan.draw.pick(&["", "SIP/2.0", "SIP/2.0 999 No", "SIP/2.0 20", "\r\n\r\n", "SIP/2.0 099 X"]);
        let notify = report(plan, state, body);
        plan.send(300 * (n + 1), notify);
    }
}

pub(super) fn refer_disorder(plan: &mut Plan<'_>) {
    let accepted = plan.reply(202);
    plan.messages.clear();
    let mut after = 0;
    for code in [180, 100, 603, 200, 100, 486] {
        let state = *plan.draw.pick(&["active;expires=60", "terminated;reason=noresource"]);
        let notify = report(plan, state, &format!("SIP/2.0 {code} So\r\n"));
        plan.send(after, notify);
        after += plan.draw.between(0, 300);
    }
    plan.send(400, accepted);
}

pub(super) fn forgets(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let forgot = plan.reply(481);
    plan.send(20, forgot);
}

pub(super) fn reinvite_storm(plan: &mut Plan<'_>) {
    for _ in 0..20 {
        let invite = plan.invite();
        let after = plan.draw.between(0, 3_000);
        plan.send(after, invite);
    }
}

pub(super) fn cseq_back(plan: &mut Plan<'_>) {
    let high = plan.call.cseq + 100;
    for (after, number, method) in [(100, high, "INFO"), (300, high - 50, "INFO"), (500, high - 51, "INVITE")]
    {
        let request = plan.numbered(method, number);
        plan.send(after, request);
    }
}

pub(super) fn cseq_jump(plan: &mut Plan<'_>) {
    plan.call.cseq = 0x7fff_fffe;
    let info = plan.request("INFO");
    plan.send(100, info);
    let beyond = plan.numbered("OPTIONS", u32::MAX);
    plan.send(300, beyond);
}

pub(super) fn target_lost(plan: &mut Plan<'_>) {
    let contact =
        *plan.draw.pick(&["<sip:nowhere.invalid>", "<tel:+1>", "<sip:mallory@>", "*", "<http://x/>"]);
    let invite = plan.invite().set("Contact", contact);
    plan.send(200, invite).only = SendIf::Always;
}

/// The new Contact.
fn elsewhere(plan: &Plan<'_>) -> String {
    plan.me.contact.replacen('@', ".elsewhere@", 1)
}

pub(super) fn moves(plan: &mut Plan<'_>) {
    let contact = format!("<{}>", elsewhere(plan));
    let invite = plan.invite().set("Contact", contact);
    let after = plan.draw.between(200, 3_000);
    plan.send(after, invite);
}

pub(super) fn answers_elsewhere(plan: &mut Plan<'_>) {
    let contact = format!("<{}>", elsewhere(plan));
    plan.replace_2xx(|draft| draft.set("Contact", contact));
}

pub(super) fn bye_twice(plan: &mut Plan<'_>) {
    let again = plan.request("BYE");
    plan.send(1, again);
}
