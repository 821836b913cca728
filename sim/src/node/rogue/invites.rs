//! INVITEs that are wrong, or that nobody would write.

use super::draft::Draft;
use super::turn::{Only, Turn, Way};

pub(super) fn late_offer(turn: &mut Turn<'_>) {
    turn.change_first(Draft::bodiless);
}

pub(super) fn merged(turn: &mut Turn<'_>) {
    let via = format!("{};branch=z9hG4bK{}", turn.me.via, turn.call.fresh());
    let Some(again) = turn.lines.first().map(|line| line.draft.clone().set("Via", via)) else { return };
    let after = turn.draw.between(0, 100);
    turn.say(after, again);
    if turn.draw.chance(500) {
        // An exchange asks each of them for credentials, and what comes then has another number.
        turn.lines.iter_mut().for_each(|line| line.way = Way::Straight);
    }
}

pub(super) fn bye_while_ringing(turn: &mut Turn<'_>) {
    // At once; when people answer who do so after two seconds; at some time.
    let (least, most) = *turn.draw.pick(&[(0, 20), (1_940, 2_000), (0, 10_000)]);
    let after = turn.draw.between(least, most);
    let bye = turn.request("BYE");
    turn.say(after, bye);
}

pub(super) fn asks_while_ringing(turn: &mut Turn<'_>) {
    for method in ["INFO", "OPTIONS", "REFER", "INVITE", "UPDATE", "NOTIFY"] {
        if turn.draw.chance(500) {
            continue;
        }
        let after = turn.draw.between(0, 3_000);
        let request = if method == "INVITE" { turn.invite() } else { turn.request(method) };
        turn.say(after, request.row("Refer-To", "<sip:nobody@pbx.example>")).only = Only::Calling;
    }
}

pub(super) fn no_hops(turn: &mut Turn<'_>) {
    let hops = *turn.draw.pick(&["0", "1", "-1", "256", "many"]);
    turn.change_first(|draft| draft.set("Max-Forwards", hops));
}

pub(super) fn unknown_require(turn: &mut Turn<'_>) {
    let option = *turn.draw.pick(&["gold", "100rel", "replaces,timer", ",,,"]);
    turn.change_first(|draft| draft.row("Require", option));
}

pub(super) fn replaces_guess(turn: &mut Turn<'_>) {
    let value = *turn.draw.pick(&["12345@nowhere;to-tag=a;from-tag=b", "x;early-only", ";;;"]);
    turn.change_first(|draft| draft.row("Replaces", value));
}

pub(super) fn huge_headers(turn: &mut Turn<'_>) {
    let long = "x".repeat(9_000);
    turn.change_first(|draft| {
        let mut draft = draft.row("Subject", long.as_str()).row("User-Agent", long.as_str());
        for n in 0..60 {
            draft = draft.row("X-Padding", n.to_string());
        }
        draft
    });
}

pub(super) fn bad_uris(turn: &mut Turn<'_>) {
    let uri =
        *turn.draw.pick(&["<sip:>", "<sip:a@[::1>", "<unknown-scheme:x>", "\"\" <>", "<sip:%zz@%%>", "*"]);
    let name = *turn.draw.pick(&["Contact", "Contact", "Referred-By", "P-Asserted-Identity", "Call-Info"]);
    turn.change_first(|draft| draft.set(name, uri));
}

pub(super) fn multipart(turn: &mut Turn<'_>) {
    let mut body = b"--edge\r\nContent-Type: application/sdp\r\n\r\n".to_vec();
    body.extend(turn.sdp());
    body.extend_from_slice(b"\r\n--edge\r\nContent-Type: text/plain\r\n\r\nhello\r\n--edge--\r\n");
    turn.change_first(|draft| draft.body("multipart/mixed;boundary=edge", body));
}

pub(super) fn garbage_offer(turn: &mut Turn<'_>) {
    let garbage = turn.garbage();
    turn.change_first(|draft| draft.body("application/sdp", garbage));
}

pub(super) fn no_return(turn: &mut Turn<'_>) {
    turn.change_first(|draft| draft.without("Contact"));
}

pub(super) fn old_branch(turn: &mut Turn<'_>) {
    let via = match turn.draw.below(2) {
        0 => format!("{};branch={}", turn.me.via, turn.call.fresh()),
        _ => turn.me.via.clone(),
    };
    turn.change_first(|draft| draft.set("Via", via));
}

pub(super) fn oddly_written(turn: &mut Turn<'_>) {
    turn.change_first(|draft| {
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

pub(super) fn cancel_other_branch(turn: &mut Turn<'_>) {
    let via = format!("{};branch=z9hG4bK{}", turn.me.via, turn.call.fresh());
    let Some(invite) = turn.lines.first().map(|line| line.draft.clone()) else { return };
    let after = turn.draw.between(10, 2_000);
    turn.say(after, invite.companion("CANCEL").set("Via", via));
}

pub(super) fn cancel_at_once(turn: &mut Turn<'_>) {
    let Some(invite) = turn.lines.first().map(|line| line.draft.clone()) else { return };
    let after = turn.draw.between(0, 60);
    turn.say(after, invite.companion("CANCEL"));
}

pub(super) fn high_cseq(turn: &mut Turn<'_>) {
    turn.call.cseq = 0x7fff_fffe;
    turn.change_first(|mut draft| {
        draft.cseq = 0x7fff_fffe;
        draft.set("CSeq", "2147483646 INVITE")
    });
}
