//! The correct behaviour on requests.

use offhook_wire::{Instant, Message, Method};

use super::breach::Trigger;
use super::call::{Call, State};
use super::draft::Draft;
use super::peer::{REPEATS, RogueNode};
use super::plan::{Plan, SendIf};
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
            // Also the same request again, after a challenge.
            (Method::Invite, _) if !inside => self.invited(now, exchange, request),
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
        self.make_plan(now, call, Some(invite), "INVITE", Some(Trigger::Invited), |plan| {
            let (rings, answers) = (plan.draw.between(5, 100), plan.draw.between(200, 1_500));
            let ring = plan.reply(180);
            plan.send(rings, ring).only = SendIf::Invited;
            let answer = answer(plan);
            let message = plan.send(answers, answer);
            (message.only, message.again) = (SendIf::Invited, REPEATS);
        });
    }

    fn acknowledged(&mut self, now: Instant, mut call: Call, ack: &Message) {
        let first = call.state == State::Accepted;
        if first {
            call.state = State::Talking;
        }
        self.make_plan(now, call, Some(ack), "ACK", first.then_some(Trigger::Established), |_| {});
    }

    fn cancelled(&mut self, now: Instant, mut call: Call, cancel: &Message) {
        let waits = call.state == State::Invited;
        if waits {
            call.state = State::Over;
        }
        self.make_plan(now, call, Some(cancel), "CANCEL", waits.then_some(Trigger::Cancelled), |plan| {
            let taken = plan.reply(200);
            plan.send(10, taken);
            if let Some(invite) = plan.call.theirs.as_ref().filter(|_| waits) {
                let over = Draft::reply(invite, 487, Some(&plan.call.tag));
                plan.send(10, over);
            }
        });
    }

    fn reinvited(&mut self, now: Instant, mut call: Call, invite: &Message) {
        call.theirs = Some(invite.clone());
        if let Ok(Some(contact)) = invite.contact() {
            call.target = String::from_utf8_lossy(contact.uri).into_owned();
        }
        self.make_plan(now, call, Some(invite), "re-INVITE", Some(Trigger::Reinvited), |plan| {
            let answer = answer(plan);
            plan.send(30, answer);
        });
    }

    /// An in-dialog request, also after the end of the call.
    fn asked_within(&mut self, now: Instant, mut call: Call, request: &Message) {
        let method = request.method();
        // A callee has PRACKs and UPDATEs before it answers.
        let lives = call.is_dialog() || call.state == State::Invited;
        let offers = method == Some(Method::Update) && !request.body_bytes().is_empty();
        let trigger = match method {
            Some(Method::Bye) => Trigger::ByeReceived,
            Some(Method::Refer) => Trigger::ReferReceived,
            _ => Trigger::Requested,
        };
        if method == Some(Method::Bye) {
            call.state = State::Over;
        }
        let kind = method.map_or("", |method| method_name(&method));
        self.make_plan(now, call, Some(request), kind, Some(trigger), |plan| match trigger {
            Trigger::ReferReceived if lives => {
                let accepted = plan.reply(202);
                plan.send(20, accepted);
                for (after, code, state) in [(50, 100, "active;expires=60"), (900, 200, "terminated")] {
                    let notify = within::report(plan, state, &format!("SIP/2.0 {code} So\r\n"));
                    plan.send(after, notify);
                }
            }
            _ if lives && offers => {
                let answer = answer(plan);
                plan.send(20, answer);
            }
            _ => {
                let code = if lives { 200 } else { 481 };
                let answer = plan.reply(code);
                plan.send(20, answer);
            }
        });
    }

    fn asked_outside(&mut self, now: Instant, exchange: usize, request: &Message, code: u16) {
        let key = Digest::new(self.key).bytes(b"outside").word(now.as_nanos()).finish();
        let call = Call::to(key, exchange, "", &self.me.aor, &self.me.aor, State::Over);
        let trigger = (code < 300).then_some(Trigger::AskedOutside);
        self.make_plan(now, call, Some(request), "outside", trigger, |plan| {
            let answer = plan.reply(code);
            plan.send(20, answer);
        });
    }
}

/// The correct 2xx to an INVITE.
fn answer(plan: &mut Plan<'_>) -> Draft {
    let answer = plan.reply_with_sdp(200);
    plan.listing(answer)
}

fn method_name<'m>(method: &Method<'m>) -> &'m str {
    std::str::from_utf8(method.as_bytes()).unwrap_or("unknown")
}
