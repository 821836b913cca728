//! The caller's role until the 2xx (RFC 3261 §13.2).

use super::cx::{CallAction, CallCx, Referrer};
use super::description::sdp_of;
use super::established::{Established, Renegotiation};
use super::machine::{Phase, Trigger};
use super::reasons::not_connected;
use super::session::Session;
use super::states::{Calling, Cancelling, EarlyAnswer, Fork, Invitation, Invite, Offering, State};
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::base::waiter::CallWaiter;
use crate::dialog::{Dialog, LocalRequest, NoDialog, to_tag};
use crate::planted::planted;
use crate::request::restarts::Restarts;
use crate::{CallEffect, CallEvent, Cause, Direction, EffectId, EffectResult, EndReason, EndedBy, SessionId};
use bytes::Bytes;
use offhook_wire::Message;

impl Session {
    /// The user dials. The call ends immediately if there is no connection.
    pub(crate) fn dial(
        id: SessionId,
        cx: &mut CallCx<'_, '_>,
        invitation: Invitation,
        referred_by: Option<Referrer>,
    ) -> Self {
        let mut session = Self::new(id, cx, referred_by);
        if cx.account.path().is_none() {
            session.end(cx, Trigger::NoConnection, not_connected());
            return session;
        }
        let offer = session.negotiation.local_offer().expect("a new call has no offer open");
        let effect =
            session.effect(cx.base, CallEffect::Offer { direction: Direction::SendRecv }, CallWaiter::Offer);
        let state = State::Offering(Offering { effect, offer, invitation });
        session.transition(cx.base, Trigger::Dial, Phase::Offering, state);
        session.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
        session
    }

