//! One branch of a forwarded request: its client transaction, its cancellation, and how it ended.

use bytes::Bytes;
use offhook_wire::{Instant, Message};

use super::delivered::Delivered;
use super::forward;
use crate::budget::BRANCH;
use crate::cx::Cx;
use crate::token::End;
use crate::transaction::{Client, Fired, TIMEOUT};

/// One branch (RFC 3261 §16.6).
pub(super) struct Branch {
    pub(super) end: End,
    /// Our branch parameter.
    pub(super) token: String,
    pub(super) client: Client,
    reliable: bool,
    cancel: Cancel,
    /// The callee's connection is gone and has not come back yet.
    cut: bool,
    /// The connections that took the request.
    delivered: Delivered,
    pub(super) outcome: Option<Outcome>,
}

/// A final response, or what stands for one (RFC 3261 §16.7 step 4).
pub(super) struct Outcome {
    pub(super) status: u16,
    /// The response without our Via; none if the branch ended without one.
    pub(super) response: Option<Message>,
}

enum Cancel {
    /// Not asked for.
    No,
    /// Asked for; waits for a provisional response (RFC 3261 §9.1).
    Wanted(Reason),
    /// Sent, over these connections.
    Sent(Reason, Client, Delivered),
}

/// Why a branch is cancelled, which decides what its 487 means.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The caller gave up, or another branch won.
    Given,
    /// Timer C.
    Silence,
}

impl Branch {
    /// A branch whose request was sent to where the end is reached now.
    pub(super) fn new(cx: &Cx, end: End, token: String, client: Client, reliable: bool) -> Self {
        let end = cx.settled(end);
        let mut delivered = Delivered::default();
        delivered.note(cx, end.flow);
        Self { end, token, client, reliable, cancel: Cancel::No, cut: false, delivered, outcome: None }
    }

    /// A branch inside a dialog whose callee is away for the moment: it waits for it until `at`, before anything is sent.
    pub(super) fn waiting(end: End, token: String, client: Client, at: Instant) -> Self {
        let (cancel, delivered) = (Cancel::No, Delivered::default());
        let mut branch =
            Self { end, token, client, reliable: true, cancel, cut: false, delivered, outcome: None };
        branch.cut(at);
        branch
    }

    /// A branch that could not even begin.
    pub(super) fn failed(end: End, status: u16) -> Self {
        let client = Client::over();
        let outcome = Some(Outcome { status, response: None });
        Self {
            end,
            token: String::new(),
            client,
            reliable: true,
            cancel: Cancel::No,
            cut: false,
            delivered: Delivered::default(),
            outcome,
        }
    }

    /// Whether it is still waited for.
    pub(super) fn is_pending(&self) -> bool {
        self.outcome.is_none()
    }

    /// Asks the callee to stop, as soon as that is allowed (RFC 3261 §9.1, §16.7 step 10).
    pub(super) fn cancel(&mut self, cx: &mut Cx, reason: Reason) {
        if !self.is_pending() || !matches!(self.cancel, Cancel::No) {
            return;
        }
        self.cancel = Cancel::Wanted(reason);
        if self.cut {
            // Nobody is there to be told.
            self.give_up(487);
        } else if self.client.is_proceeding() {
            self.send_cancel(cx);
        }
    }

    /// A provisional response came; a CANCEL that waited for it can go.
    pub(super) fn provisional(&mut self, cx: &mut Cx) {
        if matches!(self.cancel, Cancel::Wanted(_)) {
            self.send_cancel(cx);
        }
    }

    fn send_cancel(&mut self, cx: &mut Cx) {
        let Cancel::Wanted(reason) = self.cancel else { return };
        let Some(cancel) = self.client.pending().and_then(forward::cancel) else { return };
        let mut delivered = Delivered::default();
        delivered.send(cx, self.end, &cancel);
        self.cancel = Cancel::Sent(reason, Client::new(cx.now, false, self.reliable, cancel), delivered);
        // RFC 3261 §9.1: 64*T1 after that, the branch counts as cancelled whatever is heard.
        self.client.wait_until(cx.now + TIMEOUT);
    }

    /// The CANCEL was answered.
    pub(super) fn cancel_heard(&mut self, cx: &Cx, status: u16) {
        if let Cancel::Sent(_, client, _) = &mut self.cancel {
            client.hear(cx.now, status, TIMEOUT, |_| None);
        }
    }

