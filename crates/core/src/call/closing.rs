//! Ending a call in every state (RFC 3261 §15).

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::dtmf;
use super::leg::ONLY;
use super::machine::{Phase, Trigger};
use super::session::Session;
use super::states::State;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner, SessionTimer};
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::{ServerTx, TxFailed, TxFailure};
use crate::{CallEvent, Cause, DigitFailure, EndReason, EndedBy};
use offhook_wire::{Message, Method};

impl Session {
    /// Ends the call: CANCEL, BYE or a refusal, depending on the state.
    pub(crate) fn hang_up(&mut self, cx: &mut CallCx<'_, '_>) {
        match self.phase() {
            Phase::Checking => {
                let why = EndReason::new(EndedBy::Us, Cause::Rejected, Some(480), "not available");
                self.refuse(cx, Trigger::HangUp, 480, why);
            }
            Phase::Ringing | Phase::Answering => {
                let why = EndReason::new(EndedBy::Us, Cause::Rejected, Some(603), "declined");
                self.refuse(cx, Trigger::Refused, 603, why);
            }
            Phase::Offering | Phase::Calling | Phase::Challenged => {
                let why = EndReason::new(EndedBy::Us, Cause::Cancelled, None, "given up before the answer");
                self.hang_up_with(cx, Trigger::HangUp, why);
            }
            _ => self.hang_up_with(
                cx,
                Trigger::HangUp,
                EndReason::new(EndedBy::Us, Cause::HungUp, None, "hung up"),
            ),
        }
    }

    /// Ends the call with this reason, as its state requires.
    pub(super) fn hang_up_with(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        match self.phase() {
            Phase::Offering => self.end(cx, trigger, why),
            Phase::Calling => self.cancel(cx, trigger, why),
            Phase::Challenged => {
                // The INVITE has its final response already: there is nothing to cancel.
                cx.account.credentials_not_needed(Owner::Session(self.id));
                self.end(cx, trigger, why);
            }
            Phase::AwaitingAck if planted!(cx.base.config, ByeBeforeAck) => {
                self.terminate(cx, Trigger::Timeout, why)
            }
            Phase::AwaitingAck if planted!(cx.base.config, HangUpForgotten) => {}
            Phase::AwaitingAck => {
                // A callee must not send BYE before the ACK (§15).
                self.cancel_timer(cx.base, SessionTimer::MediaPath);
                self.transition(cx.base, trigger, |state| match state {
                    State::AwaitingAck(established) => State::HangUpAfterAck(established, why),
                    other => other,
                });
            }
            Phase::Established => {
                self.reject_undecided(cx);
                self.terminate(cx, trigger, why);
            }
            // Refused by `refuse`, or ending already.
            _ => {}
        }
    }