    pub(super) fn on_offer_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: EffectResult,
    ) {
        let State::Offering(offering) = &self.state else { return };
        if offering.effect != effect {
            return;
        }
        let State::Offering(Offering { offer, invitation, .. }) = self.take() else { unreachable!() };
        match result {
            EffectResult::Description(sdp) => {
                let call_id = cx.base.entropy.token(Label::Ids);
                let mut invite = Invite::new(invitation, call_id, sdp);
                let Some(tx) = self.send_invite(cx, &mut invite) else {
                    self.negotiation.withdraw(offer);
                    return self.end(cx, Trigger::NoConnection, not_connected());
                };
                let (early_answer, restarts) = (EarlyAnswer::None, Restarts::default());
                let calling = Calling { tx, offer, invite, early_answer, restarts };
                self.transition(cx.base, Trigger::Described, Phase::Calling, State::Calling(calling));
                self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
            }
            _ => {
                self.negotiation.withdraw(offer);
                self.end(
                    cx,
                    Trigger::NoMedia,
                    EndReason::new(EndedBy::Us, Cause::MediaFailed, None, "no offer was made"),
                );
            }
        }
    }

    pub(super) fn invite_response(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        match code {
            100..=199 => self.invite_progress(cx, code, message),
            200..=299 => self.invite_accepted(cx, message),
            _ => self.invite_refused(cx, code, message),
        }
    }

    fn invite_progress(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        let State::Calling(calling) = &self.state else { return };
        if code == 100 {
            return;
        }
        if let (EarlyAnswer::None, Some(answer), Some(tag)) =
            (&calling.early_answer, sdp_of(message), to_tag(message))
        {
            let of = Fork { tag: Bytes::copy_from_slice(tag), answer: answer.clone() };
            cx.mark(Mark::EarlyMedia);
            let effect = self.effect(cx.base, CallEffect::Apply { answer }, CallWaiter::EarlyAnswer);
            let State::Calling(calling) = &mut self.state else { return };
            calling.early_answer = EarlyAnswer::Applying { effect, of };
        }
        cx.base.out.call_event(self.id, CallEvent::Progress { code });
        self.report(cx, code);
    }

    /// The 2xx may have arrived meanwhile: then the renegotiation waits for it.
    pub(super) fn on_early_answer_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: EffectResult,
    ) {
        let State::Calling(calling) = &mut self.state else {
            return self.on_renegotiation_result(cx, effect, result);
        };
        calling.early_answer = match std::mem::replace(&mut calling.early_answer, EarlyAnswer::None) {
            EarlyAnswer::Applying { effect: awaited, of } if awaited == effect => match result {
                EffectResult::Applied => EarlyAnswer::Applied { of },
                // The 2xx has the same description, which then fails the call.
                _ => EarlyAnswer::None,
            },
            other => other,
        };
    }

    fn invite_accepted(&mut self, cx: &mut CallCx<'_, '_>, message: &Message) {
        let State::Calling(calling) = self.take() else { return };
        let Calling { tx, offer, invite, early_answer, .. } = calling;
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let Ok(dialog) = self.dialog_of(cx, message, &invite) else {
            self.negotiation.withdraw(offer);
            let why =
                EndReason::new(EndedBy::Peer, Cause::Protocol, message.status(), "a 2xx without a dialog");
            return self.end(cx, Trigger::Refused, why);
        };
        cx.txs.record_fork(tx, dialog.remote_tag());
        cx.account.accepted(invite.realms);
        let mut established = Established::new(dialog, true);
        established.realms = invite.realms;
        established.keep_credentials(invite.cseq, invite.credentials);
        established.send_ack(cx, invite.cseq);
        established.peer_packages.update(message);
        let same_fork = |of: &Fork| to_tag(message) == Some(&of.tag[..]);
        let answer = sdp_of(message);
        let early = match &early_answer {
            EarlyAnswer::Applying { of, .. } | EarlyAnswer::Applied { of } if same_fork(of) => {
                Some(&of.answer)
            }
            _ => None,
        };
        if early.is_some() {
            cx.mark(Mark::EarlyMediaKept);
        } else if !matches!(early_answer, EarlyAnswer::None) {
            cx.mark(Mark::EarlyMediaOfAnother);
        }
        if let Some(answer) = answer.as_ref().or(early) {
            established.apply_remote_sdp(answer);
        }
        established.renegotiation = match (early_answer, answer) {
            (EarlyAnswer::Applying { effect, of }, _) if same_fork(&of) => {
                Renegotiation::Applying { effect, offer }
            }
            (EarlyAnswer::Applied { of }, _) if same_fork(&of) => {
                self.negotiation.agree(offer);
                Renegotiation::Settled
            }
            (_, Some(answer)) => {
                let effect = self.effect(cx.base, CallEffect::Apply { answer }, CallWaiter::Renegotiation);
                Renegotiation::Applying { effect, offer }
            }
            (_, None) => {
                cx.mark(Mark::NoAnswerInside);
                self.negotiation.withdraw(offer);
                self.transition(
                    cx.base,
                    Trigger::Accepted,
                    Phase::Established,
                    State::Established(established),
                );
                let why = EndReason::new(
                    EndedBy::Peer,
                    Cause::Protocol,
                    message.status(),
                    "a 2xx without an answer",
                );
                return self.terminate(cx, Trigger::Refused, why);
            }
        };
        let (applies, held) =
            (matches!(established.renegotiation, Renegotiation::Applying { .. }), established.hold.remote);
        self.transition(cx.base, Trigger::Accepted, Phase::Established, State::Established(established));
        if applies {
            // A media engine that never reports a result would block every hold.
            self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Renegotiation);
        }
        if held {
            self.hold_event(cx);
        }
        self.await_media(cx);
        self.report(cx, 200);
    }

    fn dialog_of(&self, cx: &CallCx<'_, '_>, message: &Message, invite: &Invite) -> Result<Dialog, NoDialog> {
        let (from, tag) = (cx.account.from(), self.tag.as_bytes());
        let local = LocalRequest { call_id: &invite.call_id, from, tag, uri: &invite.invitation.uri };
        Dialog::of_response(cx.base.config, message, Some(&local), invite.cseq)
    }

    /// Cancels the INVITE: the user hangs up, or the callee does not answer in time.
    pub(super) fn cancel(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        let State::Calling(calling) = self.take() else { return };
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        self.negotiation.withdraw(calling.offer);
        if !planted!(cx.base.config, CancelForgotten) {
            cx.txs.cancel(cx.base, calling.tx);
        }
        let Calling { tx, invite, .. } = calling;
        let cancelling = Cancelling { tx, invite, why };
        self.transition(cx.base, trigger, Phase::Cancelling, State::Cancelling(cancelling));
    }

    pub(super) fn cancelled_response(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        if code < 200 {
            return;
        }
        let State::Cancelling(cancelling) = self.take() else { return };
        if code >= 300 || planted!(cx.base.config, LateAnswerIgnored) {
            return self.end(cx, Trigger::Closed, cancelling.why);
        }
        // The CANCEL crossed the 2xx: the call is established, and ended with a BYE (§9.1, §15).
        match self.dialog_of(cx, message, &cancelling.invite) {
            Ok(dialog) => {
                cx.mark(Mark::AnswerCrossedCancel);
                cx.txs.record_fork(cancelling.tx, dialog.remote_tag());
                let mut established = Established::new(dialog, true);
                let invite = cancelling.invite;
                established.realms = invite.realms;
                established.keep_credentials(invite.cseq, invite.credentials);
                established.send_ack(cx, invite.cseq);
                self.terminate_dialog(cx, established, Trigger::Accepted, cancelling.why);
            }
            Err(_) => self.end(cx, Trigger::Closed, cancelling.why),
        }
    }

    pub(super) fn cancel_failed(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Cancelling(cancelling) = self.take() else { return };
        self.end(cx, Trigger::Closed, cancelling.why);
    }

    /// Reports the progress to the call in which the REFER for this one was received.
    pub(super) fn report(&mut self, cx: &mut CallCx<'_, '_>, code: u16) {
        if let Some(to) = self.referred_by {
            cx.actions.push(CallAction::Report { to, code });
            if code >= 200 {
                self.referred_by = None;
            }
        }
    }
}
