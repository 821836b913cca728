//! Handling of requests before they have a context.

use bytes::Bytes;
use offhook_wire::{Editor, Fault, HeaderName, Message, Method, Uri};

use super::admit::Caller;
use super::context::ContextId;
use super::plan::Refusal;
use super::reparse::reparse;
use super::route::{self, Decision};
use super::{Context, admit, forward};
use crate::budget::{BRANCH, Sender, TRANSACTION};
use crate::cx::Cx;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar;
use crate::response::{Response, own_tag};
use crate::token::BranchToken;
use crate::transaction::ServerKey;
use crate::{Exchange, Handle};

impl Exchange {
    /// Handles a request that passed the checks.
    ///
    /// A response to an unknown sender needs no transaction (RFC 3261 §8.2.7, §26.3.2.4): a retransmission gets the same response again,
    /// and a flood creates no state.
    pub(crate) fn request(&mut self, arrival: Arrival, request: Message) {
        let Ok(key) = ServerKey::of(&request) else { return };
        match request.method() {
            Some(Method::Ack) => return self.ack(arrival, &key, &request),
            Some(_) => {}
            None => return,
        }
        if let Some(id) = self.contexts.find(&self.cx, &key, arrival.flow) {
            self.contexts.with(&mut self.cx, id, Context::on_retransmission);
            return;
        }
        let Some(request) = add_received(arrival, &request) else { return };
        let request = route::undo_strict_routing(&self.cx, request);
        match request.method() {
            Some(Method::Cancel) => {
                let response = self.cancel(arrival, &key);
                self.respond_stateless(arrival, &request, &response);
            }
            Some(Method::Register) if self.is_for_exchange(&request) => self.register(arrival, key, &request),
            _ => self.proxy(arrival, key, &request),
        }
    }

    fn respond_stateless(&mut self, arrival: Arrival, request: &Message, response: &Response) {
        let data = response.bytes_for(&self.cx.seal, request);
        self.cx.respond_statelessly(arrival, request, data);
    }

    fn respond(&mut self, id: ContextId, response: &Response) {
        self.contexts.with(&mut self.cx, id, |context, cx| context.respond(cx, response));
    }

    /// Rejects a malformed request, if a response can be built (RFC 3261 §16.3 step 1).
    pub(crate) fn refuse(&mut self, arrival: Arrival, fault: Fault, data: Bytes) {
        let limits = self.cx.config.limits.message;
        let Some(request) = Message::salvage(data, &limits) else { return };
        let request = add_received(arrival, &request).unwrap_or(request);
        let response = Response::new(fault.kind.status());
        self.respond_stateless(arrival, &request, &response);
    }

