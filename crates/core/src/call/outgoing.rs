//! The caller's role until the 2xx (RFC 3261 §13.2).

use super::cx::{CallAction, CallCx, Referrer};
use super::description::sdp_of;
use super::established::{Established, Renegotiation};
use super::machine::{Phase, Trigger};
use super::reasons::not_connected;
use super::session::Session;
use super::states::{Calling, Cancelling, EarlyAnswer, Fork, Invitation, Invite, Offering, State};
use crate::api::reason::reason_of_final;
use crate::base::decimal::decimal;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner, SessionTimer};
use crate::base::waiter::CallWaiter;
use crate::capabilities::CAPABILITIES;
use crate::dialog::{Dialog, LocalRequest, NoDialog, to_tag};
use crate::planted::planted;
use crate::request::respond::SDP;
use crate::transaction::{TxFailed, TxFailure};
use crate::{CallEffect, CallEvent, Cause, Direction, EffectId, EffectResult, EndReason, EndedBy, SessionId};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

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
                let invite = Invite { invitation, call_id: cx.base.entropy.token(Label::Ids), cseq: 1, sdp };
                let Some(tx) = self.send_invite(cx, &invite, None) else {
                    self.negotiation.withdraw(offer);
                    return self.end(cx, Trigger::NoConnection, not_connected());
                };
                let early_answer = EarlyAnswer::None;
                let calling =
                    Calling { tx, offer, invite, early_answer, auth_attempts: 0, credentials: None };
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

    fn send_invite(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        invite: &Invite,
        credentials: Option<&(HeaderName, String)>,
    ) -> Option<ClientTx> {
        let path = cx.account.path()?;
        let (from, tag, contact) = (cx.account.from(), self.tag.as_bytes(), cx.account.contact());
        let (owner, config) = (Owner::Session(self.id), cx.base.config);
        Some(cx.txs.request(cx.base, path, owner, Method::Invite, |via| {
            let uri = &invite.invitation.uri[..];
            let mut b = offhook_wire::Builder::request(Method::Invite, uri);
            b.header(HeaderName::Via, via);
            b.header(HeaderName::MaxForwards, b"70");
            b.parts(HeaderName::From, &[from, b";tag=", tag]);
            b.parts(HeaderName::To, &[b"<", uri, b">"]);
            b.header(HeaderName::CallId, invite.call_id);
            b.parts(HeaderName::CSeq, &[decimal(invite.cseq, &mut [0; 10]), b" INVITE"]);
            b.header(HeaderName::Contact, contact);
            b.header(HeaderName::Allow, CAPABILITIES.allow);
            b.header(HeaderName::UserAgent, &config.user_agent);
            for (name, value) in &invite.invitation.headers {
                b.untrusted(name, value).expect("checked when the command came in");
            }
            if let Some((name, value)) = credentials {
                b.header(*name, value);
            }
            b.body(SDP, &invite.sdp)
        }))
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
        let Calling { tx, offer, invite, early_answer, credentials, .. } = calling;
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let Ok(dialog) = self.dialog_of(cx, message, &invite) else {
            self.negotiation.withdraw(offer);
            let why =
                EndReason::new(EndedBy::Peer, Cause::Protocol, message.status(), "a 2xx without a dialog");
            return self.end(cx, Trigger::Refused, why);
        };
        cx.txs.record_fork(tx, dialog.remote_tag());
        let mut established = Established::new(dialog, true);
        established.credentials = credentials;
        established.send_ack(cx, invite.cseq);
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

    fn invite_refused(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        let State::Calling(mut calling) = self.take() else { return };
        if matches!(code, 401 | 407) {
            let (uri, body) = (&calling.invite.invitation.uri, &calling.invite.sdp);
            let credentials =
                cx.account.authorize(cx.base, message, Method::Invite, uri, body, calling.auth_attempts);
            if let Some(credentials) = credentials {
                calling.invite.cseq += 1;
                calling.auth_attempts += 1;
                if let Some(tx) = self.send_invite(cx, &calling.invite, Some(&credentials)) {
                    calling.tx = tx;
                    calling.credentials = Some(Box::new(credentials));
                    self.state = State::Calling(calling);
                    return;
                }
            }
        }
        self.negotiation.withdraw(calling.offer);
        self.end(cx, Trigger::Refused, reason_of_final(code, message));
    }

    pub(super) fn invite_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        let State::Calling(calling) = self.take() else { return };
        self.negotiation.withdraw(calling.offer);
        let (trigger, why) = match failed.why {
            TxFailure::TimedOut => (
                Trigger::Timeout,
                EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), "no response"),
            ),
            TxFailure::ConnectionLost => (Trigger::NoConnection, not_connected()),
        };
        self.end(cx, trigger, why);
    }

    /// Cancels the INVITE: the user hangs up, or the callee does not answer in time.
    pub(super) fn cancel(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        let State::Calling(calling) = self.take() else { return };
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        self.negotiation.withdraw(calling.offer);
        if !planted!(cx.base.config, CancelForgotten) {
            cx.txs.cancel(cx.base, calling.tx);
        }
        let Calling { tx, invite, credentials, .. } = calling;
        let cancelling = Cancelling { tx, invite, credentials, why };
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
                established.credentials = cancelling.credentials;
                established.send_ack(cx, cancelling.invite.cseq);
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
