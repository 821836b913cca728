//! Final responses to an INVITE that are wrong.

use super::draft::Draft;
use super::turn::{Only, Turn};

pub(super) fn twice(turn: &mut Turn<'_>) {
    let code = *turn.draw.pick(&[486, 603, 302, 404, 487]);
    let refusal = turn.reply(code);
    if turn.draw.chance(500) {
        turn.say(2_000, refusal);
    } else {
        let answer = turn.reply_with_sdp(200);
        turn.lines.truncate(1);
        turn.say(500, refusal);
        turn.say(700, answer);
    }
}

pub(super) fn forks(turn: &mut Turn<'_>) {
    for device in 0..3 {
        let tag = turn.call.fresh();
        let contact = format!("<sip:{tag}@10.0.9.{device}>");
        let after = turn.draw.between(0, 3_000);
        let answer = turn.reply_with_sdp(200).tagged("To", Some(&tag)).set("Contact", contact);
        turn.say(after, answer);
    }
}

pub(super) fn no_contact(turn: &mut Turn<'_>) {
    turn.replace_2xx(|draft| draft.without("Contact"));
}

pub(super) fn no_sdp(turn: &mut Turn<'_>) {
    turn.replace_2xx(Draft::bodiless);
}

pub(super) fn garbage_sdp(turn: &mut Turn<'_>) {
    let garbage = turn.garbage();
    let kind = *turn.draw.pick(&["application/sdp", "application/sdp", "text/plain", "Application/SDP;x=y"]);
    turn.replace_2xx(|draft| draft.body(kind, garbage));
}

pub(super) fn sdp_changes(turn: &mut Turn<'_>) {
    for n in 0..5 {
        let held = turn.draw.chance(400);
        let sdp = String::from_utf8(turn.sdp()).unwrap_or_default();
        let sdp = if held { sdp.replace("sendrecv", "sendonly") } else { sdp };
        let answer = turn.reply(200).body("application/sdp", sdp);
        turn.say(1_000 + n * 500, answer);
    }
}

pub(super) fn tag_changes(turn: &mut Turn<'_>) {
    let other = turn.call.fresh();
    turn.change_first(|draft| draft.tagged("To", Some(&other)));
}

pub(super) fn no_tag(turn: &mut Turn<'_>) {
    for line in &mut turn.lines {
        line.draft = line.draft.clone().tagged("To", None);
    }
}

pub(super) fn odd_status(turn: &mut Turn<'_>) {
    let code = *turn.draw.pick(&[199, 202, 204, 299, 399, 499, 599, 600, 699]);
    turn.lines.truncate(1);
    let odd = turn.reply_with_sdp(code);
    turn.say(500, odd).only = Only::Asked;
}

pub(super) fn bad_routes(turn: &mut Turn<'_>) {
    let route =
        *turn.draw.pick(&["<sip:>", "<sip:nowhere.invalid>", "nonsense", "<http://x>;lr", "<sip:a@b?x=y>"]);
    let first = turn.draw.chance(500);
    turn.replace_2xx(|draft| {
        let before = draft.get("Record-Route").to_owned();
        let both = if first { format!("{route},{before}") } else { format!("{before},{route}") };
        draft.set("Record-Route", both)
    });
}

pub(super) fn answer_twice(turn: &mut Turn<'_>) {
    let early = turn.reply_with_sdp(183);
    turn.say(100, early);
    match turn.draw.below(3) {
        0 => no_sdp(turn),
        1 => garbage_sdp(turn),
        _ => {
            let sdp = turn.sdp();
            turn.replace_2xx(|draft| draft.body("application/sdp", sdp));
        }
    }
}
