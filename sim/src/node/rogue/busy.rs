//! Refusals that ask the caller to try again.

use offhook_wire::digest::Credentials;
use offhook_wire::{HeaderName, Message, Method};

use super::draft::Draft;
use super::plan::{Plan, SendIf};
use crate::node::realm::{DOMAIN, OTHER_REALM};

/// Replaces the plan by one final response, which a CANCEL prevents if it is to an INVITE.
fn refuse(plan: &mut Plan<'_>, after: u64, refusal: Draft) {
    plan.messages.clear();
    let is_invite = plan.message.and_then(Message::method) == Some(Method::Invite);
    let only = if is_invite { SendIf::Invited } else { SendIf::Always };
    plan.send(after, refusal).only = only;
}

pub(super) fn redirects(plan: &mut Plan<'_>) {
    let own = plan.me.aor.clone();
    let count = *plan.draw.pick(&[1, 1, 2, 3, 12]);
    let contacts: Vec<String> = (0..count).map(|n| any_contact(plan, n)).collect();
    let contacts = match plan.draw.below(5) {
        0 => format!("<{own}>"),
        // More than a caller tries; none of them exists.
        1 => (0..9).map(|n| format!("<sip:mallory.{n}@{DOMAIN}>")).collect::<Vec<_>>().join(", "),
        _ => contacts.join(", "),
    };
    let code = *plan.draw.pick(&[300, 301, 302, 302, 302, 305, 380]);
    let moved = plan.reply(code).set("Contact", contacts);
    refuse(plan, 200, moved);
}

/// A Contact of a redirection: of the domain or not, with or without a `q`, valid or not.
fn any_contact(plan: &mut Plan<'_>, n: usize) -> String {
    let known: Vec<&String> = plan.known.keys().collect();
    let user = match known.len() {
        0 => "nobody".to_owned(),
        count => known[plan.draw.below(count as u64) as usize].clone(),
    };
    let uri = match plan.draw.below(12) {
        0 => plan.me.contact.clone(),
        1 => plan.me.aor.clone(),
        2 => plan.call.target.clone(),
        3 => "sip:eve@elsewhere.example".to_owned(),
        4 => "tel:+19005550100".to_owned(),
        5 => format!("sip:mallory.{n}@{DOMAIN}"),
        6 => format!("sip:{user}@{DOMAIN};maddr=elsewhere.example"),
        7 => format!("sip:{user}@{DOMAIN};method=BYE?Subject=x"),
        8 => "http://elsewhere.example/".to_owned(),
        9 => return (*plan.draw.pick(&["*", "<sip:>", "\"", "<sip:a@[::1>", ";q=1"])).to_owned(),
        _ => format!("sip:{user}@{DOMAIN}"),
    };
    let q = *plan.draw.pick(&["", "", ";q=1", ";q=0.5", ";q=0.1", ";q=0", ";q=7", ";q=x"]);
    format!("<{uri}>{q}")
}

/// 302 to a user of the domain.
pub(super) fn moved(plan: &mut Plan<'_>) {
    let user = plan.known.keys().next().cloned().unwrap_or_else(|| "nobody".to_owned());
    let moved = plan.reply(302).set("Contact", format!("<sip:{user}@{DOMAIN}>"));
    refuse(plan, 200, moved);
}

pub(super) fn challenges(plan: &mut Plan<'_>) {
    let (code, name) = *plan.draw.pick(&[(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")]);
    let mut again = plan.reply(code);
    for _ in 0..*plan.draw.pick(&[1, 1, 1, 2, 2, 20]) {
        let challenge = any_challenge(plan);
        again = again.row(name, challenge);
    }
    plan.messages.clear();
    plan.send(50, again);
}

/// A challenge of the domain, of a realm that some accounts name, or of another one.
fn any_challenge(plan: &mut Plan<'_>) -> String {
    let fresh = plan.call.fresh();
    let one_of_many = format!("realm{}.example", plan.draw.below(10));
    let realm = match plan.draw.below(16) {
        0..4 => DOMAIN,
        8.. => &one_of_many,
        4 => OTHER_REALM,
        5 => "elsewhere.example",
        6 => "PBX.example",
        _ => &fresh,
    };
    let nonce = if plan.draw.chance(300) { "always-the-same" } else { &fresh };
    let stale = *plan.draw.pick(&["", ", stale=true", ", stale=false"]);
    let algorithm = *plan.draw.pick(&["", ", algorithm=MD5", ", algorithm=SHA-256", ", algorithm=NONE"]);
    format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"{algorithm}{stale}")
}

/// Demands credentials for its own realm, as a user agent server may (RFC 3261 §22.2), and then accepts the request.
pub(super) fn demands(plan: &mut Plan<'_>) {
    let has_credentials = |request: &Message| {
        let rows = request.rows(HeaderName::Authorization).filter_map(|row| Credentials::parse(row).ok());
        rows.into_iter().any(|credentials| credentials.realm.value() == OTHER_REALM.as_bytes())
    };
    if plan.message.is_none_or(has_credentials) {
        return;
    }
    let nonce = plan.call.fresh();
    let mut demand = plan.reply(401);
    // RFC 8760 §2.4: one row for each algorithm, the strongest first.
    for algorithm in ["SHA-256", "MD5"] {
        let challenge =
            format!("realm=\"{OTHER_REALM}\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}");
        demand = demand.row("WWW-Authenticate", format!("Digest {challenge}"));
    }
    plan.messages.clear();
    plan.send(20, demand);
}

pub(super) fn retry_after(plan: &mut Plan<'_>) {
    let after = *plan.draw.pick(&["4294967295", "99999999999999", "0", "-1", "soon", "18000;duration=3600"]);
    let code = *plan.draw.pick(&[503, 500, 480, 486, 600]);
    let later = plan.reply(code).row("Retry-After", after);
    refuse(plan, 100, later);
}

pub(super) fn pending(plan: &mut Plan<'_>) {
    let pending = plan.reply(491);
    refuse(plan, 100, pending);
}

/// Another response than 200, or 200 with odd header fields.
pub(super) fn replies_oddly(plan: &mut Plan<'_>) {
    let code = *plan.draw.pick(&[200, 200, 202, 204, 299, 401, 407, 302, 404, 415, 469, 487, 503, 600, 699]);
    let mut odd = plan.reply(code);
    for name in ["Allow", "Accept", "Supported", "Recv-Info", "Server"] {
        let value = *plan.draw.pick(&["", ",,,", "a", "\"", "INVITE, BYE", "a,b ,c;x=\"y", "\u{e9}"]);
        odd = odd.row(name, value);
    }
    if plan.draw.chance(100) {
        odd = odd.row("Allow", "X,".repeat(2_000));
    }
    refuse(plan, 50, odd);
}
