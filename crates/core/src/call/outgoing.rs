//! The caller's side until the 2xx (RFC 3261 §13.2).

use super::cx::{Env, Referrer, Upcall};
use super::description::sdp_of;
use super::established::{Change, Established};
use super::machine::{Phase, Step};
use super::reasons::not_connected;
use super::session::Session;
use super::states::{Calling, Cancelling, Fork, Invitation, Invite, Offering, Preview, State};
use crate::api::reason::reason_of_final;
use crate::base::decimal::decimal;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner, SessionTimer};
use crate::capabilities::CAPABILITIES;
use crate::dialog::{Asked, Dialog, NoDialog, to_tag};
use crate::planted::planted;
use crate::request::respond::SDP;
use crate::transaction::{TxFailed, TxFailure};
use crate::{Cause, Direction, Effect, EffectId, EffectResult, EndReason, EndedBy, Event, SessionId};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

impl Session {
    /// The user dials. Ends at once when there is no connection.
    pub(crate) fn dial(
        id: SessionId,
        env: &mut Env<'_, '_>,
        invitation: Invitation,
        referred_by: Option<Referrer>,
    ) -> Self {
        let mut session = Self::new(id, env, referred_by);
        if env.line.path().is_none() {
            session.end(env, Step::NoFlow, not_connected());
            return session;
        }
        let offer = session.negotiation.offer().expect("a new call has no offer open");
        let effect = session.offer_effect(env.cx, Direction::SendRecv);
        let state = State::Offering(Offering { effect, offer, invitation });
        session.advance(env.cx, Step::Dial, Phase::Offering, state);
        session.alarm(env.cx, env.cx.config.no_answer, SessionTimer::NoAnswer);
        session
    }

    pub(super) fn offer_ready(&mut self, env: &mut Env<'_, '_>, effect: EffectId, result: EffectResult) {
        let State::Offering(offering) = &self.state else { return };
        if offering.effect != effect {
            return;
        }
        let State::Offering(Offering { offer, invitation, .. }) = self.take() else { unreachable!() };
        match result {
            EffectResult::Description(sdp) => {
                let invite = Invite { invitation, call_id: env.cx.entropy.token(Label::Ids), cseq: 1, sdp };
                let Some(tx) = self.send_invite(env, &invite, None) else {
                    self.negotiation.withdraw(offer);
                    return self.end(env, Step::NoFlow, not_connected());
                };
                let preview = Preview::None;
                let calling = Calling { tx, offer, invite, preview, tried: 0, credentials: None };
                self.advance(env.cx, Step::Described, Phase::Calling, State::Calling(calling));
                self.alarm(env.cx, env.cx.config.no_answer, SessionTimer::NoAnswer);
            }
            EffectResult::Failed(_) | EffectResult::Applied | EffectResult::Sent => {
                self.negotiation.withdraw(offer);
                self.end(
                    env,
                    Step::NoMedia,
                    EndReason::new(EndedBy::Us, Cause::MediaFailed, None, "no offer was made"),
                );
            }
        }
    }

