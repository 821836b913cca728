//! A request, from its arrival to its context.

use bytes::Bytes;
use offhook_wire::{Editor, Fault, HeaderName, Message, Method, Uri};

use super::admit::Caller;
use super::context::ContextId;
use super::route::{self, Refusal, Way};
use super::{Context, NO_LIMITS, admit, forward};
use crate::answer::{Answer, own_tag};
use crate::budget::{BRANCH, Sender, TRANSACTION};
use crate::cx::Cx;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar;
use crate::token::BranchToken;
use crate::transaction::ServerKey;
use crate::{Exchange, Handle};

impl Exchange {
    /// A request that was read and makes sense.
    ///
    /// What is answered without knowing the sender is answered without a transaction (RFC 3261 §8.2.7, §26.3.2.4): a retransmission gets
    /// the same answer anew, and a flood leaves nothing behind.
    pub(crate) fn request(&mut self, arrival: Arrival, request: Message) {
        let Ok(key) = ServerKey::of(&request) else { return };
        match request.method() {
            Some(Method::Ack) => return self.ack(arrival, &key, &request),
            Some(_) => {}
            None => return,
        }
        if let Some(id) = self.contexts.find(&self.cx, &key, arrival.flow) {
            self.contexts.with(&mut self.cx, id, Context::repeated);
            return;
        }
        let Some(request) = stamp(arrival, &request) else { return };
        let request = route::straightened(&self.cx, request);
        match request.method() {
            Some(Method::Cancel) => {
                let answer = self.cancel(arrival, &key);
                self.answer_stateless(arrival, &request, &answer);
            }
            Some(Method::Register) if self.is_for_us(&request) => self.register(arrival, key, &request),
            _ => self.proxy(arrival, key, &request),
        }
    }

    fn answer_stateless(&mut self, arrival: Arrival, request: &Message, answer: &Answer) {
        let data = answer.to(&self.cx.seal, request);
        self.cx.answer_arrival(arrival, request, data);
    }

    fn answer(&mut self, id: ContextId, answer: &Answer) {
        self.contexts.with(&mut self.cx, id, |context, cx| context.answer(cx, answer));
    }

    /// A message that is a request but cannot be served: the answer, if one can be written (RFC 3261 §16.3 step 1).
    pub(crate) fn refuse(&mut self, arrival: Arrival, fault: Fault, data: Bytes) {
        let limits = self.cx.config.limits.message;
        let Some(request) = Message::salvage(data, &limits) else { return };
        let request = stamp(arrival, &request).unwrap_or(request);
        let answer = Answer::new(fault.kind.status());
        self.answer_stateless(arrival, &request, &answer);
    }

    /// Begins a transaction, if there is room for it; else answers 503.
    fn begin(
        &mut self,
        arrival: Arrival,
        key: ServerKey,
        sender: Sender,
        request: &Message,
    ) -> Option<ContextId> {
        let id = self.try_begin(arrival, key, sender, request);
        if id.is_none() {
            self.answer_stateless(arrival, request, &Answer::new(503));
        }
        id
    }

    fn try_begin(
        &mut self,
        arrival: Arrival,
        key: ServerKey,
        sender: Sender,
        request: &Message,
    ) -> Option<ContextId> {
        let cx = &mut self.cx;
        let limits = cx.config.limits;
        let transactions = cx.flows.get(arrival.flow).map_or(0, |flow| flow.transactions);
        // The request, what one branch makes of it, and the machines.
        let cost = TRANSACTION + BRANCH + 2 * request.bytes().len();
        let fits = self.contexts.len() < limits.transactions
            && transactions < limits.transactions_per_flow
            && cx.has_room(sender, arrival, cost);
        if !fits {
            return None;
        }
        let mut reply = arrival.flow;
        if !arrival.transport.is_reliable() {
            cx.open_flow(arrival.remote, arrival.flow)?;
            reply = cx.open_flow(arrival.replies_to(request), arrival.flow)?;
        }
        Some(self.contexts.open(&mut self.cx, key, arrival, reply, sender, request.clone()))
    }

