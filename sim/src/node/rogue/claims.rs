//! A rogue that registers the Contact of another user.

use offhook_wire::Instant;

use super::call::{Call, State};
use super::peer::RogueNode;
use crate::hash::Digest;
use crate::node::realm::DOMAIN;

impl RogueNode {
    /// Records the Contact of a user, which each peer of a call receives (RFC 3261 §8.1.1.8).
    pub fn learns(&mut self, user: &str, contact: &str) {
        if user != self.setup.name {
            self.known.insert(user.to_owned(), contact.to_owned());
        }
    }

    /// Registers the Contact of a user as its own, now and after each reconnection.
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

    /// Registers the Contact of another user's phone as its own, which RFC 3261 §10.3 allows.
    fn claim(&mut self, now: Instant, exchange: usize, user: &str) {
        let Some(contact) = self.known.get(user).cloned() else { return };
        let key = Digest::new(self.key).bytes(b"claim").bytes(user.as_bytes());
        let key = key.word(exchange as u64).word(now.as_nanos()).finish();
        let mut call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        call.target = format!("sip:{DOMAIN}");
        self.make_plan(now, call, None, "claim", None, |plan| {
            let register = plan.request("REGISTER").set("Contact", format!("<{contact}>"));
            plan.send(0, register.row("Expires", "3600"));
        });
    }
}
