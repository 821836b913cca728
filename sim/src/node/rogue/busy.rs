//! Refusals that ask the caller to try again.

use super::plan::{Plan, SendIf};

pub(super) fn redirects(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let contact = match plan.draw.below(3) {
        0 => plan.me.contact.clone(),
        1 => plan.me.aor.clone(),
        _ => plan.call.target.clone(),
    };
    let code = *plan.draw.pick(&[300, 301, 302, 305, 380]);
    let moved = plan.reply(code).set("Contact", format!("<{contact}>"));
    plan.send(200, moved).only = SendIf::Invited;
}

pub(super) fn challenges(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let nonce = plan.call.fresh();
    let stale = *plan.draw.pick(&["", ", stale=true", ", stale=false"]);
    let algorithm = *plan.draw.pick(&["", ", algorithm=MD5", ", algorithm=SHA-256", ", algorithm=NONE"]);
    let (code, name) = *plan.draw.pick(&[(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")]);
    let challenge =
        format!("Digest realm=\"pbx.example\", nonce=\"{nonce}\", qop=\"auth\"{algorithm}{stale}");
    let again = plan.reply(code).row(name, challenge);
    plan.send(50, again);
}

pub(super) fn retry_after(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let after = *plan.draw.pick(&["4294967295", "99999999999999", "0", "-1", "soon", "18000;duration=3600"]);
    let code = *plan.draw.pick(&[503, 500, 480, 486, 600]);
    let later = plan.reply(code).row("Retry-After", after);
    plan.send(100, later).only = SendIf::Invited;
}

pub(super) fn pending(plan: &mut Plan<'_>) {
    plan.messages.clear();
    let pending = plan.reply(491);
    plan.send(100, pending).only = SendIf::Invited;
}