    /// Records the final response, or what stands for it.
    pub(super) fn end(&mut self, status: u16, response: Option<Message>) {
        let silence =
            matches!(self.cancel, Cancel::Wanted(Reason::Silence) | Cancel::Sent(Reason::Silence, ..));
        self.outcome = Some(match (silence, status) {
            // Nobody cancelled but timer C: to the caller this is silence (RFC 3261 §16.8).
            (true, 487) => Outcome { status: 408, response: None },
            _ => Outcome { status, response },
        });
    }

    /// How many bytes this keeps.
    pub(super) fn bytes(&self) -> usize {
        let cancel = match &self.cancel {
            Cancel::Sent(_, client, _) => client.bytes(),
            Cancel::No | Cancel::Wanted(_) => 0,
        };
        let outcome = self.outcome.as_ref().and_then(|outcome| outcome.response.as_ref());
        let outcome = outcome.map_or(0, |response| response.bytes().len());
        BRANCH + self.token.len() + self.client.bytes() + cancel + outcome
    }

    pub(super) fn give_up(&mut self, status: u16) {
        self.client.abandon();
        self.end(status, None);
    }

    /// The callee's connection is gone: what is pending waits for it until `at`.
    pub(super) fn cut(&mut self, at: Instant) {
        if !self.is_pending() {
            return;
        }
        self.cut = true;
        if matches!(self.cancel, Cancel::No) {
            self.client.wait_until(at);
        } else {
            self.give_up(487);
        }
    }

    /// The callee registered, perhaps over another flow: it may never have seen the request, or its answer was lost, so the request
    /// is sent again. The callee knows it by its branch.
    pub(super) fn resume(&mut self, cx: &mut Cx) {
        if !self.is_pending() {
            return;
        }
        self.end = cx.settled(self.end);
        if self.cut {
            self.cut = false;
            let transport = cx.reach(self.end).and_then(|flow| cx.transport(flow));
            self.reliable = transport.is_none_or(|transport| transport.is_reliable());
            self.client.renew(cx.now, cx.config.timer_c, self.reliable);
        }
        if let Some(request) = self.client.pending() {
            self.delivered.send(cx, self.end, request);
        }
        if let Cancel::Sent(_, client, delivered) = &mut self.cancel
            && let Some(cancel) = client.pending()
        {
            delivered.send(cx, self.end, cancel);
        }
    }

    pub(super) fn fire(&mut self, cx: &mut Cx) {
        match self.client.fire(cx.now) {
            Fired::Nothing => {}
            Fired::Resend(request) => {
                cx.send_to(self.end, request);
            }
            Fired::TimedOut { heard } => self.timed_out(cx, heard),
        }
        if let Cancel::Sent(_, client, _) = &mut self.cancel {
            match client.fire(cx.now) {
                Fired::Nothing => {}
                Fired::Resend(cancel) => {
                    cx.send_to(self.end, cancel);
                }
                Fired::TimedOut { .. } => client.abandon(),
            }
        }
    }

    fn timed_out(&mut self, cx: &mut Cx, heard: bool) {
        match &self.cancel {
            // RFC 3261 §16.8: timer C. The callee is told to stop and gets 64*T1 to obey.
            Cancel::No if heard && self.client.is_invite() && !self.cut => self.cancel(cx, Reason::Silence),
            Cancel::No if self.cut => self.give_up(480),
            Cancel::No => self.give_up(408),
            Cancel::Wanted(_) | Cancel::Sent(..) => self.give_up(487),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let cancel = match &self.cancel {
            Cancel::Sent(_, client, _) => client.deadline(),
            Cancel::No | Cancel::Wanted(_) => None,
        };
        [self.client.deadline(), cancel].into_iter().flatten().min()
    }

    pub(super) fn is_over(&self) -> bool {
        let cancelled = match &self.cancel {
            Cancel::Sent(_, client, _) => client.is_over(),
            Cancel::No | Cancel::Wanted(_) => true,
        };
        self.client.is_over() && cancelled
    }

    /// The ACK for a refusal from this branch.
    pub(super) fn ack(response: &Message) -> impl FnOnce(&Bytes) -> Option<Bytes> {
        move |sent| forward::ack(sent, response)
    }
}
