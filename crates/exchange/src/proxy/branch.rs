//! One branch of a forwarded request: its client transaction, its cancellation and its outcome.

use bytes::Bytes;
use offhook_wire::{Instant, Message};

use super::delivered::Delivered;
use super::forward;
use crate::budget::BRANCH;
use crate::cx::Cx;
use crate::token::End;
use crate::transaction::{Client, TIMEOUT, TimerOutcome};

/// One branch (RFC 3261 §16.6).
pub(super) struct Branch {
    pub(super) end: End,
    /// The branch parameter.
    pub(super) token: String,
    pub(super) client: Client,
    reliable: bool,
    cancel: Cancel,
    /// The callee's connection was lost, and the callee has not registered again.
    disconnected: bool,
    /// The connections over which the request was sent.
    delivered: Delivered,
    pub(super) outcome: Option<Outcome>,
}

/// A final response, or a status in place of one (RFC 3261 §16.7 step 4).
pub(super) struct Outcome {
    pub(super) status: u16,
    /// The response without the top Via; none if the branch ended without one.
    pub(super) response: Option<Message>,
}

enum Cancel {
    /// Not requested.
    None,
    /// Requested; waits for a provisional response (RFC 3261 §9.1).
    Pending(CancelReason),
    /// Sent, over these connections.
    Sent(CancelReason, Client, Delivered),
}

/// Why a branch is cancelled, which determines the meaning of its 487.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum CancelReason {
    /// The caller cancelled, or another branch has answered.
    Requested,
    /// Timer C.
    TimerC,
}

impl Branch {
    /// A branch whose request was sent over the present flow of its end.
    pub(super) fn new(cx: &Cx, end: End, token: String, client: Client, reliable: bool) -> Self {
        let end = cx.relocated(end);
        let mut delivered = Delivered::default();
        delivered.record(cx, end.flow);
        Self {
            end,
            token,
            client,
            reliable,
            cancel: Cancel::None,
            disconnected: false,
            delivered,
            outcome: None,
        }
    }

    /// A branch inside a dialog whose callee is not registered: it waits until `at` before anything is sent.
    pub(super) fn waiting(end: End, token: String, client: Client, at: Instant) -> Self {
        let (cancel, delivered) = (Cancel::None, Delivered::default());
        let mut branch = Self {
            end,
            token,
            client,
            reliable: true,
            cancel,
            disconnected: false,
            delivered,
            outcome: None,
        };
        branch.disconnect(at);
        branch
    }

    /// A branch that failed before a request was sent.
    pub(super) fn failed(end: End, status: u16) -> Self {
        let client = Client::terminated();
        let outcome = Some(Outcome { status, response: None });
        Self {
            end,
            token: String::new(),
            client,
            reliable: true,
            cancel: Cancel::None,
            disconnected: false,
            delivered: Delivered::default(),
            outcome,
        }
    }

    /// Whether there is no outcome yet.
    pub(super) fn is_pending(&self) -> bool {
        self.outcome.is_none()
    }

    /// Sends a CANCEL as soon as this is allowed (RFC 3261 §9.1, §16.7 step 10).
    pub(super) fn cancel(&mut self, cx: &mut Cx, reason: CancelReason) {
        if !self.is_pending() || !matches!(self.cancel, Cancel::None) {
            return;
        }
        self.cancel = Cancel::Pending(reason);
        if self.disconnected {
            // There is no connection for a CANCEL.
            self.fail(487);
        } else if self.client.is_proceeding() {
            self.send_cancel(cx);
        }
    }

    /// Handles a provisional response: sends a pending CANCEL.
    pub(super) fn on_provisional(&mut self, cx: &mut Cx) {
        if matches!(self.cancel, Cancel::Pending(_)) {
            self.send_cancel(cx);
        }
    }

    fn send_cancel(&mut self, cx: &mut Cx) {
        let Cancel::Pending(reason) = self.cancel else { return };
        let Some(cancel) = self.client.pending().and_then(forward::cancel) else { return };
        let mut delivered = Delivered::default();
        delivered.send(cx, self.end, &cancel);
        self.cancel = Cancel::Sent(reason, Client::new(cx.now, false, self.reliable, cancel), delivered);
        // RFC 3261 §9.1: 64*T1 later the branch counts as cancelled without a final response.
        self.client.set_timeout(cx.now + TIMEOUT);
    }