    fn is_for_us(&self, request: &Message) -> bool {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        uri.is_some_and(|uri| self.cx.is_ours(&uri))
    }

    fn register(&mut self, arrival: Arrival, key: ServerKey, request: &Message) {
        let user = match registrar::admit(&mut self.cx, arrival, request) {
            Ok(user) => user,
            Err(answer) => return self.answer_stateless(arrival, request, &answer),
        };
        let Some(id) = self.begin(arrival, key, Sender::User, request) else { return };
        let (answer, moved) = registrar::register(&mut self.cx, arrival, &user, request);
        self.answer(id, &answer);
        for binding in moved {
            for id in self.contexts.at(Handle::Binding(binding)) {
                self.contexts.with(&mut self.cx, id, |context, cx| context.resume(cx, binding));
            }
            let Some(uri) = self.cx.location.get(binding).map(|binding| binding.target()) else { continue };
            for id in self.contexts.at(Handle::Away(self.cx.seal.mac("away", &[uri]))) {
                self.retry(id);
            }
        }
    }

    /// RFC 3261 §16.10. A CANCEL of what we do not know would have to be forwarded statelessly, but everything that we forwarded
    /// is known: this one comes too late, or from elsewhere.
    fn cancel(&mut self, arrival: Arrival, key: &ServerKey) -> Answer {
        match self.contexts.find(&self.cx, &key.cancelled(), arrival.flow) {
            Some(id) => {
                self.contexts.with(&mut self.cx, id, Context::cancel);
                Answer::new(200)
            }
            None => Answer::new(481),
        }
    }

    /// Everything else: forwarded, or answered if there is an answer.
    fn proxy(&mut self, arrival: Arrival, key: ServerKey, request: &Message) {
        match self.way(arrival, request, None) {
            Ok((Way::Here, _)) => self.answer_stateless(arrival, request, &Answer::capabilities()),
            Ok((way, loop_mark)) => {
                if let Some(id) = self.begin(arrival, key, way.sender(), request) {
                    self.go(arrival, id, request, way, loop_mark);
                }
            }
            Err(Refusal { answer, proven }) if !proven && !planted!(self.cx.config, ChallengeKept) => {
                self.answer_stateless(arrival, request, &answer);
            }
            Err(Refusal { answer, .. }) => {
                if let Some(id) = self.begin(arrival, key, Sender::User, request) {
                    self.answer(id, &answer);
                }
            }
        }
    }

    fn way(
        &mut self,
        arrival: Arrival,
        request: &Message,
        known: Option<Caller>,
    ) -> Result<(Way, u32), Refusal> {
        let loop_mark = admit::loop_mark(&self.cx, request);
        admit::check(&self.cx, request, loop_mark)?;
        Ok((route::find(&mut self.cx, arrival, request, known)?, loop_mark))
    }

    fn go(&mut self, arrival: Arrival, id: ContextId, request: &Message, way: Way, loop_mark: u32) {
        match way {
            Way::Forward(mut plan) => {
                plan.source.flow = self.contexts.get(id).map_or(arrival.flow, |context| context.reply);
                let more = plan.targets.len().saturating_sub(1) * (BRANCH + request.bytes().len());
                if !self.cx.has_room(plan.sender, arrival, more) {
                    return self.answer(id, &Answer::new(503));
                }
                self.contexts.with(&mut self.cx, id, |context, cx| context.fork(cx, &plan, loop_mark));
                self.contexts.file_ends(id);
            }
            Way::Wait(caller) => {
                let uri = request.request_uri().unwrap_or_default();
                let away = Handle::Away(self.cx.seal.mac("away", &[uri]));
                self.contexts.file(id, vec![away, Handle::Flow(arrival.flow)]);
                self.contexts.with(&mut self.cx, id, |context, cx| context.wait(cx, caller));
            }
            Way::Here => self.answer(id, &Answer::capabilities()),
        }
    }

