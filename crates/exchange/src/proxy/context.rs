//! The response context: one request, its branches, and the processing of their responses (RFC 3261 §16.7).

use bytes::Bytes;
use offhook_wire::{Editor, HeaderName, Instant, Message, Method};

use super::admit::Caller;
use super::branch::{Branch, CancelReason};
use super::call::Call;
use super::forward;
use super::plan::{Plan, Target};
use crate::budget::{Sender, TRANSACTION};
use crate::cx::Cx;
use crate::flow::{Arrival, FlowId, Transport};
use crate::response::{self, Response};
use crate::token::{BindingId, BranchToken, End};
use crate::transaction::{Client, ResponseOutcome, Server, ServerKey};

/// Identifies a context; never reused.
pub(crate) type ContextId = u64;

/// A server transaction and its branches. A request that the exchange itself answers has no branches.
pub(crate) struct Context {
    pub(crate) id: ContextId,
    pub(crate) key: ServerKey,
    pub(crate) sender: Sender,
    pub(crate) arrival: Arrival,
    /// The flow for responses, unless the caller's contact has been registered on another one since.
    pub(crate) reply: FlowId,
    /// The same with the binding of that contact, once it is known.
    origin: End,
    invite: bool,
    server: Server,
    /// The request as received, with `received` and `rport` added to its Via; dropped after a final response.
    request: Option<Message>,
    branches: Vec<Branch>,
    /// The time until which it waits for its target to register, before it has branches.
    waits_until: Option<Instant>,
    /// The sender, if it has waited.
    caller: Option<Caller>,
    call: Option<Call>,
}

impl Context {
    pub(crate) fn new(
        id: ContextId,
        key: ServerKey,
        arrival: Arrival,
        reply: FlowId,
        sender: Sender,
        request: Message,
    ) -> Self {
        let invite = request.method() == Some(Method::Invite);
        Self {
            id,
            key,
            sender,
            arrival,
            reply,
            origin: End { flow: reply, binding: None },
            invite,
            server: Server::new(invite, arrival.transport.is_reliable()),
            call: Call::of(&request),
            request: Some(request),
            branches: Vec::new(),
            waits_until: None,
            caller: None,
        }
    }

    /// Whether a message of this transaction may come over this flow.
    pub(crate) fn comes_over(&self, cx: &Cx, flow: FlowId) -> bool {
        // The flow of the request stays valid only for datagrams: a phone may replace a connection.
        flow == self.arrival.flow && self.arrival.transport == Transport::Udp
            || cx.comes_from(self.origin, flow)
    }

    /// The bytes kept.
    pub(crate) fn bytes(&self) -> usize {
        let request = self.request.as_ref().map_or(0, size_of_message);
        let call = self.call.as_ref().map_or(0, Call::bytes);
        let branches: usize = self.branches.iter().map(Branch::bytes).sum();
        TRANSACTION + self.key.bytes() + request + self.server.bytes() + call + branches
    }

    /// Whether this is the branch parameter of that branch.
    pub(crate) fn has_branch(&self, index: usize, token: &[u8]) -> bool {
        self.branches.get(index).is_some_and(|branch| branch.token.as_bytes() == token)
    }

