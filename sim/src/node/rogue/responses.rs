//! The correct behaviour on responses.

use offhook_wire::digest::{Challenge, Password, Responder};
use offhook_wire::{HeaderName, Instant, Message, Method};

use super::breach::Trigger;
use super::call::{Call, State};
use super::draft::Draft;
use super::peer::{RogueNode, RogueOutput};
use super::plan::{PlannedMessage, SendIf, Way};
use super::reliable;
use crate::node::realm::PASSWORD;

/// The number of challenges that a request answers.
const TRIES: u8 = 2;

impl RogueNode {
    pub(super) fn answered(&mut self, now: Instant, response: &Message) {
        let (Ok(via), Ok(cseq), Some(code)) = (response.via(), response.cseq(), response.status()) else {
            return;
        };
        let branch = String::from_utf8_lossy(via.branch().unwrap_or_default()).into_owned();
        if code < 200 {
            return self.heard_progress(now, &branch, response);
        }
        if cseq.method == Method::Cancel {
            return;
        }
        let is_invite = cseq.method == Method::Invite;
        // An INVITE is kept, so that each of its 2xx gets an ACK.
        let taken = is_invite && code < 300;
        let Some(sent) = self.sent.remove(&branch) else { return };
        let Some(call) = self.calls.remove(&sent.call) else { return };
        if is_invite && code >= 300 {
            self.acknowledge_refusal(&call, &sent.draft, response);
        }
        match code {
            401 | 407 if sent.draft.tried < TRIES => self.authorize(now, call, sent.draft, response),
            _ if taken => {
                self.sent.insert(branch, sent);
                self.taken(now, call, response);
            }
            _ => {
                let mut call = call;
                if is_invite && call.state == State::Calling {
                    call.state = State::Over;
                }
                self.calls.insert(call.id.clone(), call);
            }
        }
    }

    /// A provisional response: there may be an early dialog (RFC 3261 §12.1).
    fn heard_progress(&mut self, now: Instant, branch: &str, response: &Message) {
        let Some(id) = self.sent.get(branch).map(|sent| sent.call.clone()) else { return };
        let Some(mut call) = self.calls.remove(&id) else { return };
        let rings = response.to().is_ok_and(|to| to.tag().is_some()) && call.state == State::Calling;
        if rings {
            call.accepted(response);
        }
        let answers = is_without_offer(&call) && !response.body_bytes().is_empty();
        self.make_plan(now, call, Some(response), "1xx", rings.then_some(Trigger::Ringing), |plan| {
            if let Some(mut prack) = rings.then(|| reliable::prack(plan)).flatten() {
                if answers {
                    let sdp = plan.sdp();
                    prack = prack.body("application/sdp", sdp);
                }
                plan.send(10, prack);
            }
        });
    }

    /// A 2xx to an INVITE or re-INVITE.
    fn taken(&mut self, now: Instant, mut call: Call, response: &Message) {
        let first = call.state == State::Calling;
        if first {
            call.accepted(response);
            call.state = State::Talking;
        }
        // A reliable response may have had the offer.
        let late = is_without_offer(&call) && !response.body_bytes().is_empty();
        let id = call.id.clone();
        self.make_plan(now, call, Some(response), "2xx", Some(Trigger::Accepted), |plan| {
            let mut ack = plan.ack();
            if late {
                let sdp = plan.sdp();
                ack = ack.body("application/sdp", sdp);
            }
            plan.send(0, ack);
        });
        if let Some(call) = self.calls.remove(&id) {
            self.make_plan(now, call, Some(response), "talks", first.then_some(Trigger::Established), |_| {});
        }
    }

    /// Sends the ACK of a non-2xx response (RFC 3261 §17.1.1.3).
    fn acknowledge_refusal(&mut self, call: &Call, invite: &Draft, response: &Message) {
        let to = response.to().map(|to| String::from_utf8_lossy(to.raw()).into_owned()).unwrap_or_default();
        let data = invite.companion("ACK").set("To", to).write();
        self.out.push_back(RogueOutput::Exchange { exchange: call.exchange, data });
    }

    /// Sends a request again, with credentials.
    fn authorize(&mut self, now: Instant, mut call: Call, draft: Draft, response: &Message) {
        let (asks, answers) = match response.status() {
            Some(401) => (HeaderName::WwwAuthenticate, "Authorization"),
            _ => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
        };
        let challenge = response.rows(asks).find_map(|row| Challenge::parse(row).ok());
        let uri = draft.start.split(' ').nth(1).unwrap_or_default().to_owned();
        let method = draft.method().to_owned();
        let credentials = challenge.and_then(|challenge| {
            let cnonce = call.fresh();
            let (method, guess) = (Method::from_bytes(method.as_bytes()), call.fresh());
            let (user, password) = match &draft.guesses {
                Some(user) => (user, Password::plain(guess)),
                None => (&self.setup.name, Password::plain(PASSWORD)),
            };
            let mut responder = Responder::new();
            responder.answer(&challenge, user, &password, method, uri.as_bytes(), b"", &cnonce).ok()
        });
        let Some(credentials) = credentials else {
            self.calls.insert(call.id.clone(), call);
            return;
        };
        call.cseq = call.cseq.max(draft.cseq).saturating_add(1);
        let (cseq, branch) = (call.cseq, format!("z9hG4bK{}", call.fresh()));
        let mut again = draft
            .set("Via", format!("{};branch={branch}", self.me.via))
            .set("CSeq", format!("{cseq} {method}"))
            .set(answers, credentials);
        (again.branch, again.cseq) = (branch, cseq);
        again.tried += 1;
        if method == "INVITE" && call.state == State::Calling {
            call.ours = Some(again.clone());
        }
        let message = PlannedMessage {
            after: std::time::Duration::ZERO,
            draft: again,
            only: SendIf::Always,
            way: Way::Exchange,
            again: 0,
        };
        self.schedule(now, call.id.clone(), message);
        self.calls.insert(call.id.clone(), call);
    }
}

/// Whether its INVITE has no offer.
fn is_without_offer(call: &Call) -> bool {
    call.ours.as_ref().is_some_and(|ours| ours.get("Content-Type").is_empty())
}
