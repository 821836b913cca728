//! The callee's role until the ACK (RFC 3261 §13.3).

use super::cx::CallCx;
use super::description::{has_sdp, sdp_of};
use super::established::{Established, Renegotiation};
use super::machine::{Phase, Trigger};
use super::reasons::{cancel_reason, not_connected, refusal_of};
use super::session::Session;
use super::states::{Answering, OpenOffer, Ringing, State};
use crate::api::reason::reason_of;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::base::waiter::CallWaiter;
use crate::dialog::Dialog;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{
    CallEffect, CallEvent, Cause, ConnectionId, Direction, EffectId, EffectResult, EndReason, EndedBy,
    Incoming, MediaFault, SessionId,
};
use offhook_wire::{Message, Method};

impl Session {
    /// A call from an INVITE. `None`, with a response sent, if the INVITE cannot create a dialog.
    pub(crate) fn incoming(
        id: SessionId,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        connection: ConnectionId,
        invite: Message,
    ) -> Option<Self> {
        let mut session = Self::new(id, cx, None);
        let Ok(dialog) = Dialog::of_request(&invite, session.tag.as_bytes()) else {
            cx.mark(Mark::NoDialog);
            respond::answer(cx.base, cx.txs, tx, &invite, 400);
            return None;
        };
        let (Ok(from), Ok(to)) = (invite.from(), invite.to()) else {
            unreachable!("a dialog was made of them")
        };
        cx.base.out.call_event(
            id,
            CallEvent::Incoming(Incoming {
                account: session.account,
                from: String::from_utf8_lossy(from.uri).into_owned(),
                display_name: from.display_name().map(|name| name.into_owned()),
                to: String::from_utf8_lossy(to.uri).into_owned(),
            }),
        );
        let ringing =
            respond::reply(cx.base.config, &invite, 180, session.tag.as_bytes(), cx.account.contact())
                .finish();
        if !planted!(cx.base.config, RingingNotSaid) {
            cx.txs.provisional(cx.base, &tx, ringing);
        }
        let state = State::Ringing(Ringing { tx, connection, invite: Box::new(invite), dialog });
        session.transition(cx.base, Trigger::Invite, Phase::Ringing, state);
        session.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
        Some(session)
    }

    /// The user answers.
    pub(crate) fn answer(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Ringing(Ringing { tx, connection, invite, dialog }) = self.take() else { return };
        // The media engine, which may ask the user for a microphone, has as long as the call may ring.
        self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
        let direction = Direction::SendRecv;
        let (effect, open_offer) = match sdp_of(&invite) {
            Some(offer) => {
                let token = self.negotiation.remote_offer().expect("a new call has no offer open");
                let effect = CallEffect::Answer { offer, direction };
                (self.effect(cx.base, effect, CallWaiter::Answer), OpenOffer::Remote(token))
            }
            None => {
                cx.mark(Mark::LateOffer);
                let token = self.negotiation.local_offer().expect("a new call has no offer open");
                let effect = CallEffect::Offer { direction };
                (self.effect(cx.base, effect, CallWaiter::Answer), OpenOffer::Local(token))
            }
        };
        let state = State::Answering(Answering { tx, connection, invite, dialog, effect, open_offer });
        self.transition(cx.base, Trigger::Answer, Phase::Answering, state);
    }

