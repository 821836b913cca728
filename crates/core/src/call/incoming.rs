//! The callee's side until the ACK (RFC 3261 §13.3).

use super::cx::Env;
use super::description::{has_sdp, sdp_of};
use super::established::{Change, Established};
use super::machine::{Phase, Step};
use super::reasons::{cancel_reason, not_connected, refusal_of};
use super::session::Session;
use super::states::{Answering, Ringing, State, Turn};
use crate::api::reason::reason_of;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::dialog::Dialog;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{
    Cause, Direction, Effect, EffectId, EffectResult, EndReason, EndedBy, Event, FlowId, Incoming,
    MediaFault, SessionId,
};
use offhook_wire::{Message, Method};

impl Session {
    /// Somebody calls. `None`, and answered, when the INVITE cannot make a dialog.
    pub(crate) fn incoming(
        id: SessionId,
        env: &mut Env<'_, '_>,
        tx: ServerTx,
        flow: FlowId,
        invite: Message,
    ) -> Option<Self> {
        let mut session = Self::new(id, env, None);
        let Ok(dialog) = Dialog::of_request(&invite, session.tag.as_bytes()) else {
            env.mark(Mark::NoDialog);
            respond::answer(env.cx, env.txs, tx, &invite, 400);
            return None;
        };
        let (Ok(from), Ok(to)) = (invite.from(), invite.to()) else {
            unreachable!("a dialog was made of them")
        };
        env.cx.out.event(Event::Incoming(Incoming {
            session: id,
            account: session.account,
            from: String::from_utf8_lossy(from.uri).into_owned(),
            display_name: from.display_name().map(|name| name.into_owned()),
            to: String::from_utf8_lossy(to.uri).into_owned(),
        }));
        let ringing =
            respond::reply(env.cx.config, &invite, 180, session.tag.as_bytes(), env.line.contact()).finish();
        if !planted!(env.cx.config, RingingNotSaid) {
            env.txs.provisional(env.cx, &tx, ringing);
        }
        let state = State::Ringing(Ringing { tx, flow, invite: Box::new(invite), dialog });
        session.advance(env.cx, Step::Invite, Phase::Ringing, state);
        session.alarm(env.cx, env.cx.config.no_answer, SessionTimer::NoAnswer);
        Some(session)
    }

    /// The user takes the call.
    pub(super) fn take_call(&mut self, env: &mut Env<'_, '_>) {
        let State::Ringing(Ringing { tx, flow, invite, dialog }) = self.take() else { return };
        // The media engine, or the user whom it asks for a microphone, has as long as the user had.
        self.alarm(env.cx, env.cx.config.no_answer, SessionTimer::NoAnswer);
        let direction = Direction::SendRecv;
        let (effect, turn) = match sdp_of(&invite) {
            Some(offer) => {
                let token = self.negotiation.asked().expect("a new call has no offer open");
                let effect = Effect::Answer { session: self.id, offer, direction };
                (self.effect(env.cx, effect), Turn::Theirs(token))
            }
            None => {
                env.mark(Mark::LateOffer);
                let token = self.negotiation.offer().expect("a new call has no offer open");
                (self.offer_effect(env.cx, direction), Turn::Ours(token))
            }
        };
        let state = State::Answering(Answering { tx, flow, invite, dialog, effect, turn });
        self.advance(env.cx, Step::Answer, Phase::Answering, state);
    }

    pub(super) fn answer_ready(&mut self, env: &mut Env<'_, '_>, effect: EffectId, result: EffectResult) {
        if !matches!(&self.state, State::Answering(a) if a.effect == effect) {
            return;
        }
        let State::Answering(Answering { tx, invite, dialog, turn, .. }) = self.take() else {
            unreachable!()
        };
        self.silence(env.cx, SessionTimer::NoAnswer);
        let sdp = match result {
            EffectResult::Description(sdp) => sdp,
            other => {
                let fault = match other {
                    EffectResult::Failed(fault) => fault,
                    _ => MediaFault::Engine,
                };
                env.mark(Mark::MediaRefused);
                let (code, cause) = refusal_of(fault);
                match turn {
                    Turn::Theirs(token) => self.negotiation.refuse(token),
                    Turn::Ours(token) => self.negotiation.withdraw(token),
                }
                self.refuse_invite(env, tx, &invite, code);
                let why = EndReason::new(EndedBy::Us, cause, Some(code), "the media engine refused the call");
                return self.end(env, Step::NoMedia, why);
            }
        };
        let mut established = Established::new(dialog, false);
        if has_sdp(&invite) {
            established.heard(invite.body_bytes());
        }
        established.change = match turn {
            Turn::Theirs(token) => {
                self.negotiation.reply(token);
                Change::Settled
            }
            Turn::Ours(offer) => Change::Proposed { offer, hold: false },
        };
        let response = respond::accept(env.cx.config, &invite, self.tag.as_bytes(), env.line.contact(), &sdp);
        established.send_2xx(env, tx, &invite, response);
        self.advance(env.cx, Step::Described, Phase::Confirming, State::Confirming(established));
        self.alarm(env.cx, env.cx.config.times.t1, SessionTimer::Retransmit2xx);
    }

    /// The user refuses, or a rule does.
    pub(super) fn refuse(&mut self, env: &mut Env<'_, '_>, step: Step, code: u16, why: EndReason) {
        let (tx, invite) = match self.take() {
            State::Ringing(Ringing { tx, invite, .. }) => (tx, invite),
            State::Answering(Answering { tx, invite, .. }) => (tx, invite),
            _ => unreachable!("only a call that rings can be refused"),
        };
        self.refuse_invite(env, tx, &invite, code);
        self.end(env, step, why);
    }

    fn refuse_invite(&self, env: &mut Env<'_, '_>, tx: ServerTx, invite: &Message, code: u16) {
        let response = respond::bare(env.cx.config, invite, code, Some(self.tag.as_bytes()));
        env.txs.finish(env.cx, tx, code, response);
    }

    pub(super) fn invite_cancelled(&mut self, env: &mut Env<'_, '_>, cancel: &Message) {
        self.refuse(env, Step::Cancelled, 487, cancel_reason(cancel));
    }

    pub(super) fn incoming_lost(&mut self, env: &mut Env<'_, '_>) {
        // The transaction went with its connection: there is no way to answer any more.
        self.take();
        self.end(env, Step::NoFlow, not_connected());
    }

    /// A request within the early dialog: only a BYE has a meaning there (§15).
    pub(super) fn early_request(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        match request.method() {
            Some(Method::Bye) => env.mark(Mark::RingingBye),
            // The first INVITE has no answer yet (§14.2).
            Some(Method::Invite) => return respond::retry_later(env.cx, env.txs, tx, request),
            _ => {
                env.mark(Mark::RingingRequest);
                return respond::out_of_dialog(env.cx, env.txs, env.line.id(), tx, request);
            }
        }
        respond::answer(env.cx, env.txs, tx, request, 200);
        let (code, text) = reason_of(request);
        let why = EndReason { by: EndedBy::Peer, cause: Cause::Cancelled, code, text };
        self.refuse(env, Step::Bye, 487, why);
    }

    pub(super) fn on_ack_of_2xx(&mut self, env: &mut Env<'_, '_>) {
        match self.take() {
            State::Confirming(established) => {
                let held = established.hold.remote;
                self.advance(env.cx, Step::Acked, Phase::Established, State::Established(established));
                if held {
                    self.hold_event(env);
                }
                self.await_media(env);
            }
            State::Leaving(established, why) => self.close_dialog(env, established, Step::Acked, why),
            other => self.state = other,
        }
    }
}
