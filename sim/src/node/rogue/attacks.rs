//! What a rogue that is a user of the exchange does to it. No phone notices, as long as the exchange does what it must.

use super::draft::Draft;
use super::turn::Turn;
use crate::node::realm::DOMAIN;

/// Guesses are spread over so many milliseconds.
const GUESSING: u64 = 20_000;

/// A REGISTER in the name of the user at the other end, for a Contact of the rogue's own.
fn registration(turn: &mut Turn<'_>) -> Draft {
    let user = format!("<sip:{}@{DOMAIN}>", turn.call.peer);
    let tag = turn.call.fresh();
    let draft = turn.request("REGISTER");
    let mut draft = turn.outside(draft).set("From", format!("{user};tag={tag}")).set("To", user);
    draft.start = format!("REGISTER sip:{DOMAIN} SIP/2.0");
    draft.row("Expires", "3600")
}

pub(super) fn register(turn: &mut Turn<'_>) {
    let mut draft = registration(turn);
    draft.tried = u8::MAX;
    turn.say(0, draft);
}

pub(super) fn guess(turn: &mut Turn<'_>) {
    let mut draft = registration(turn);
    draft.guesses = Some(turn.call.peer.clone());
    let after = turn.draw.below(GUESSING);
    turn.say(after, draft);
}

/// The Contact as the Request-URI needs no Record-Route: RFC 3261 §16.5 leads to whoever registered it.
pub(super) fn impersonate(turn: &mut Turn<'_>) {
    let Some(contact) = turn.known.get(&turn.call.peer) else { return };
    let others: Vec<&String> = turn.known.keys().filter(|user| **user != turn.call.peer).collect();
    let other = if others.is_empty() { turn.call.peer.clone() } else { (*turn.draw.pick(&others)).clone() };
    let start = format!("{contact} SIP/2.0");
    let [from, to] = [other, turn.call.peer.clone()].map(|user| {
        let tag = turn.call.fresh();
        format!("<sip:{user}@{DOMAIN}>;tag={tag}")
    });
    let method = *turn.draw.pick(&["BYE", "INFO", "NOTIFY"]);
    let draft = turn.request(method);
    let mut draft = turn.outside(draft).set("From", from).set("To", to);
    draft.start = format!("{method} {start}");
    turn.say(0, draft);
}
