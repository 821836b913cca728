//! The response context: one request, the branches it was forked into, and what becomes of their answers (RFC 3261
//! §16.7).

use bytes::Bytes;
use offhook_wire::{Editor, HeaderName, Instant, Message, Method};

use super::admit::Caller;
use super::branch::{Branch, Reason};
use super::call::Call;
use super::forward;
use super::route::{Plan, Target};
use crate::answer::{self, Answer};
use crate::budget::{Sender, TRANSACTION};
use crate::cx::Cx;
use crate::flow::{Arrival, FlowId, Transport};
use crate::token::{BindingId, BranchToken, End};
use crate::transaction::{Client, Heard, Server, ServerKey};

/// Names a context for ever: contexts are numbered in the order of their creation.
pub(crate) type ContextId = u64;

/// A server transaction with everything that serves it. A request that is answered here has no branches.
pub(crate) struct Context {
    pub(crate) id: ContextId,
    pub(crate) key: ServerKey,
    pub(crate) sender: Sender,
    pub(crate) arrival: Arrival,
    /// The flow that responses go to, unless the caller's contact is registered on another one since.
    pub(crate) reply: FlowId,
    /// The same with that contact, once it is known.
    origin: End,
    invite: bool,
    server: Server,
    /// The request as received, with its Via stamped; let go once a final response is sent.
    request: Option<Message>,
    branches: Vec<Branch>,
    /// How long it waits for its target to register, before there is any branch.
    waits: Option<Instant>,
    /// Its sender, if it has waited.
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
            waits: None,
            caller: None,
        }
    }

    /// Whether a request of this transaction may come over this flow.
    pub(crate) fn comes_over(&self, cx: &Cx, flow: FlowId) -> bool {
        // The flow of its first message counts for ever only if it is a datagram's: a connection may be left for another.
        flow == self.arrival.flow && self.arrival.transport == Transport::Udp
            || cx.comes_from(self.origin, flow)
    }

    /// How many bytes this keeps.
    pub(crate) fn bytes(&self) -> usize {
        let request = self.request.as_ref().map_or(0, size_of_message);
        let call = self.call.as_ref().map_or(0, Call::bytes);
        let branches: usize = self.branches.iter().map(Branch::bytes).sum();
        TRANSACTION + self.key.bytes() + request + self.server.bytes() + call + branches
    }

    /// Whether this is our branch parameter of that branch.
    pub(crate) fn has_branch(&self, index: usize, token: &[u8]) -> bool {
        self.branches.get(index).is_some_and(|branch| branch.token.as_bytes() == token)
    }

    /// Everything this context talks to.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End> {
        std::iter::once(self.origin).chain(self.branches.iter().map(|branch| branch.end))
    }

    /// Gives a final answer of our own.
    pub(crate) fn answer(&mut self, cx: &mut Cx, answer: &Answer) {
        self.waits = None;
        if let Some(request) = self.request.take() {
            let response = answer.to(&cx.seal, &request);
            self.finish(cx, answer.status, response);
        }
    }

    /// Waits for the target to register, unless it has waited already.
    pub(crate) fn wait(&mut self, cx: &Cx, caller: Caller) {
        self.waits.get_or_insert(cx.now + cx.config.flow_grace);
        self.caller = Some(caller);
    }

    /// The request and its sender, while it waits.
    pub(crate) fn waiting(&self) -> Option<(&Message, &Caller)> {
        self.request.as_ref().zip(self.caller.as_ref()).filter(|_| self.waits.is_some())
    }

    /// Forwards the request to all its targets at once (RFC 3261 §16.6).
    pub(crate) fn fork(&mut self, cx: &mut Cx, plan: &Plan, loop_mark: u32) {
        let Some(request) = self.request.clone() else { return };
        self.origin = plan.source;
        self.waits = None;
        if self.invite {
            let trying = answer::trying(&request);
            if self.server.provisional(&trying) {
                cx.respond(self.origin, trying);
            }
        }
        for (index, target) in plan.targets.iter().enumerate() {
            let branch = self.branch(cx, &request, plan, target, index, loop_mark);
            self.branches.push(branch);
        }
        if let Some(call) = &self.call {
            call.offered(cx, self.branches.len());
        }
        self.settle(cx);
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
        // Who is away and will come back is expected to come back the way the caller came.
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

    /// The request came again.
    pub(crate) fn repeated(&mut self, cx: &mut Cx) {
        if let Some(response) = self.server.repeated() {
            cx.respond(self.origin, response);
        }
    }

    /// An ACK with this INVITE's branch came. False if it acknowledges a 2xx and so is not for us.
    pub(crate) fn acknowledged(&mut self, cx: &Cx) -> bool {
        self.server.acknowledged(cx.now)
    }

    /// A response on one of the branches (RFC 3261 §16.7).
    pub(crate) fn response(&mut self, cx: &mut Cx, index: usize, response: &Message) {
        let Some(status) = response.status() else { return };
        let keep = self.may_keep(cx, response.bytes().len());
        let Some(branch) = self.branches.get_mut(index) else { return };
        let heard = branch.client.hear(cx.now, status, cx.config.timer_c, Branch::ack(response));
        match heard {
            Heard::Provisional => {
                branch.provisional(cx);
                // Step 5; a 100 goes one hop only.
                if status > 100 && self.server.is_open() {
                    let response = strip_via(response);
                    if cx.has_room(self.sender, self.arrival, response.len()) {
                        self.server.provisional(&response);
                    }
                    cx.respond(self.origin, response);
                    if let Some(call) = &mut self.call {
                        call.ringing(cx, status);
                    }
                }
            }
            Heard::Success { first } => {
                // Step 5: every 2xx to an INVITE goes on at once, also after another final response.
                let stripped = strip_via(response);
                if first {
                    branch.end(status, None);
                }
                if !self.finish(cx, status, stripped.clone()) {
                    cx.respond(self.origin, stripped);
                }
            }
            Heard::Final { ack } => {
                let end = branch.end;
                let limits = cx.config.limits.message;
                let kept = Message::parse(strip_via(response), &limits).ok().filter(|_| keep);
                branch.end(status, kept);
                if let Some(ack) = ack {
                    cx.send_to(end, ack);
                }
                if (200..=299).contains(&status) {
                    self.finish(cx, status, strip_via(response));
                } else if status >= 600 {
                    // Step 5: a 6xx waits for the others, but nobody shall go on ringing.
                    self.cancel_branches(cx);
                }
                self.settle(cx);
            }
            Heard::Repeated { ack: Some(ack) } => {
                let end = branch.end;
                cx.send_to(end, ack);
            }
            Heard::Repeated { ack: None } => {}
        }
    }

    /// Whether there is room for a final response in the place of the request, which was counted: callees decide how long it is. Without
    /// room, a refusal goes on by its status alone, and another response goes on and is not repeated.
    fn may_keep(&self, cx: &Cx, bytes: usize) -> bool {
        let request = self.request.as_ref().map_or(0, |request| request.bytes().len());
        bytes <= request || cx.has_room(self.sender, self.arrival, bytes - request)
    }

    /// A response to the CANCEL of a branch.
    pub(crate) fn cancel_response(&mut self, cx: &mut Cx, index: usize, status: u16) {
        if let Some(branch) = self.branches.get_mut(index) {
            branch.cancel_heard(cx, status);
        }
    }

    /// The caller's CANCEL (RFC 3261 §16.10). The final response follows when the branches have ended.
    pub(crate) fn cancel(&mut self, cx: &mut Cx) {
        if self.waits.take().is_some() {
            self.answer(cx, &Answer::new(487));
        } else if self.invite && self.server.is_open() {
            self.cancel_branches(cx);
            self.settle(cx);
        }
    }

    fn cancel_branches(&mut self, cx: &mut Cx) {
        if !self.invite {
            return;
        }
        for branch in &mut self.branches {
            branch.cancel(cx, Reason::Given);
        }
    }

    /// The flow or the binding by which an end was reached is gone.
    pub(crate) fn cut(&mut self, cx: &mut Cx) {
        if self.origin.binding.is_none() && cx.reach(self.origin).is_none() {
            return self.abandon(cx);
        }
        let at = cx.now + cx.config.flow_grace;
        for branch in &mut self.branches {
            if cx.reach(branch.end).is_none() {
                branch.cut(at);
            }
        }
        self.settle(cx);
    }

    /// The sender is gone and cannot be found again: nothing rings for it any longer.
    fn abandon(&mut self, cx: &mut Cx) {
        self.waits = None;
        self.request = None;
        self.cancel_branches(cx);
        for branch in self.branches.iter_mut().filter(|_| !self.invite) {
            branch.give_up(408);
        }
        self.server.abandon();
    }

    /// A binding is reached over another flow now: what it may have missed is sent again.
    pub(crate) fn resume(&mut self, cx: &mut Cx, binding: BindingId) {
        for branch in &mut self.branches {
            if branch.end.binding == Some(binding) {
                branch.resume(cx);
            }
        }
        if self.origin.binding == Some(binding) {
            self.origin = cx.settled(self.origin);
            self.repeated(cx);
        }
    }

    pub(crate) fn fire(&mut self, cx: &mut Cx) {
        if let Some(response) = self.server.fire(cx.now) {
            cx.respond(self.origin, response);
        }
        for branch in &mut self.branches {
            branch.fire(cx);
        }
        if self.waits.take_if(|at| *at <= cx.now).is_some() {
            self.answer(cx, &Answer::new(480));
        }
        self.settle(cx);
    }

    /// Chooses and sends the final response when every branch has ended without one being forwarded (steps 6 to 9).
    fn settle(&mut self, cx: &mut Cx) {
        if !self.server.is_open() || self.branches.is_empty() || self.branches.iter().any(Branch::is_pending)
        {
            return;
        }
        let outcomes = || self.branches.iter().filter_map(|branch| branch.outcome.as_ref());
        let Some(best) = super::best::best(outcomes()).and_then(|index| outcomes().nth(index)) else {
            return;
        };
        let status = match best.status {
            // Step 6: a 503 is about one phone, not about us.
            503 => 500,
            status => status,
        };
        if !self.invite && status == 408 && best.response.is_none() {
            // RFC 4320 §4.2: whoever sent it has given up at this very moment.
            self.server.abandon();
            self.request = None;
            return self.tell_log(cx, status);
        }
        let response = match (&best.response, status == best.status) {
            (Some(response), true) => {
                aggregate(response, outcomes().filter_map(|other| other.response.as_ref()))
            }
            _ => {
                let Some(request) = &self.request else { return };
                Answer::new(status).to(&cx.seal, request)
            }
        };
        self.finish(cx, status, response);
    }

    /// Sends a final response if none was sent, and ends what still rings.
    fn finish(&mut self, cx: &mut Cx, status: u16, response: Bytes) -> bool {
        // A 2xx to an INVITE is not kept in any case.
        let keep = self.invite && (200..=299).contains(&status) || self.may_keep(cx, response.len());
        if !self.server.finish(cx.now, status, &response) {
            return false;
        }
        if !keep {
            self.server.abandon();
        }
        self.request = None;
        cx.respond(self.origin, response);
        self.cancel_branches(cx);
        self.tell_log(cx, status);
        for branch in &mut self.branches {
            if let Some(outcome) = &mut branch.outcome {
                outcome.response = None;
            }
        }
        true
    }

    fn tell_log(&self, cx: &mut Cx, status: u16) {
        if let Some(call) = &self.call {
            call.finished(cx, status);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let branches = self.branches.iter().filter_map(Branch::deadline);
        branches.chain(self.server.deadline()).chain(self.waits).min()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.server.is_over() && self.branches.iter().all(Branch::is_over)
    }
}

/// What a message takes in memory: its bytes and its table.
fn size_of_message(message: &Message) -> usize {
    message.bytes().len() + 24 * message.headers().count()
}

/// Step 3. What a phone says of its identity is no more to be trusted in a response than in a request (RFC 3325 §5).
pub(super) fn strip_via(response: &Message) -> Bytes {
    let mut editor = Editor::new(response);
    editor.remove_first_value(HeaderName::Via);
    forward::strip_identity(&mut editor);
    editor.finish()
}

/// Step 7: a 401 or 407 carries the challenges of all others too.
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
