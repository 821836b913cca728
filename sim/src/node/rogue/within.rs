//! What a rogue does in a dialog, when it is asked and unasked.

use super::draft::Draft;
use super::turn::{Only, Turn};

pub(super) fn silent(turn: &mut Turn<'_>) {
    turn.lines.clear();
}

pub(super) fn always_pending(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let pending = turn.reply(491);
    turn.say(20, pending);
}

pub(super) fn reinvite_ignored(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let trying = turn.reply(100);
    turn.say(20, trying);
}

pub(super) fn answers_oddly(turn: &mut Turn<'_>) {
    let sdp = String::from_utf8(turn.sdp()).unwrap_or_default();
    let odd = match turn.draw.below(4) {
        0 => sdp.replace("sendrecv", "inactive"),
        1 => sdp.replace("m=audio 2", "m=audio 0 2"),
        2 => sdp.replace("c=IN IP4 10.0.0", "c=IN IP4 0.0.0"),
        _ => sdp.replace("a=sendrecv\r\n", "a=sendonly\r\nm=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 0\r\n"),
    };
    turn.replace_2xx(|draft| draft.body("application/sdp", odd));
}

pub(super) fn reinvite_no_sdp(turn: &mut Turn<'_>) {
    turn.replace_2xx(Draft::bodiless);
}

pub(super) fn glares(turn: &mut Turn<'_>) {
    let own = turn.invite();
    turn.lines.clear();
    turn.say(0, own);
    let pending = turn.reply(491);
    turn.say(30, pending);
}

pub(super) fn reinvite_twice(turn: &mut Turn<'_>) {
    let code = *turn.draw.pick(&[488, 500, 481, 491]);
    let refusal = turn.reply(code);
    let after = *turn.draw.pick(&[0, 200]);
    turn.say(after, refusal);
}

pub(super) fn bye_refused(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let code = *turn.draw.pick(&[403, 405, 491, 500, 503, 603, 302]);
    let refusal = turn.reply(code);
    turn.say(20, refusal);
}

/// After a BYE of either side.
pub(super) fn goes_on(turn: &mut Turn<'_>) {
    for (n, method) in ["INFO", "INVITE", "OPTIONS", "REFER", "NOTIFY", "BYE"].into_iter().enumerate() {
        let request = if method == "INVITE" { turn.invite() } else { turn.request(method) };
        turn.say(100 * n as u64, request.row("Refer-To", "<sip:nobody@pbx.example>"));
    }
}

pub(super) fn refer_silent(turn: &mut Turn<'_>) {
    turn.lines.truncate(1);
}

/// A NOTIFY on the REFER.
pub(super) fn report(turn: &mut Turn<'_>, state: &str, body: &str) -> Draft {
    turn.request("NOTIFY")
        .row("Event", "refer")
        .row("Subscription-State", state)
        .body("message/sipfrag;version=2.0", body)
}

pub(super) fn refer_garbage(turn: &mut Turn<'_>) {
    turn.lines.truncate(1);
    for n in 0..4 {
        let state = *turn.draw.pick(&["active", "pending;expires=x", "terminated", "", "nonsense;;"]);
        let body =
            *turn.draw.pick(&["", "SIP/2.0", "SIP/2.0 999 No", "SIP/2.0 20", "\r\n\r\n", "SIP/2.0 099 X"]);
        let notify = report(turn, state, body);
        turn.say(300 * (n + 1), notify);
    }
}

pub(super) fn refer_disorder(turn: &mut Turn<'_>) {
    let accepted = turn.reply(202);
    turn.lines.clear();
    let mut after = 0;
    for code in [180, 100, 603, 200, 100, 486] {
        let state = *turn.draw.pick(&["active;expires=60", "terminated;reason=noresource"]);
        let notify = report(turn, state, &format!("SIP/2.0 {code} So\r\n"));
        turn.say(after, notify);
        after += turn.draw.between(0, 300);
    }
    turn.say(400, accepted);
}

pub(super) fn forgets(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let forgot = turn.reply(481);
    turn.say(20, forgot);
}

pub(super) fn reinvite_storm(turn: &mut Turn<'_>) {
    for _ in 0..20 {
        let invite = turn.invite();
        let after = turn.draw.between(0, 3_000);
        turn.say(after, invite);
    }
}

pub(super) fn cseq_back(turn: &mut Turn<'_>) {
    let high = turn.call.cseq + 100;
    for (after, number, method) in [(100, high, "INFO"), (300, high - 50, "INFO"), (500, high - 51, "INVITE")]
    {
        let request = turn.numbered(method, number);
        turn.say(after, request);
    }
}

pub(super) fn cseq_jump(turn: &mut Turn<'_>) {
    turn.call.cseq = 0x7fff_fffe;
    let info = turn.request("INFO");
    turn.say(100, info);
    let beyond = turn.numbered("OPTIONS", u32::MAX);
    turn.say(300, beyond);
}

pub(super) fn target_lost(turn: &mut Turn<'_>) {
    let contact =
        *turn.draw.pick(&["<sip:nowhere.invalid>", "<tel:+1>", "<sip:mallory@>", "*", "<http://x/>"]);
    let invite = turn.invite().set("Contact", contact);
    turn.say(200, invite).only = Only::Always;
}

/// Where it is from now on.
fn elsewhere(turn: &Turn<'_>) -> String {
    turn.me.contact.replacen('@', ".elsewhere@", 1)
}

pub(super) fn moves(turn: &mut Turn<'_>) {
    let contact = format!("<{}>", elsewhere(turn));
    let invite = turn.invite().set("Contact", contact);
    let after = turn.draw.between(200, 3_000);
    turn.say(after, invite);
}

pub(super) fn answers_elsewhere(turn: &mut Turn<'_>) {
    let contact = format!("<{}>", elsewhere(turn));
    turn.replace_2xx(|draft| draft.set("Contact", contact));
}

pub(super) fn bye_twice(turn: &mut Turn<'_>) {
    let again = turn.request("BYE");
    turn.say(1, again);
}