    pub(super) fn no_answer_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        if planted!(cx.base.config, RingsForEver) {
            return;
        }
        let why = |code| EndReason::new(EndedBy::Us, Cause::NoAnswer, Some(code), "nobody answered in time");
        let no_media = |code, text| EndReason::new(EndedBy::Us, Cause::MediaFailed, code, text);
        match self.phase() {
            Phase::Ringing => self.refuse(cx, Trigger::Timeout, 480, why(480)),
            Phase::Calling | Phase::Challenged => self.hang_up_with(cx, Trigger::Timeout, why(408)),
            Phase::Offering => {
                self.hang_up_with(cx, Trigger::NoMedia, no_media(None, "no offer was made in time"));
            }
            Phase::Answering => {
                let why = no_media(Some(500), "no answer was made in time");
                self.refuse(cx, Trigger::NoMedia, 500, why);
            }
            _ => {}
        }
    }

    pub(super) fn media_failed(&mut self, cx: &mut CallCx<'_, '_>, text: &str) {
        let why = EndReason::new(EndedBy::Network, Cause::MediaFailed, None, text);
        match self.phase() {
            Phase::AwaitingAck | Phase::Established => self.hang_up_with(cx, Trigger::NoMedia, why),
            _ => {}
        }
    }

    /// Ends a call that has a dialog, with a BYE.
    pub(super) fn terminate(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        if let State::AwaitingAck(_) | State::HangUpAfterAck(..) | State::Established(_) = &self.state {
            self.terminate_dialog(cx, trigger, why);
        }
    }

    pub(super) fn terminate_dialog(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        self.settle_outstanding(cx, why.cause);
        self.transition(cx.base, trigger, |state| match state {
            State::AwaitingAck(e) | State::HangUpAfterAck(e, _) | State::Established(e) => {
                State::Terminating(e, why)
            }
            other => other,
        });
        self.begin_terminating(cx);
    }

    /// Sends the BYE, or waits for a connection.
    pub(super) fn begin_terminating(&mut self, cx: &mut CallCx<'_, '_>) {
        self.cancel_timers(cx);
        self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Terminating);
        self.send_bye(cx);
        if planted!(cx.base.config, RequestAfterBye) {
            let info = DialogRequest::Info { digit: '0', duration: dtmf::SHORTEST };
            self.send_request(cx, ONLY, info);
        }
    }

    /// Sends the BYE, unless it is pending already or there is no connection.
    pub(super) fn send_bye(&mut self, cx: &mut CallCx<'_, '_>) {
        if matches!(&self.state, State::Terminating(e, _) if e.leg.pending.is_empty()) {
            let sent = self.send_request(cx, ONLY, DialogRequest::Bye);
            if !sent {
                cx.mark(Mark::ByeWaits);
            }
        }
    }

    pub(super) fn terminating_response(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ClientTx,
        code: u16,
        message: &Message,
    ) {
        self.dialog_response(cx, tx, code, message);
        self.end_if_answered(cx, code >= 200);
    }

    pub(super) fn terminating_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        self.dialog_failed(cx, failed);
        self.end_if_answered(cx, failed.why == TxFailure::TimedOut);
    }

    fn end_if_answered(&mut self, cx: &mut CallCx<'_, '_>, answered: bool) {
        if let State::Terminating(e, why) = &self.state
            && answered
            && e.leg.pending.is_empty()
        {
            let why = why.clone();
            self.end(cx, Trigger::Closed, why);
        }
    }

    pub(super) fn bye_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        if planted!(cx.base.config, ClosingNeverEnds) {
            return;
        }
        let State::Terminating(_, why) = &self.state else { return };
        let why = why.clone();
        self.end(cx, Trigger::Timeout, why);
    }

    /// A request of the peer while our BYE is pending: its BYE, or another one.
    pub(super) fn terminating_request(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        if request.method() != Some(Method::Bye) {
            return respond::answer(cx.base, cx.txs, tx, request, 481);
        }
        cx.mark(Mark::ByesCross);
        respond::answer(cx.base, cx.txs, tx, request, 200);
        let State::Terminating(_, why) = &self.state else { return };
        let why = why.clone();
        self.end(cx, Trigger::Bye, why);
    }

    /// Answers pending requests of the peer and reports pending commands of the user.
    pub(super) fn settle_outstanding(&mut self, cx: &mut CallCx<'_, '_>, cause: Cause) {
        self.close_offer(cx);
        let Some(leg) = self.only_leg() else { return };
        let why = DigitFailure::Ended;
        for pending in std::mem::take(&mut leg.pending) {
            if let DialogRequest::Invite { .. } = pending.request {
                // After a 1xx it has no time-out (§17.1.1.2), and a 2xx still needs its ACK.
                cx.txs.cancel(cx.base, pending.tx);
                continue;
            }
            cx.txs.detach_owner(pending.tx);
            match pending.request {
                DialogRequest::Info { digit, .. } => {
                    self.digit_failed(cx, digit, why);
                }
                DialogRequest::AppInfo(info) if !planted!(cx.base.config, InfoOutcomeForgotten) => {
                    self.info_outcome(cx, info.number, None);
                }
                _ => {}
            }
        }
        let Some(established) = self.established_mut() else { return };
        let digits = established.digits.take().filter(|_| !planted!(cx.base.config, DigitsForgotten));
        for digit in digits.into_iter().flat_map(|digits| digits.into_waiting()) {
            cx.mark(Mark::DigitsLeft);
            self.digit_failed(cx, digit, why);
        }
        self.settle_transfer(cx, cause);
        let Some(established) = self.established_mut() else { return };
        established.referral = None;
        established.unacked = None;
        let holds = established.holds;
        let agreed = established.leg.agreed.map(|agreed| agreed.types);
        let hold = self.intent.hold;
        let restart = std::mem::take(&mut self.intent.restart);
        if hold != holds {
            self.hold_failed(cx, hold, None);
        }
        if std::mem::take(&mut self.intent.types_pending) && agreed != Some(self.intent.types) {
            cx.base.out.call_event(self.id, CallEvent::MediaTypesFailed { code: None });
        }
        if restart {
            let event = CallEvent::MediaRestarted { accepted: false, code: None };
            cx.base.out.call_event(self.id, event);
        }
    }

    fn cancel_timers(&mut self, cx: &mut CallCx<'_, '_>) {
        if planted!(cx.base.config, AlarmLeaked) {
            return;
        }
        for timer in self.timers.iter_mut().filter_map(Option::take) {
            cx.base.timers.cancel(timer);
        }
    }

    /// The end of the call: the status, the release of the media, and the one `Ended`, in this order.
    pub(super) fn end(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        let is_known = self.before_end(cx, &why);
        self.transition(cx.base, trigger, |_| State::Ended);
        if is_known {
            self.after_end(cx, why);
        }
    }

    /// Returns whether the user knows the call, so that its end is reported.
    pub(super) fn before_end(&mut self, cx: &mut CallCx<'_, '_>, why: &EndReason) -> bool {
        self.cancel_timers(cx);
        self.report(cx, why.code.filter(|code| *code >= 300).unwrap_or(487));
        self.phase() != Phase::Checking
    }

    pub(super) fn after_end(&mut self, cx: &mut CallCx<'_, '_>, why: EndReason) {
        if !planted!(cx.base.config, MediaLeaked) {
            self.release_media(cx.base, None);
        }
        if planted!(cx.base.config, EndedTwice) {
            cx.base.out.call_event(self.id, CallEvent::Ended(why.clone()));
        }
        cx.base.out.call_event(self.id, CallEvent::Ended(why));
    }
}

/// Commands of the user that [`Phone`](crate::Phone) has checked.
impl Session {
    pub(crate) fn reject(&mut self, cx: &mut CallCx<'_, '_>, code: u16) {
        let cause = if matches!(code, 486 | 600) { Cause::Busy } else { Cause::Rejected };
        let why = EndReason::new(EndedBy::Us, cause, Some(code), offhook_wire::reason_phrase(code));
        self.refuse(cx, Trigger::Refused, code, why);
    }

    pub(crate) fn is_ringing(&self) -> bool {
        self.phase() == Phase::Ringing
    }

    pub(crate) fn is_transferring(&mut self) -> bool {
        self.established_mut().is_some_and(|e| e.transfer.is_some())
    }
}