    pub(super) fn on_answer_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: EffectResult,
    ) {
        if !matches!(&self.state, State::Answering(a) if a.effect == effect) {
            return;
        }
        let State::Answering(Answering { tx, invite, dialog, open_offer, .. }) = self.take() else {
            unreachable!()
        };
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let sdp = match result {
            EffectResult::Description(sdp) => sdp,
            other => {
                let fault = match other {
                    EffectResult::Failed(fault) => fault,
                    _ => MediaFault::Engine,
                };
                cx.mark(Mark::MediaRefused);
                let (code, cause) = refusal_of(fault);
                match open_offer {
                    OpenOffer::Remote(token) => self.negotiation.refuse(token),
                    OpenOffer::Local(token) => self.negotiation.withdraw(token),
                }
                self.refuse_invite(cx, tx, &invite, code);
                let why = EndReason::new(EndedBy::Us, cause, Some(code), "the media engine refused the call");
                return self.end(cx, Trigger::NoMedia, why);
            }
        };
        let mut established = Established::new(dialog, false);
        established.peer_packages.update(&invite);
        if has_sdp(&invite) {
            established.apply_remote_sdp(invite.body_bytes());
        }
        established.renegotiation = match open_offer {
            OpenOffer::Remote(token) => {
                self.negotiation.reply(token);
                Renegotiation::Settled
            }
            OpenOffer::Local(offer) => Renegotiation::Proposed { offer, hold: false },
        };
        let response =
            respond::accept(cx.base.config, &invite, self.tag.as_bytes(), cx.account.contact(), &sdp);
        established.send_2xx(cx, tx, &invite, response);
        self.transition(cx.base, Trigger::Described, Phase::AwaitingAck, State::AwaitingAck(established));
        self.set_timer(cx.base, cx.base.config.times.t1, SessionTimer::Retransmit2xx);
    }

    /// Rejects the call, for the user or by a rule.
    pub(super) fn refuse(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, code: u16, why: EndReason) {
        let (tx, invite) = match self.take() {
            State::Ringing(Ringing { tx, invite, .. }) => (tx, invite),
            State::Answering(Answering { tx, invite, .. }) => (tx, invite),
            _ => unreachable!("only a call that rings can be refused"),
        };
        self.refuse_invite(cx, tx, &invite, code);
        self.end(cx, trigger, why);
    }

    fn refuse_invite(&self, cx: &mut CallCx<'_, '_>, tx: ServerTx, invite: &Message, code: u16) {
        let response = respond::bare(cx.base.config, invite, code, Some(self.tag.as_bytes()));
        cx.txs.finish(cx.base, tx, code, response);
    }

    pub(super) fn invite_cancelled(&mut self, cx: &mut CallCx<'_, '_>, cancel: &Message) {
        self.refuse(cx, Trigger::Cancelled, 487, cancel_reason(cancel));
    }

    pub(super) fn ringing_connection_lost(&mut self, cx: &mut CallCx<'_, '_>) {
        // The transaction was lost with its connection: no response can be sent.
        self.take();
        self.end(cx, Trigger::NoConnection, not_connected());
    }

    /// A request within the early dialog: only a BYE is valid (§15).
    pub(super) fn early_dialog_request(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        match request.method() {
            Some(Method::Bye) => cx.mark(Mark::RingingBye),
            // The first INVITE has no final response yet (§14.2).
            Some(Method::Invite) => return respond::retry_later(cx.base, cx.txs, tx, request),
            _ => {
                cx.mark(Mark::RingingRequest);
                return respond::out_of_dialog(cx.base, cx.txs, cx.account.id(), tx, request, 200);
            }
        }
        respond::answer(cx.base, cx.txs, tx, request, 200);
        let (code, text) = reason_of(request);
        let why = EndReason { by: EndedBy::Peer, cause: Cause::Cancelled, code, text };
        self.refuse(cx, Trigger::Bye, 487, why);
    }

    pub(super) fn acknowledged(&mut self, cx: &mut CallCx<'_, '_>) {
        match self.take() {
            State::AwaitingAck(established) => {
                let held = established.hold.remote;
                self.transition(cx.base, Trigger::Acked, Phase::Established, State::Established(established));
                if held {
                    self.hold_event(cx);
                }
                self.await_media(cx);
            }
            State::HangUpAfterAck(established, why) => {
                self.terminate_dialog(cx, established, Trigger::Acked, why)
            }
            other => self.state = other,
        }
    }
}