    /// Begins a transaction if there is room for it; else responds with 503.
    fn begin(
        &mut self,
        arrival: Arrival,
        key: ServerKey,
        sender: Sender,
        request: &Message,
    ) -> Option<ContextId> {
        let id = self.try_begin(arrival, key, sender, request);
        if id.is_none() {
            self.respond_stateless(arrival, request, &Response::new(503));
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
        // The request, its copy in one branch, and the state machines.
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

    fn is_for_exchange(&self, request: &Message) -> bool {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        uri.is_some_and(|uri| self.cx.is_ours(&uri))
    }

    fn register(&mut self, arrival: Arrival, key: ServerKey, request: &Message) {
        let user = match registrar::admit(&mut self.cx, arrival, request) {
            Ok(user) => user,
            Err(response) => return self.respond_stateless(arrival, request, &response),
        };
        let Some(id) = self.begin(arrival, key, Sender::User, request) else { return };
        let (response, moved) = registrar::register(&mut self.cx, arrival, &user, request);
        self.respond(id, &response);
        for binding in moved {
            for id in self.contexts.at(Handle::Binding(binding)) {
                self.contexts.with(&mut self.cx, id, |context, cx| context.resume(cx, binding));
            }
            let Some(uri) = self.cx.location.get(binding).map(|binding| binding.target()) else { continue };
            for id in self.contexts.at(Handle::Awaited(self.cx.seal.mac("away", &[uri]))) {
                self.retry(id);
            }
        }
    }

    /// RFC 3261 §16.10. A CANCEL without a context is not forwarded statelessly, because every forwarded request has a context: it is late, or
    /// from another sender.
    fn cancel(&mut self, arrival: Arrival, key: &ServerKey) -> Response {
        match self.contexts.find(&self.cx, &key.cancelled(), arrival.flow) {
            Some(id) => {
                self.contexts.with(&mut self.cx, id, Context::cancel);
                Response::new(200)
            }
            None => Response::new(481),
        }
    }

    /// Forwards or answers any other request.
    fn proxy(&mut self, arrival: Arrival, key: ServerKey, request: &Message) {
        match self.decide(arrival, request, None) {
            Ok((Decision::Local, _)) => self.respond_stateless(arrival, request, &Response::capabilities()),
            Ok((decision, loop_mark)) => {
                if let Some(id) = self.begin(arrival, key, decision.sender(), request) {
                    self.execute(arrival, id, request, decision, loop_mark);
                }
            }
            Err(Refusal { response, authenticated })
                if !authenticated && !planted!(self.cx.config, ChallengeKept) =>
            {
                self.respond_stateless(arrival, request, &response);
            }
            Err(Refusal { response, .. }) => {
                if let Some(id) = self.begin(arrival, key, Sender::User, request) {
                    self.respond(id, &response);
                }
            }
        }
    }

    fn decide(
        &mut self,
        arrival: Arrival,
        request: &Message,
        known: Option<Caller>,
    ) -> Result<(Decision, u32), Refusal> {
        let loop_mark = admit::loop_mark(&self.cx, request);
        admit::check(&self.cx, request, loop_mark)?;
        Ok((route::find(&mut self.cx, arrival, request, known)?, loop_mark))
    }

    fn execute(
        &mut self,
        arrival: Arrival,
        id: ContextId,
        request: &Message,
        decision: Decision,
        loop_mark: u32,
    ) {
        match decision {
            Decision::Forward(mut plan) => {
                plan.source.flow = self.contexts.get(id).map_or(arrival.flow, |context| context.reply);
                let more = plan.targets.len().saturating_sub(1) * (BRANCH + request.bytes().len());
                if !self.cx.has_room(plan.sender, arrival, more) {
                    return self.respond(id, &Response::new(503));
                }
                self.contexts.with(&mut self.cx, id, |context, cx| context.fork(cx, &plan, loop_mark));
                self.contexts.file_ends(id);
            }
            Decision::Wait(caller) => {
                let uri = request.request_uri().unwrap_or_default();
                let away = Handle::Awaited(self.cx.seal.mac("away", &[uri]));
                self.contexts.file(id, vec![away, Handle::Flow(arrival.flow)]);
                self.contexts.with(&mut self.cx, id, |context, cx| context.wait(cx, caller));
            }
            Decision::Local => self.respond(id, &Response::capabilities()),
        }
    }

    /// A contact was registered that may be the target of a waiting request.
    fn retry(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get(id) else { return };
        let arrival = context.arrival;
        let Some((request, caller)) = context.waiting() else { return };
        let (request, caller) = (request.clone(), caller.clone());
        match self.decide(arrival, &request, Some(caller)) {
            Ok((decision, loop_mark)) => self.execute(arrival, id, &request, decision, loop_mark),
            Err(Refusal { response, .. }) => self.respond(id, &response),
        }
    }

    /// Handles an ACK: one for a refusal ends here; one for a 2xx is forwarded without a transaction (RFC 3261 §16.7 step 9 and §17.1.1.3).
    fn ack(&mut self, arrival: Arrival, key: &ServerKey, request: &Message) {
        if let Some(id) = self.contexts.find(&self.cx, key, arrival.flow)
            && self.contexts.with(&mut self.cx, id, |context, cx| context.on_ack(cx)) == Some(true)
        {
            return;
        }
        if is_for_own_response(&self.cx, request) {
            return;
        }
        let Some(request) = add_received(arrival, request) else { return };
        let request = route::undo_strict_routing(&self.cx, request);
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

/// Whether an ACK is for a stateless response of the exchange, by its To tag.
fn is_for_own_response(cx: &Cx, request: &Message) -> bool {
    let tag = request.to().ok().and_then(|to| to.tag());
    tag.is_some_and(|tag| tag == own_tag(&cx.seal, request).as_bytes())
}

/// Adds the source address to the top Via (RFC 3261 §18.2.1, RFC 3581 §4), from which all responses copy it. The result is a copy, so that
/// it does not keep the whole receive buffer alive.
fn add_received(arrival: Arrival, request: &Message) -> Option<Message> {
    let via = request.via().ok()?;
    let wants_rport = via.rport().is_some();
    let host = arrival.remote.ip().to_canonical().to_string();
    let moved = via.host.trim_ascii() != host.as_bytes();
    if !wants_rport && !moved {
        return reparse(Bytes::copy_from_slice(request.bytes()));
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
    if wants_rport {
        value.extend_from_slice(format!(";rport={}", arrival.remote.port()).as_bytes());
    }
    // Folding is removed from the changed value.
    value.retain(|byte| !b"\r\n\0".contains(byte));
    let mut editor = Editor::new(request);
    editor.replace_first_value(HeaderName::Via, &value);
    reparse(editor.finish())
}