    /// A contact of this URI was registered, which may be the target of a request that waits.
    fn retry(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get(id) else { return };
        let arrival = context.arrival;
        let Some((request, caller)) = context.waiting() else { return };
        let (request, caller) = (request.clone(), caller.clone());
        match self.way(arrival, &request, Some(caller)) {
            Ok((way, loop_mark)) => self.go(arrival, id, &request, way, loop_mark),
            Err(Refusal { answer, .. }) => self.answer(id, &answer),
        }
    }

    /// An ACK ends here if it belongs to a refusal that we sent or passed on; one to a 2xx goes its own way without a transaction
    /// (RFC 3261 §16.7 step 9 and §17.1.1.3).
    fn ack(&mut self, arrival: Arrival, key: &ServerKey, request: &Message) {
        if let Some(id) = self.contexts.find(&self.cx, key, arrival.flow)
            && self.contexts.with(&mut self.cx, id, |context, cx| context.acknowledged(cx)) == Some(true)
        {
            return;
        }
        if is_for_own_answer(&self.cx, request) {
            return;
        }
        let Some(request) = stamp(arrival, request) else { return };
        let request = route::straightened(&self.cx, request);
        let loop_mark = admit::loop_mark(&self.cx, &request);
        if admit::check(&self.cx, &request, loop_mark).is_err() {
            return;
        }
        let Some(plan) = route::find_for_ack(&self.cx, arrival, &request) else { return };
        for target in &plan.targets {
            let Some(transport) = self.cx.reach(target.end).and_then(|flow| self.cx.transport(flow)) else {
                continue;
            };
            // The same ACK must get the same branch (RFC 3261 §16.11), so the serial is a hash.
            let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or_default();
            let serial = self.cx.seal.mac("ack", &[branch]);
            let token = self.cx.seal.branch(&BranchToken { origin: plan.source, serial, loop_mark });
            let via = forward::via(&self.cx, transport, &token);
            let sent = forward::request(&self.cx, &request, &plan, target, &via);
            self.cx.send_to(target.end, sent);
        }
    }
}

/// An ACK to an answer that we gave without a transaction carries its tag, which only we could have made.
fn is_for_own_answer(cx: &Cx, request: &Message) -> bool {
    let tag = request.to().ok().and_then(|to| to.tag());
    tag.is_some_and(|tag| tag == own_tag(&cx.seal, request).as_bytes())
}

/// Writes into the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4). Our responses, and those that
/// we forward, carry it back. The result has memory of its own: a request may be a small part of what was received with it.
fn stamp(arrival: Arrival, request: &Message) -> Option<Message> {
    let via = request.via().ok()?;
    let asked = via.rport().is_some();
    let host = arrival.remote.ip().to_canonical().to_string();
    let moved = via.host.trim_ascii() != host.as_bytes();
    if !asked && !moved {
        return Message::parse(Bytes::copy_from_slice(request.bytes()), &NO_LIMITS).ok();
    }
    let mut value = Vec::with_capacity(160);
    let raw = request.values(HeaderName::Via).next()?;
    let head = raw.iter().position(|&byte| byte == b';').unwrap_or(raw.len());
    value.extend_from_slice(raw[..head].trim_ascii_end());
    for (name, content) in via.params.iter() {
        if ["received", "rport"].iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes())) {
            continue;
        }
        value.push(b';');
        value.extend_from_slice(name);
        if let Some(content) = content {
            value.push(b'=');
            value.extend_from_slice(content);
        }
    }
    value.extend_from_slice(b";received=");
    value.extend_from_slice(host.as_bytes());
    if asked {
        value.extend_from_slice(format!(";rport={}", arrival.remote.port()).as_bytes());
    }
    // Folding inside the value ends here: the stamped row is ours.
    value.retain(|byte| !b"\r\n\0".contains(byte));
    let mut editor = Editor::new(request);
    editor.replace_first_value(HeaderName::Via, &value);
    Message::parse(editor.finish(), &NO_LIMITS).ok()
}
