//! What an honest phone does when it is asked for something.

use offhook_wire::{Instant, Message, Method};

use super::breach::Occasion;
use super::call::{Call, State};
use super::draft::Draft;
use super::peer::{REPEATS, RogueNode};
use super::turn::{Only, Turn};
use super::within;
use crate::hash::Digest;

impl RogueNode {
    pub(super) fn asked(&mut self, now: Instant, exchange: usize, request: &Message) {
        let (Some(method), Ok(id)) = (request.method(), request.call_id()) else { return };
        let known = self.calls.remove(&String::from_utf8_lossy(id).into_owned());
        let inside = request.to().is_ok_and(|to| to.tag().is_some());
        match (method, known) {
            (Method::Ack, Some(call)) => self.acknowledged(now, call, request),
            (Method::Ack, None) => {}
            (Method::Cancel, Some(call)) => self.cancelled(now, call, request),
            (Method::Invite, None) if !inside => self.invited(now, exchange, request),
            (Method::Invite, Some(call)) if call.is_dialog() => self.reinvited(now, call, request),
            (_, Some(call)) => self.asked_within(now, call, request),
            (_, None) => self.asked_outside(now, exchange, request, if inside { 481 } else { 200 }),
        }
    }

    fn invited(&mut self, now: Instant, exchange: usize, invite: &Message) {
        let user = invite.from().ok().and_then(|from| from.uri_parsed().ok()).and_then(|uri| uri.user);
        let key = Digest::new(self.key).bytes(b"called").bytes(user.unwrap_or_default()).word(now.as_nanos());
        let Some(mut call) = Call::of(key.finish(), exchange, invite) else {
            return self.asked_outside(now, exchange, invite, 400);
        };
        call.born = now;
        self.take_turn(now, call, Some(invite), "INVITE", Some(Occasion::Invited), |turn| {
            let (rings, answers) = (turn.draw.between(5, 100), turn.draw.between(200, 1_500));
            let ring = turn.reply(180);
            turn.say(rings, ring).only = Only::Asked;
            let answer = answer(turn);
            let line = turn.say(answers, answer);
            (line.only, line.again) = (Only::Asked, REPEATS);
        });
    }

    fn acknowledged(&mut self, now: Instant, mut call: Call, ack: &Message) {
        let first = call.state == State::Accepted;
        if first {
            call.state = State::Talking;
        }
        self.take_turn(now, call, Some(ack), "ACK", first.then_some(Occasion::Talks), |_| {});
    }

    fn cancelled(&mut self, now: Instant, mut call: Call, cancel: &Message) {
        let waits = call.state == State::Asked;
        if waits {
            call.state = State::Over;
        }
        self.take_turn(now, call, Some(cancel), "CANCEL", waits.then_some(Occasion::Cancelled), |turn| {
            let taken = turn.reply(200);
            turn.say(10, taken);
            if let Some(invite) = turn.call.theirs.as_ref().filter(|_| waits) {
                let over = Draft::reply(invite, 487, Some(&turn.call.tag));
                turn.say(10, over);
            }
        });
    }

    fn reinvited(&mut self, now: Instant, mut call: Call, invite: &Message) {
        call.theirs = Some(invite.clone());
        if let Ok(Some(contact)) = invite.contact() {
            call.target = String::from_utf8_lossy(contact.uri).into_owned();
        }
        self.take_turn(now, call, Some(invite), "re-INVITE", Some(Occasion::Reinvited), |turn| {
            let answer = answer(turn);
            turn.say(30, answer);
        });
    }

    /// In a call, or in what was one.
    fn asked_within(&mut self, now: Instant, mut call: Call, request: &Message) {
        let method = request.method();
        let lives = call.is_dialog();
        let occasion = match method {
            Some(Method::Bye) => Occasion::Left,
            Some(Method::Refer) => Occasion::Referred,
            _ => Occasion::Asked,
        };
        if method == Some(Method::Bye) {
            call.state = State::Over;
        }
        let kind = method.map_or("", |method| method_name(&method));
        self.take_turn(now, call, Some(request), kind, Some(occasion), |turn| match occasion {
            Occasion::Referred if lives => {
                let accepted = turn.reply(202);
                turn.say(20, accepted);
                for (after, code, state) in [(50, 100, "active;expires=60"), (900, 200, "terminated")] {
                    let notify = within::report(turn, state, &format!("SIP/2.0 {code} So\r\n"));
                    turn.say(after, notify);
                }
            }
            _ => {
                let code = if lives { 200 } else { 481 };
                let answer = turn.reply(code);
                turn.say(20, answer);
            }
        });
    }

    fn asked_outside(&mut self, now: Instant, exchange: usize, request: &Message, code: u16) {
        let key = Digest::new(self.key).bytes(b"outside").word(now.as_nanos()).finish();
        let call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        self.take_turn(now, call, Some(request), "outside", None, |turn| {
            let answer = turn.reply(code);
            turn.say(20, answer);
        });
    }
}

/// The honest 2xx to an INVITE.
fn answer(turn: &mut Turn<'_>) -> Draft {
    turn.reply_with_sdp(200)
}

fn method_name<'m>(method: &Method<'m>) -> &'m str {
    std::str::from_utf8(method.as_bytes()).unwrap_or("unknown")
}
