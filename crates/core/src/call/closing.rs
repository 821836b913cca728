//! Hanging up in every state, and the end (RFC 3261 §15).

use super::cx::Env;
use super::dialog_request::Ask;
use super::dtmf;
use super::established::{Change, Established};
use super::machine::{Phase, Step};
use super::session::Session;
use super::states::State;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, SessionTimer};
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::{ServerTx, TxFailed, TxFailure};
use crate::{Cause, DigitFailure, Effect, EndReason, EndedBy, Event, TransferState};
use bytes::Bytes;
use offhook_wire::{Message, Method};

impl Session {
    /// The user hangs up.
    pub(super) fn hang_up(&mut self, env: &mut Env<'_, '_>) {
        match self.phase {
            Phase::Ringing | Phase::Answering => {
                let why = EndReason::new(EndedBy::Us, Cause::Rejected, Some(603), "declined");
                self.refuse(env, Step::Refused, 603, why);
            }
            Phase::Offering | Phase::Calling => {
                let why = EndReason::new(EndedBy::Us, Cause::Cancelled, None, "given up before the answer");
                self.hang_up_because(env, Step::HangUp, why);
            }
            _ => self.hang_up_because(
                env,
                Step::HangUp,
                EndReason::new(EndedBy::Us, Cause::HungUp, None, "hung up"),
            ),
        }
    }

    /// Ends a call in whatever way its state asks for.
    pub(super) fn hang_up_because(&mut self, env: &mut Env<'_, '_>, step: Step, why: EndReason) {
        match self.phase {
            Phase::Offering => {
                self.take();
                self.end(env, step, why);
            }
            Phase::Calling => self.cancel(env, step, why),
            Phase::Confirming if planted!(env.cx.config, ByeBeforeAck) => self.close(env, Step::Timeout, why),
            Phase::Confirming if planted!(env.cx.config, HangUpForgotten) => {}
            Phase::Confirming => {
                // A callee's BYE waits for the ACK (§15).
                let State::Confirming(established) = self.take() else { unreachable!() };
                self.silence(env.cx, SessionTimer::MediaPath);
                self.advance(env.cx, step, Phase::Leaving, State::Leaving(established, why));
            }
            Phase::Established => self.close(env, step, why),
            // Refused by `refuse`, or on its way out already.
            _ => {}
        }
    }

    pub(super) fn nobody_answers(&mut self, env: &mut Env<'_, '_>) {
        if planted!(env.cx.config, RingsForEver) {
            return;
        }
        let why = |code| EndReason::new(EndedBy::Us, Cause::NoAnswer, Some(code), "nobody answered in time");
        let no_media = |code, text| EndReason::new(EndedBy::Us, Cause::MediaFailed, code, text);
        match self.phase {
            Phase::Ringing => self.refuse(env, Step::Timeout, 480, why(480)),
            Phase::Calling => self.hang_up_because(env, Step::Timeout, why(408)),
            Phase::Offering => {
                self.hang_up_because(env, Step::NoMedia, no_media(None, "no offer was made in time"));
            }
            Phase::Answering => {
                let why = no_media(Some(500), "no answer was made in time");
                self.refuse(env, Step::NoMedia, 500, why);
            }
            _ => {}
        }
    }

    pub(super) fn media_failed(&mut self, env: &mut Env<'_, '_>, text: &str) {
        let why = EndReason::new(EndedBy::Network, Cause::MediaFailed, None, text);
        match self.phase {
            Phase::Confirming | Phase::Established => self.hang_up_because(env, Step::NoMedia, why),
            _ => {}
        }
    }

    /// Sends the BYE of a call that has a dialog.
    pub(super) fn close(&mut self, env: &mut Env<'_, '_>, step: Step, why: EndReason) {
        match self.take() {
            State::Confirming(established) | State::Established(established) => {
                self.close_dialog(env, established, step, why);
            }
            other => self.state = other,
        }
    }

    pub(super) fn close_dialog(
        &mut self,
        env: &mut Env<'_, '_>,
        mut established: Established,
        step: Step,
        why: EndReason,
    ) {
        self.wind_up(env, &mut established, why.cause);
        self.quiet(env);
        self.advance(env.cx, step, Phase::Closing, State::Closing(established, why));
        self.alarm(env.cx, env.cx.config.times.t1 * 64, SessionTimer::Closing);
        self.closing_retry(env);
        if planted!(env.cx.config, RequestAfterBye) {
            self.ask(env, Ask::Info { digit: '0', duration: dtmf::SHORTEST });
        }
    }

    /// Sends the BYE, unless it is out already or there is no connection.
    pub(super) fn closing_retry(&mut self, env: &mut Env<'_, '_>) {
        if matches!(&self.state, State::Closing(e, _) if e.pending.is_empty()) {
            let sent = self.ask(env, Ask::Bye);
            if !sent {
                env.mark(Mark::ByeWaits);
            }
        }
    }

    pub(super) fn closing_response(
        &mut self,
        env: &mut Env<'_, '_>,
        tx: ClientTx,
        code: u16,
        message: &Message,
    ) {
        self.dialog_response(env, tx, code, message);
        self.closed_if_answered(env, code >= 200);
    }