    fn send_invite(
        &mut self,
        env: &mut Env<'_, '_>,
        invite: &Invite,
        credentials: Option<&(HeaderName, String)>,
    ) -> Option<ClientTx> {
        let path = env.line.path()?;
        let (from, tag, contact) = (env.line.from(), self.tag.as_bytes(), env.line.contact());
        let (owner, config) = (Owner::Session(self.id), env.cx.config);
        Some(env.txs.request(env.cx, path, owner, Method::Invite, |via| {
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

    pub(super) fn invite_response(&mut self, env: &mut Env<'_, '_>, code: u16, message: &Message) {
        match code {
            100..=199 => self.invite_progress(env, code, message),
            200..=299 => self.invite_accepted(env, message),
            _ => self.invite_refused(env, code, message),
        }
    }

    fn invite_progress(&mut self, env: &mut Env<'_, '_>, code: u16, message: &Message) {
        let State::Calling(calling) = &self.state else { return };
        if code == 100 {
            return;
        }
        if let (Preview::None, Some(answer), Some(tag)) = (&calling.preview, sdp_of(message), to_tag(message))
        {
            let of = Fork { tag: Bytes::copy_from_slice(tag), answer: answer.clone() };
            env.mark(Mark::EarlyMedia);
            let effect = self.effect(env.cx, Effect::Apply { session: self.id, answer });
            let State::Calling(calling) = &mut self.state else { return };
            calling.preview = Preview::Applying { effect, of };
        }
        env.cx.out.event(Event::Progress { session: self.id, code });
        self.report(env, code);
    }

    pub(super) fn preview_done(&mut self, effect: EffectId, result: &EffectResult) {
        let State::Calling(calling) = &mut self.state else { return };
        calling.preview = match std::mem::replace(&mut calling.preview, Preview::None) {
            Preview::Applying { effect: awaited, of } if awaited == effect => match result {
                EffectResult::Applied => Preview::Applied { of },
                // The same description will come again in the 2xx, and fail there for good.
                _ => Preview::None,
            },
            other => other,
        };
    }

    fn invite_accepted(&mut self, env: &mut Env<'_, '_>, message: &Message) {
        let State::Calling(calling) = self.take() else { return };
        let Calling { tx, offer, invite, preview, credentials, .. } = calling;
        self.silence(env.cx, SessionTimer::NoAnswer);
        let Ok(dialog) = self.dialog_of(env, message, &invite) else {
            self.negotiation.withdraw(offer);
            let why =
                EndReason::new(EndedBy::Peer, Cause::Protocol, message.status(), "a 2xx without a dialog");
            return self.end(env, Step::Refused, why);
        };
        env.txs.meet_fork(tx, dialog.remote_tag());
        let mut established = Established::new(dialog, true);
        established.credentials = credentials;
        established.send_ack(env, invite.cseq);
        let same_fork = |of: &Fork| to_tag(message) == Some(&of.tag[..]);
        let answer = sdp_of(message);
        let early = match &preview {
            Preview::Applying { of, .. } | Preview::Applied { of } if same_fork(of) => Some(&of.answer),
            _ => None,
        };
        if early.is_some() {
            env.mark(Mark::EarlyMediaKept);
        } else if !matches!(preview, Preview::None) {
            env.mark(Mark::EarlyMediaOfAnother);
        }
        if let Some(answer) = answer.as_ref().or(early) {
            established.heard(answer);
        }
        established.change = match (preview, answer) {
            (Preview::Applying { effect, of }, _) if same_fork(&of) => Change::Applying { effect, offer },
            (Preview::Applied { of }, _) if same_fork(&of) => {
                self.negotiation.agree(offer);
                Change::Settled
            }
            (_, Some(answer)) => {
                let effect = self.effect(env.cx, Effect::Apply { session: self.id, answer });
                Change::Applying { effect, offer }
            }
            (_, None) => {
                env.mark(Mark::NoAnswerInside);
                self.negotiation.withdraw(offer);
                self.advance(env.cx, Step::Accepted, Phase::Established, State::Established(established));
                let why = EndReason::new(
                    EndedBy::Peer,
                    Cause::Protocol,
                    message.status(),
                    "a 2xx without an answer",
                );
                return self.close(env, Step::Refused, why);
            }
        };
        let (applies, held) =
            (matches!(established.change, Change::Applying { .. }), established.hold.remote);
        self.advance(env.cx, Step::Accepted, Phase::Established, State::Established(established));
        if applies {
            // A media engine that never says whether it can use the answer would keep every hold waiting.
            self.alarm(env.cx, env.cx.config.times.t1 * 64, SessionTimer::Change);
        }
        if held {
            self.hold_event(env);
        }
        self.await_media(env);
        self.report(env, 200);
    }

    fn dialog_of(&self, env: &Env<'_, '_>, message: &Message, invite: &Invite) -> Result<Dialog, NoDialog> {
        let (from, tag) = (env.line.from(), self.tag.as_bytes());
        let asked = Asked { call_id: &invite.call_id, from, tag, uri: &invite.invitation.uri };
        Dialog::of_response(env.cx.config, message, Some(&asked), invite.cseq)
    }

    fn invite_refused(&mut self, env: &mut Env<'_, '_>, code: u16, message: &Message) {
        let State::Calling(mut calling) = self.take() else { return };
        if matches!(code, 401 | 407) {
            let (uri, body) = (&calling.invite.invitation.uri, &calling.invite.sdp);
            let credentials = env.line.authorize(env.cx, message, Method::Invite, uri, body, calling.tried);
            if let Some(credentials) = credentials {
                calling.invite.cseq += 1;
                calling.tried += 1;
                if let Some(tx) = self.send_invite(env, &calling.invite, Some(&credentials)) {
                    calling.tx = tx;
                    calling.credentials = Some(Box::new(credentials));
                    self.state = State::Calling(calling);
                    return;
                }
            }
        }
        self.negotiation.withdraw(calling.offer);
        self.end(env, Step::Refused, reason_of_final(code, message));
    }

    pub(super) fn invite_failed(&mut self, env: &mut Env<'_, '_>, failed: &TxFailed) {
        let State::Calling(calling) = self.take() else { return };
        self.negotiation.withdraw(calling.offer);
        let (step, why) = match failed.why {
            TxFailure::TimedOut => {
                (Step::Timeout, EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), "no response"))
            }
            TxFailure::FlowLost => (Step::NoFlow, not_connected()),
        };
        self.end(env, step, why);
    }

    /// Gives the INVITE up: by the user's wish, or because nobody answers.
    pub(super) fn cancel(&mut self, env: &mut Env<'_, '_>, step: Step, why: EndReason) {
        let State::Calling(calling) = self.take() else { return };
        self.silence(env.cx, SessionTimer::NoAnswer);
        self.negotiation.withdraw(calling.offer);
        if !planted!(env.cx.config, CancelForgotten) {
            env.txs.cancel(env.cx, calling.tx);
        }
        let Calling { tx, invite, credentials, .. } = calling;
        let cancelling = Cancelling { tx, invite, credentials, why };
        self.advance(env.cx, step, Phase::Cancelling, State::Cancelling(cancelling));
    }

    pub(super) fn cancelled_response(&mut self, env: &mut Env<'_, '_>, code: u16, message: &Message) {
        if code < 200 {
            return;
        }
        let State::Cancelling(cancelling) = self.take() else { return };
        if code >= 300 || planted!(env.cx.config, LateAnswerIgnored) {
            return self.end(env, Step::Closed, cancelling.why);
        }
        // The CANCEL crossed the answer: the call exists, and is hung up (§9.1, §15).
        match self.dialog_of(env, message, &cancelling.invite) {
            Ok(dialog) => {
                env.mark(Mark::AnswerCrossedCancel);
                env.txs.meet_fork(cancelling.tx, dialog.remote_tag());
                let mut established = Established::new(dialog, true);
                established.credentials = cancelling.credentials;
                established.send_ack(env, cancelling.invite.cseq);
                self.close_dialog(env, established, Step::Accepted, cancelling.why);
            }
            Err(_) => self.end(env, Step::Closed, cancelling.why),
        }
    }

    pub(super) fn cancel_failed(&mut self, env: &mut Env<'_, '_>) {
        let State::Cancelling(cancelling) = self.take() else { return };
        self.end(env, Step::Closed, cancelling.why);
    }

    /// Tells the call whose peer asked for this one how it goes.
    pub(super) fn report(&mut self, env: &mut Env<'_, '_>, code: u16) {
        if let Some(to) = self.referred_by {
            env.upcalls.push(Upcall::Report { to, code });
            if code >= 200 {
                self.referred_by = None;
            }
        }
    }
}
