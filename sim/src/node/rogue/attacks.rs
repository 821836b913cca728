//! Attacks on the exchange by a rogue that is a user of it. A correct exchange stops them before a phone is affected.

use super::draft::Draft;
use super::plan::Plan;
use crate::node::realm::DOMAIN;

/// The interval over which guesses are spread, in milliseconds.
const GUESSING: u64 = 20_000;

/// A REGISTER of the remote user, with the Contact of the rogue.
fn registration(plan: &mut Plan<'_>) -> Draft {
    let user = format!("<sip:{}@{DOMAIN}>", plan.call.peer);
    let tag = plan.call.fresh();
    let draft = plan.request("REGISTER");
    let mut draft = plan.outside(draft).set("From", format!("{user};tag={tag}")).set("To", user);
    draft.start = format!("REGISTER sip:{DOMAIN} SIP/2.0");
    draft.row("Expires", "3600")
}

pub(super) fn register(plan: &mut Plan<'_>) {
    let mut draft = registration(plan);
    draft.tried = u8::MAX;
    plan.send(0, draft);
}

pub(super) fn guess(plan: &mut Plan<'_>) {
    let mut draft = registration(plan);
    draft.guesses = Some(plan.call.peer.clone());
    let after = plan.draw.below(GUESSING);
    plan.send(after, draft);
}

/// A request to a Contact needs no Route: the exchange forwards it to the binding (RFC 3261 §16.5).
pub(super) fn impersonate(plan: &mut Plan<'_>) {
    let Some(contact) = plan.known.get(&plan.call.peer) else { return };
    let others: Vec<&String> = plan.known.keys().filter(|user| **user != plan.call.peer).collect();
    let other = if others.is_empty() { plan.call.peer.clone() } else { (*plan.draw.pick(&others)).clone() };
    let start = format!("{contact} SIP/2.0");
    let [from, to] = [other, plan.call.peer.clone()].map(|user| {
        let tag = plan.call.fresh();
        format!("<sip:{user}@{DOMAIN}>;tag={tag}")
    });
    let method = *plan.draw.pick(&["BYE", "INFO", "NOTIFY"]);
    let draft = plan.request(method);
    let mut draft = plan.outside(draft).set("From", from).set("To", to);
    draft.start = format!("{method} {start}");
    plan.send(0, draft);
}
