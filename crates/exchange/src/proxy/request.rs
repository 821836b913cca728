//! What becomes of a request, from its arrival to its context.

use bytes::Bytes;
use offhook_wire::{Editor, Fault, HeaderName, Message, Method, Uri};

use super::context::ContextId;
use super::route::{self, Way};
use super::{Context, NO_LIMITS, admit, forward};
use crate::answer::Answer;
use crate::flow::FlowId;
use crate::registrar;
use crate::token::BranchToken;
use crate::transaction::ServerKey;
use crate::{Exchange, Handle};

impl Exchange {
    /// A request that was read and makes sense.
    pub(crate) fn request(&mut self, flow: FlowId, request: Message) {
        let Ok(key) = ServerKey::of(&request) else { return };
        match request.method() {
            Some(Method::Ack) => return self.ack(flow, &key, &request),
            Some(_) => {}
            None => return,
        }
        if let Some(id) = self.contexts.find(&self.cx, &key, flow) {
            self.contexts.with(&mut self.cx, id, Context::repeated);
            return;
        }
        let Some(request) = self.stamp(flow, &request) else { return };
        if !self.has_room(flow) {
            let answer = Answer::new(503).to(&self.cx.seal, &request);
            return self.cx.send(flow, answer);
        }
        let request = route::straightened(&self.cx, request);
        let id = self.contexts.open(&mut self.cx, key.clone(), flow, request.clone());
        match request.method() {
            Some(Method::Cancel) => {
                let answer = self.cancel(flow, &key);
                self.answer(id, &answer);
            }
            Some(Method::Register) if self.is_for_us(&request) => self.register(flow, id, &request),
            _ => self.proxy(flow, id, &request),
        }
    }

    fn answer(&mut self, id: ContextId, answer: &Answer) {
        self.contexts.with(&mut self.cx, id, |context, cx| context.answer(cx, answer));
    }

    /// A message that is a request but cannot be served: the answer, if one can be written (RFC 3261 §16.3 step 1).
    pub(crate) fn refuse(&mut self, flow: FlowId, fault: Fault, data: Bytes) {
        let limits = self.cx.config.limits.message;
        let Some(request) = Message::salvage(data, &limits) else { return };
        let request = self.stamp(flow, &request).unwrap_or(request);
        let status = fault.kind.status();
        let answer = Answer::new(status).to(&self.cx.seal, &request);
        self.cx.send(flow, answer);
    }

    fn has_room(&self, flow: FlowId) -> bool {
        let limits = &self.cx.config.limits;
        let own = self.cx.flows.get(flow).map_or(0, |flow| flow.transactions);
        self.contexts.len() < limits.transactions && own < limits.transactions_per_flow
    }

    /// Writes into the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4). Our responses, and those that
    /// we forward, carry it back.
    fn stamp(&self, flow: FlowId, request: &Message) -> Option<Message> {
        let flow = self.cx.flows.get(flow)?;
        let via = request.via().ok()?;
        let asked = via.rport().is_some();
        let moved = via.host.trim_ascii() != flow.host.as_bytes();
        if !asked && !moved {
            return Some(request.clone());
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
        value.extend_from_slice(flow.host.as_bytes());
        if let (true, Some(port)) = (asked, flow.port) {
            value.extend_from_slice(format!(";rport={port}").as_bytes());
        }
        // Folding inside the value ends here: the stamped row is ours.
        value.retain(|byte| !b"\r\n\0".contains(byte));
        let mut editor = Editor::new(request);
        editor.replace_first_value(HeaderName::Via, &value);
        Message::parse(editor.finish(), &NO_LIMITS).ok()
    }

    fn is_for_us(&self, request: &Message) -> bool {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        uri.is_some_and(|uri| self.cx.is_ours(&uri))
    }

    fn register(&mut self, flow: FlowId, id: ContextId, request: &Message) {
        let (answer, moved) = registrar::register(&mut self.cx, flow, request);
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
    fn cancel(&mut self, flow: FlowId, key: &ServerKey) -> Answer {
        match self.contexts.find(&self.cx, &key.cancelled(), flow) {
            Some(id) => {
                self.contexts.with(&mut self.cx, id, Context::cancel);
                Answer::new(200)
            }
            None => Answer::new(481),
        }
    }

    /// Everything else: forwarded, or answered if there is an answer.
    fn proxy(&mut self, flow: FlowId, id: ContextId, request: &Message) {
        let loop_mark = admit::loop_mark(&self.cx, request);
        let way = admit::check(&self.cx, request, loop_mark)
            .and_then(|()| route::find(&mut self.cx, flow, request));
        match way {
            Ok(Way::Forward(plan)) => {
                self.contexts.with(&mut self.cx, id, |context, cx| context.fork(cx, &plan, loop_mark));
                self.contexts.file_ends(id);
            }
            Ok(Way::Wait) => {
                let uri = request.request_uri().unwrap_or_default();
                self.contexts.file(id, vec![Handle::Away(self.cx.seal.mac("away", &[uri]))]);
                self.contexts.with(&mut self.cx, id, |context, cx| context.wait(cx));
            }
            Ok(Way::Here) => self.answer(id, &Answer::capabilities()),
            Err(answer) => self.answer(id, &answer),
        }
    }

    /// The target of a request that waited has registered.
    fn retry(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get(id) else { return };
        if let Some(request) = context.waiting().cloned() {
            self.proxy(context.flow, id, &request);
        }
    }

    /// An ACK ends here if it belongs to a refusal that we sent or passed on; one to a 2xx goes its own way without a transaction
    /// (RFC 3261 §16.7 step 9 and §17.1.1.3).
    fn ack(&mut self, flow: FlowId, key: &ServerKey, request: &Message) {
        if let Some(id) = self.contexts.find(&self.cx, key, flow)
            && self.contexts.with(&mut self.cx, id, |context, cx| context.acknowledged(cx)) == Some(true)
        {
            return;
        }
        let Some(request) = self.stamp(flow, request) else { return };
        let request = route::straightened(&self.cx, request);
        let loop_mark = admit::loop_mark(&self.cx, &request);
        if admit::check(&self.cx, &request, loop_mark).is_err() {
            return;
        }
        let Some(plan) = route::find_for_ack(&self.cx, flow, &request) else { return };
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