    pub(super) fn closing_failed(&mut self, env: &mut Env<'_, '_>, failed: &TxFailed) {
        self.dialog_failed(env, failed);
        self.closed_if_answered(env, failed.why == TxFailure::TimedOut);
    }

    fn closed_if_answered(&mut self, env: &mut Env<'_, '_>, answered: bool) {
        if answered && matches!(&self.state, State::Closing(e, _) if e.pending.is_empty()) {
            let State::Closing(_, why) = self.take() else { unreachable!() };
            self.end(env, Step::Closed, why);
        }
    }

    pub(super) fn closing_timeout(&mut self, env: &mut Env<'_, '_>) {
        if planted!(env.cx.config, ClosingNeverEnds) {
            return;
        }
        let State::Closing(_, why) = self.take() else { return };
        self.end(env, Step::Timeout, why);
    }

    /// Both ends hung up at once, or the peer has something else to say to a call that is over.
    pub(super) fn closing_request(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        if request.method() != Some(Method::Bye) {
            return respond::answer(env.cx, env.txs, tx, request, 481);
        }
        env.mark(Mark::ByesCross);
        respond::answer(env.cx, env.txs, tx, request, 200);
        let State::Closing(_, why) = self.take() else { return };
        self.end(env, Step::Bye, why);
    }

    /// Answers and reports everything that the end of the call leaves open.
    pub(super) fn wind_up(&mut self, env: &mut Env<'_, '_>, established: &mut Established, cause: Cause) {
        match std::mem::replace(&mut established.change, Change::Settled) {
            Change::Answering { tx, request, .. } | Change::Proposing { tx, request, .. } => {
                respond::answer(env.cx, env.txs, tx, &request, 487);
            }
            _ => {}
        }
        let session = self.id;
        let why = DigitFailure::Ended;
        for pending in established.pending.drain(..) {
            if let Ask::Invite { .. } = pending.ask {
                // Nothing else ends it once it was answered with 1xx (§17.1.1.2); a 2xx still wants its ACK.
                env.txs.cancel(env.cx, pending.tx);
                continue;
            }
            env.txs.disown(pending.tx);
            if let Ask::Info { digit, .. } = pending.ask {
                env.cx.out.event(Event::DigitFailed { session, digit, why });
            }
        }
        let waiting = established.digits.take().filter(|_| !planted!(env.cx.config, DigitsForgotten));
        for digit in waiting.into_iter().flat_map(|digits| digits.into_waiting()) {
            env.mark(Mark::DigitsLeft);
            env.cx.out.event(Event::DigitFailed { session, digit, why });
        }
        if established.transfer.take().is_some() {
            let state = match cause {
                Cause::Transferred => TransferState::Done,
                _ => TransferState::Failed { code: None },
            };
            env.cx.out.event(Event::Transfer { session, state });
        }
        if established.hold.wanted != established.hold.agreed {
            let hold = established.hold.wanted;
            env.cx.out.event(Event::HoldFailed { session, hold, code: None });
        }
        established.referral = None;
        established.unacked = None;
    }

    fn quiet(&mut self, env: &mut Env<'_, '_>) {
        if planted!(env.cx.config, AlarmLeaked) {
            return;
        }
        for timer in self.alarms.iter_mut().filter_map(Option::take) {
            env.cx.timers.cancel(timer);
        }
    }

    /// The end: the status, the media, and the one `Ended`, in this order.
    pub(super) fn end(&mut self, env: &mut Env<'_, '_>, step: Step, why: EndReason) {
        self.quiet(env);
        self.report(env, why.code.filter(|code| *code >= 300).unwrap_or(487));
        self.advance(env.cx, step, Phase::Ended, State::Ended);
        if self.has_media && !planted!(env.cx.config, MediaLeaked) {
            env.cx.out.effect(self.id, Effect::Release { session: self.id });
        }
        if planted!(env.cx.config, EndedTwice) {
            env.cx.out.event(Event::Ended { session: self.id, why: why.clone() });
        }
        env.cx.out.event(Event::Ended { session: self.id, why });
    }
}

/// The user's wishes, as [`Phone`](crate::Phone) passes them on once they are known to be possible.
impl Session {
    pub(crate) fn answer(&mut self, env: &mut Env<'_, '_>) {
        self.take_call(env);
    }

    pub(crate) fn reject(&mut self, env: &mut Env<'_, '_>, code: u16) {
        let cause = if matches!(code, 486 | 600) { Cause::Busy } else { Cause::Rejected };
        let why = EndReason::new(EndedBy::Us, cause, Some(code), offhook_wire::reason_phrase(code));
        self.refuse(env, Step::Refused, code, why);
    }

    pub(crate) fn terminate(&mut self, env: &mut Env<'_, '_>) {
        self.hang_up(env);
    }

    pub(crate) fn hold(&mut self, env: &mut Env<'_, '_>, hold: bool) {
        self.want_hold(env, hold);
    }

    pub(crate) fn transfer(&mut self, env: &mut Env<'_, '_>, target: Bytes) {
        self.start_transfer(env, target);
    }

    pub(crate) fn is_ringing(&self) -> bool {
        self.phase == Phase::Ringing
    }

    pub(crate) fn is_transferring(&mut self) -> bool {
        self.established_mut().is_some_and(|e| e.transfer.is_some())
    }
}