    /// The ends of this context.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End> {
        std::iter::once(self.origin).chain(self.branches.iter().map(|branch| branch.end))
    }

    /// Sends a final response of the exchange itself.
    pub(crate) fn respond(&mut self, cx: &mut Cx, response: &Response) {
        self.waits_until = None;
        if let Some(request) = self.request.take() {
            let data = response.bytes_for(&cx.seal, &request);
            self.send_final(cx, response.status, data);
        }
    }

    /// Waits for the target to register. A second wait does not prolong the first.
    pub(crate) fn wait(&mut self, cx: &Cx, caller: Caller) {
        self.waits_until.get_or_insert(cx.now + cx.config.flow_grace);
        self.caller = Some(caller);
    }

    /// The request and its sender, while waiting.
    pub(crate) fn waiting(&self) -> Option<(&Message, &Caller)> {
        self.request.as_ref().zip(self.caller.as_ref()).filter(|_| self.waits_until.is_some())
    }

    /// Forwards the request to all targets in parallel (RFC 3261 §16.6).
    pub(crate) fn fork(&mut self, cx: &mut Cx, plan: &Plan, loop_mark: u32) {
        let Some(request) = self.request.clone() else { return };
        self.origin = plan.source;
        self.waits_until = None;
        if self.invite {
            let trying = response::trying(&request);
            if self.server.set_provisional(&trying) {
                cx.respond(self.origin, trying);
            }
        }
        for (index, target) in plan.targets.iter().enumerate() {
            let branch = self.branch(cx, &request, plan, target, index, loop_mark);
            self.branches.push(branch);
        }
        if let Some(call) = &self.call {
            call.on_fork(cx, self.branches.len());
        }
        self.choose_final(cx);
    }

    fn branch(
        &self,
        cx: &mut Cx,
        request: &Message,
        plan: &Plan,
        target: &Target,
        index: usize,
        loop_mark: u32,
    ) -> Branch {
        let end = target.end;
        let reached = cx.reach(end).and_then(|flow| cx.transport(flow));
        // A callee that is not registered is expected to return over the caller's transport.
        let expected = end.binding.map(|_| self.arrival.transport);
        let Some(transport) = reached.or(expected) else { return Branch::failed(end, 480) };
        // At most 2^16 branches: far above any limit of bindings.
        let serial = self.id << 16 | index as u64;
        let token = cx.seal.branch(&BranchToken { origin: plan.source, serial, loop_mark });
        let via = forward::via(cx, transport, &token);
        let sent = forward::request(cx, request, plan, target, &via);
        let reliable = transport.is_reliable();
        let client = Client::new(cx.now, self.invite, reliable, sent.clone());
        if cx.send_to(end, sent) {
            Branch::new(cx, end, token, client, reliable)
        } else {
            Branch::waiting(end, token, client, cx.now + cx.config.flow_grace)
        }
    }

    /// Handles a retransmission of the request.
    pub(crate) fn on_retransmission(&mut self, cx: &mut Cx) {
        if let Some(response) = self.server.on_retransmission() {
            cx.respond(self.origin, response);
        }
    }

    /// Handles an ACK with this INVITE's branch. False if it acknowledges a 2xx and has to be forwarded.
    pub(crate) fn on_ack(&mut self, cx: &Cx) -> bool {
        self.server.on_ack(cx.now)
    }

    /// Handles a response of one of the branches (RFC 3261 §16.7).
    pub(crate) fn response(&mut self, cx: &mut Cx, index: usize, response: &Message) {
        let Some(status) = response.status() else { return };
        let keep = self.may_keep(cx, response.bytes().len());
        let Some(branch) = self.branches.get_mut(index) else { return };
        let outcome = branch.client.on_response(cx.now, status, cx.config.timer_c, Branch::ack(response));
        match outcome {
            ResponseOutcome::Provisional => {
                branch.on_provisional(cx);
                // Step 5; a 100 is not forwarded.
                if status > 100 && self.server.is_proceeding() {
                    let response = strip_via(response);
                    if cx.has_room(self.sender, self.arrival, response.len()) {
                        self.server.set_provisional(&response);
                    }
                    cx.respond(self.origin, response);
                    if let Some(call) = &mut self.call {
                        call.on_provisional(cx, status);
                    }
                }
            }
            ResponseOutcome::Success { first } => {
                // Step 5: every 2xx to an INVITE is forwarded immediately, also after another final response.
                let stripped = strip_via(response);
                if first {
                    branch.record_final(status, None);
                }
                if !self.send_final(cx, status, stripped.clone()) {
                    cx.respond(self.origin, stripped);
                }
            }
            ResponseOutcome::Final { ack } => {
                let end = branch.end;
                let limits = cx.config.limits.message;
                let kept = Message::parse(strip_via(response), &limits).ok().filter(|_| keep);
                branch.record_final(status, kept);
                if let Some(ack) = ack {
                    cx.send_to(end, ack);
                }
                if (200..=299).contains(&status) {
                    self.send_final(cx, status, strip_via(response));
                } else if status >= 600 {
                    // Step 5: a 6xx is not forwarded yet, but all other branches are cancelled.
                    self.cancel_branches(cx);
                }
                self.choose_final(cx);
            }
            ResponseOutcome::Retransmission { ack: Some(ack) } => {
                let end = branch.end;
                cx.send_to(end, ack);
            }
            ResponseOutcome::Retransmission { ack: None } => {}
        }
    }

    /// Whether the budget has room for a final response in place of the request: its length is chosen by the callee. Without room, only the
    /// status of a refusal is kept, and another response is forwarded but not retransmitted.
    fn may_keep(&self, cx: &Cx, bytes: usize) -> bool {
        let request = self.request.as_ref().map_or(0, |request| request.bytes().len());
        bytes <= request || cx.has_room(self.sender, self.arrival, bytes - request)
    }

    /// Handles a response to the CANCEL of a branch.
    pub(crate) fn cancel_response(&mut self, cx: &mut Cx, index: usize, status: u16) {
        if let Some(branch) = self.branches.get_mut(index) {
            branch.on_cancel_response(cx, status);
        }
    }

    /// Handles the caller's CANCEL (RFC 3261 §16.10). The final response follows when the branches have ended.
    pub(crate) fn cancel(&mut self, cx: &mut Cx) {
        if self.waits_until.take().is_some() {
            self.respond(cx, &Response::new(487));
        } else if self.invite && self.server.is_proceeding() {
            self.cancel_branches(cx);
            self.choose_final(cx);
        }
    }

    fn cancel_branches(&mut self, cx: &mut Cx) {
        if !self.invite {
            return;
        }
        for branch in &mut self.branches {
            branch.cancel(cx, CancelReason::Requested);
        }
    }

    /// Handles the loss of the flow or the binding of an end.
    pub(crate) fn connection_lost(&mut self, cx: &mut Cx) {
        if self.origin.binding.is_none() && cx.reach(self.origin).is_none() {
            return self.caller_lost(cx);
        }
        let at = cx.now + cx.config.flow_grace;
        for branch in &mut self.branches {
            if cx.reach(branch.end).is_none() {
                branch.disconnect(at);
            }
        }
        self.choose_final(cx);
    }

    /// The connection of a caller without a binding was lost: cancels all branches.
    fn caller_lost(&mut self, cx: &mut Cx) {
        self.waits_until = None;
        self.request = None;
        self.cancel_branches(cx);
        for branch in self.branches.iter_mut().filter(|_| !self.invite) {
            branch.fail(408);
        }
        self.server.terminate();
    }

    /// A binding has a new flow: sends again what the phone may have missed.
    pub(crate) fn resume(&mut self, cx: &mut Cx, binding: BindingId) {
        for branch in &mut self.branches {
            if branch.end.binding == Some(binding) {
                branch.resume(cx);
            }
        }
        if self.origin.binding == Some(binding) {
            self.origin = cx.relocated(self.origin);
            self.on_retransmission(cx);
        }
    }

    pub(crate) fn fire(&mut self, cx: &mut Cx) {
        if let Some(response) = self.server.fire(cx.now) {
            cx.respond(self.origin, response);
        }
        for branch in &mut self.branches {
            branch.fire(cx);
        }
        if self.waits_until.take_if(|at| *at <= cx.now).is_some() {
            self.respond(cx, &Response::new(480));
        }
        self.choose_final(cx);
    }

    /// Sends the best final response once every branch has ended and none was forwarded (steps 6 to 9).
    fn choose_final(&mut self, cx: &mut Cx) {
        if !self.server.is_proceeding()
            || self.branches.is_empty()
            || self.branches.iter().any(Branch::is_pending)
        {
            return;
        }
        let outcomes = || self.branches.iter().filter_map(|branch| branch.outcome.as_ref());
        let Some(best) = super::best::best(outcomes()).and_then(|index| outcomes().nth(index)) else {
            return;
        };
        let status = match best.status {
            // Step 6: the 503 of a phone does not mean that the exchange is overloaded.
            503 => 500,
            status => status,
        };
        if !self.invite && status == 408 && best.response.is_none() {
            // RFC 4320 §4.2: the sender has timed out at the same time.
            self.server.terminate();
            self.request = None;
            return self.log_final(cx, status);
        }
        let response = match (&best.response, status == best.status) {
            (Some(response), true) => {
                aggregate(response, outcomes().filter_map(|other| other.response.as_ref()))
            }
            _ => {
                let Some(request) = &self.request else { return };
                Response::new(status).bytes_for(&cx.seal, request)
            }
        };
        self.send_final(cx, status, response);
    }

    /// Sends a final response if none was sent, and cancels all pending branches.
    fn send_final(&mut self, cx: &mut Cx, status: u16, response: Bytes) -> bool {
        // A 2xx to an INVITE is never kept.
        let keep = self.invite && (200..=299).contains(&status) || self.may_keep(cx, response.len());
        if !self.server.set_final(cx.now, status, &response) {
            return false;
        }
        if !keep {
            self.server.terminate();
        }
        self.request = None;
        cx.respond(self.origin, response);
        self.cancel_branches(cx);
        self.log_final(cx, status);
        for branch in &mut self.branches {
            if let Some(outcome) = &mut branch.outcome {
                outcome.response = None;
            }
        }
        true
    }

    fn log_final(&self, cx: &mut Cx, status: u16) {
        if let Some(call) = &self.call {
            call.on_final(cx, status);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let branches = self.branches.iter().filter_map(Branch::deadline);
        branches.chain(self.server.deadline()).chain(self.waits_until).min()
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.server.is_terminated() && self.branches.iter().all(Branch::is_terminated)
    }
}

/// The memory of a message: its bytes and its table.
fn size_of_message(message: &Message) -> usize {
    message.bytes().len() + 24 * message.headers().count()
}

/// Step 3: removes the top Via, and an asserted identity, which is not trusted in a response either (RFC 3325 §5).
pub(super) fn strip_via(response: &Message) -> Bytes {
    let mut editor = Editor::new(response);
    editor.remove_first_value(HeaderName::Via);
    forward::strip_identity(&mut editor);
    editor.finish()
}

/// Step 7: a 401 or 407 carries the challenges of all branches.
fn aggregate<'a>(best: &Message, all: impl Iterator<Item = &'a Message>) -> Bytes {
    if !matches!(best.status(), Some(401 | 407)) {
        return best.bytes().clone();
    }
    let mut editor = Editor::new(best);
    for other in all.filter(|other| !std::ptr::eq(*other, best)) {
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            for challenge in other.rows(name).filter(|_| matches!(other.status(), Some(401 | 407))) {
                editor.append(name, challenge);
            }
        }
    }
    editor.finish()
}
