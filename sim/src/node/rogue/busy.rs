//! Refusals that make the caller try again.

use super::turn::{Only, Turn};

pub(super) fn redirects(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let contact = match turn.draw.below(3) {
        0 => turn.me.contact.clone(),
        1 => turn.me.aor.clone(),
        _ => turn.call.target.clone(),
    };
    let code = *turn.draw.pick(&[300, 301, 302, 305, 380]);
    let moved = turn.reply(code).set("Contact", format!("<{contact}>"));
    turn.say(200, moved).only = Only::Asked;
}

pub(super) fn challenges(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let nonce = turn.call.fresh();
    let stale = *turn.draw.pick(&["", ", stale=true", ", stale=false"]);
    let algorithm = *turn.draw.pick(&["", ", algorithm=MD5", ", algorithm=SHA-256", ", algorithm=NONE"]);
    let (code, name) = *turn.draw.pick(&[(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")]);
    let challenge =
        format!("Digest realm=\"pbx.example\", nonce=\"{nonce}\", qop=\"auth\"{algorithm}{stale}");
    let again = turn.reply(code).row(name, challenge);
    turn.say(50, again);
}

pub(super) fn retry_after(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let after = *turn.draw.pick(&["4294967295", "99999999999999", "0", "-1", "soon", "18000;duration=3600"]);
    let code = *turn.draw.pick(&[503, 500, 480, 486, 600]);
    let later = turn.reply(code).row("Retry-After", after);
    turn.say(100, later).only = Only::Asked;
}

pub(super) fn pending(turn: &mut Turn<'_>) {
    turn.lines.clear();
    let pending = turn.reply(491);
    turn.say(100, pending).only = Only::Asked;
}
