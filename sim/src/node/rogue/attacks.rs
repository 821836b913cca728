//! What a rogue that is a user of the exchange does to it. No phone notices, as long as the exchange does what it must.

use offhook_wire::Instant;

use super::call::{Call, State};
use super::draft::Draft;
use super::oddity::outside;
use super::turn::Turn;
use super::{DOMAIN, RogueNode};
use crate::hash::Digest;

/// Guesses are spread over so many milliseconds.
const GUESSING: u64 = 20_000;

impl RogueNode {
    /// It learns the Contact of a user, which every peer of a call is told (RFC 3261 §8.1.1.8).
    pub fn learns(&mut self, user: &str, contact: &str) {
        if user != self.setup.name {
            self.known.insert(user.to_owned(), contact.to_owned());
        }
    }

    /// It claims the Contact of a user, now and after each reconnection.
    pub(super) fn claims(&mut self, now: Instant, user: &str) {
        self.claimed.insert(user.to_owned());
        for exchange in 0..self.links.len() {
            if self.links[exchange] {
                self.claim(now, exchange, user);
            }
        }
    }

    pub(super) fn claim_again(&mut self, now: Instant, exchange: usize) {
        for user in self.claimed.clone() {
            self.claim(now, exchange, &user);
        }
    }

    /// Registers the Contact of another user's phone in its own name. RFC 3261 §10.3 lets it: a registrar does not ask whose a contact is.
    fn claim(&mut self, now: Instant, exchange: usize, user: &str) {
        let Some(contact) = self.known.get(user).cloned() else { return };
        let key = Digest::new(self.key).bytes(b"claim").bytes(user.as_bytes());
        let key = key.word(exchange as u64).word(now.as_nanos()).finish();
        let mut call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        call.target = format!("sip:{DOMAIN}");
        self.take_turn(now, call, None, "claim", None, |turn| {
            let register = turn.request("REGISTER").set("Contact", format!("<{contact}>"));
            turn.say(0, register.row("Expires", "3600"));
        });
    }
}

/// A REGISTER in the name of the user at the other end, for a Contact of the rogue's own.
fn registration(turn: &mut Turn<'_>) -> Draft {
    let user = format!("<sip:{}@{DOMAIN}>", turn.call.peer);
    let tag = turn.call.fresh();
    let draft = turn.request("REGISTER");
    let mut draft = outside(turn, draft).set("From", format!("{user};tag={tag}")).set("To", user);
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
    let mut draft = outside(turn, draft).set("From", from).set("To", to);
    draft.start = format!("{method} {start}");
    turn.say(0, draft);
}