    /// Handles the response to the CANCEL.
    pub(super) fn on_cancel_response(&mut self, cx: &Cx, status: u16) {
        if let Cancel::Sent(_, client, _) = &mut self.cancel {
            client.on_response(cx.now, status, TIMEOUT, |_| None);
        }
    }

    /// Records the final response, or a status in place of one.
    pub(super) fn record_final(&mut self, status: u16, response: Option<Message>) {
        let timer_c = matches!(
            self.cancel,
            Cancel::Pending(CancelReason::TimerC) | Cancel::Sent(CancelReason::TimerC, ..)
        );
        self.outcome = Some(match (timer_c, status) {
            // Only timer C cancelled the branch: to the caller this is a timeout (RFC 3261 §16.8).
            (true, 487) => Outcome { status: 408, response: None },
            _ => Outcome { status, response },
        });
    }

    /// The bytes kept.
    pub(super) fn bytes(&self) -> usize {
        let cancel = match &self.cancel {
            Cancel::Sent(_, client, _) => client.bytes(),
            Cancel::None | Cancel::Pending(_) => 0,
        };
        let outcome = self.outcome.as_ref().and_then(|outcome| outcome.response.as_ref());
        let outcome = outcome.map_or(0, |response| response.bytes().len());
        BRANCH + self.token.len() + self.client.bytes() + cancel + outcome
    }

    /// Ends the branch without a response.
    pub(super) fn fail(&mut self, status: u16) {
        self.client.terminate();
        self.record_final(status, None);
    }

    /// The callee's connection was lost: a pending request waits until `at`.
    pub(super) fn disconnect(&mut self, at: Instant) {
        if !self.is_pending() {
            return;
        }
        self.disconnected = true;
        if matches!(self.cancel, Cancel::None) {
            self.client.set_timeout(at);
        } else {
            self.fail(487);
        }
    }

    /// The callee registered, perhaps over another flow. The request or its response may have been lost, so the request is sent again; the
    /// callee recognizes a retransmission by its branch.
    pub(super) fn resume(&mut self, cx: &mut Cx) {
        if !self.is_pending() {
            return;
        }
        self.end = cx.relocated(self.end);
        if self.disconnected {
            self.disconnected = false;
            let transport = cx.reach(self.end).and_then(|flow| cx.transport(flow));
            self.reliable = transport.is_none_or(|transport| transport.is_reliable());
            self.client.restart_timers(cx.now, cx.config.timer_c, self.reliable);
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
            TimerOutcome::Nothing => {}
            TimerOutcome::Retransmit(request) => {
                cx.send_to(self.end, request);
            }
            TimerOutcome::TimedOut { provisional } => self.timed_out(cx, provisional),
        }
        if let Cancel::Sent(_, client, _) = &mut self.cancel {
            match client.fire(cx.now) {
                TimerOutcome::Nothing => {}
                TimerOutcome::Retransmit(cancel) => {
                    cx.send_to(self.end, cancel);
                }
                TimerOutcome::TimedOut { .. } => client.terminate(),
            }
        }
    }

    fn timed_out(&mut self, cx: &mut Cx, provisional: bool) {
        match &self.cancel {
            // RFC 3261 §16.8: timer C. The callee gets a CANCEL and has 64*T1 to respond.
            Cancel::None if provisional && self.client.is_invite() && !self.disconnected => {
                self.cancel(cx, CancelReason::TimerC)
            }
            Cancel::None if self.disconnected => self.fail(480),
            Cancel::None => self.fail(408),
            Cancel::Pending(_) | Cancel::Sent(..) => self.fail(487),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let cancel = match &self.cancel {
            Cancel::Sent(_, client, _) => client.deadline(),
            Cancel::None | Cancel::Pending(_) => None,
        };
        [self.client.deadline(), cancel].into_iter().flatten().min()
    }

    pub(super) fn is_terminated(&self) -> bool {
        let cancelled = match &self.cancel {
            Cancel::Sent(_, client, _) => client.is_terminated(),
            Cancel::None | Cancel::Pending(_) => true,
        };
        self.client.is_terminated() && cancelled
    }

    /// Builds the ACK for a refusal from the request as sent.
    pub(super) fn ack(response: &Message) -> impl FnOnce(&Bytes) -> Option<Bytes> {
        move |sent| forward::ack(sent, response)
    }
}
